"""Convert a policy in the format of SROS2 to unsigned permissions and governance documents of DDS-Security 1.1."""

from __future__ import annotations

import datetime
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

DISCOVERY_TOPIC = "ros_discovery_info"
"""Topic on which every participant publishes the nodes that it contains (rmw_dds_common of ROS 2)."""

# The DDS topics of a ROS name, as (prefix, suffixes): those that the client writes, and those that the server writes.
SERVICE = (("rq", ("Request",)),), (("rr", ("Reply",)),)
CALLS = ("send_goal", "cancel_goal", "get_result")
ACTION = (
    (("rq", tuple(f"/_action/{call}Request" for call in CALLS)),),
    (("rr", tuple(f"/_action/{call}Reply" for call in CALLS)), ("rt", ("/_action/feedback", "/_action/status"))),
)
TOPIC = (("rt", ("",)),)
NOTHING: tuple[tuple[str, tuple[str, ...]], ...] = ()
RULES = {  # the topics that an enclave with this permission writes, and those that it reads
    ("topics", "publish"): (TOPIC, NOTHING),
    ("topics", "subscribe"): (NOTHING, TOPIC),
    ("services", "request"): SERVICE,
    ("services", "reply"): SERVICE[::-1],
    ("actions", "call"): ACTION,
    ("actions", "execute"): ACTION[::-1],
}

GOVERNANCE = """<dds>
  <domain_access_rules>
    <domain_rule>
      <domains><id>{domain}</id></domains>
      <allow_unauthenticated_participants>false</allow_unauthenticated_participants>
      <enable_join_access_control>true</enable_join_access_control>
      <discovery_protection_kind>ENCRYPT</discovery_protection_kind>
      <liveliness_protection_kind>ENCRYPT</liveliness_protection_kind>
      <rtps_protection_kind>SIGN</rtps_protection_kind>
      <topic_access_rules>
        <topic_rule>
          <topic_expression>*</topic_expression>
          <enable_discovery_protection>true</enable_discovery_protection>
          <enable_liveliness_protection>true</enable_liveliness_protection>
          <enable_read_access_control>true</enable_read_access_control>
          <enable_write_access_control>true</enable_write_access_control>
          <metadata_protection_kind>ENCRYPT</metadata_protection_kind>
          <data_protection_kind>ENCRYPT</data_protection_kind>
        </topic_rule>
      </topic_access_rules>
    </domain_rule>
  </domain_access_rules>
</dds>
"""


class PolicyError(ValueError):
    """The policy file is invalid."""


@dataclass(frozen=True)
class Enclave:
    """The DDS topics, or topic patterns, that one identity may write and read."""

    path: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]


def read_policy(path: Path, namespace: str = "/") -> list[Enclave]:
    """Read the enclaves of a policy in the format of SROS2.

    Args:
        path: The policy file.
        namespace: The namespace of the ROS graph.

    Returns:
        The enclaves, with the DDS topics that each may write and read.

    Raises:
        PolicyError: The file is not such a policy, or contains a rule that denies something: everything that is not
            allowed is denied anyway.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise PolicyError(f"expected a policy in {path}, received {error}") from None
    enclaves = [_read_enclave(element, namespace) for element in root.iterfind("enclaves/enclave")]
    if not enclaves:
        raise PolicyError(f"expected <policy> with <enclaves> in {path}, received <{root.tag}> with none")
    return enclaves


def _read_enclave(element: ElementTree.Element, namespace: str) -> Enclave:
    writes, reads = {DISCOVERY_TOPIC}, {DISCOVERY_TOPIC}
    for profile in element.iterfind("profiles/profile"):
        start = namespace if profile.attrib["ns"] == "/" else profile.attrib["ns"]
        start = start.rstrip("/") + "/"
        for rule in profile:
            names = [_full_name(item.text or "", start, profile.attrib["node"]) for item in rule]
            for way, qualifier in rule.attrib.items():
                if qualifier != "ALLOW" or (rule.tag, way) not in RULES:
                    raise PolicyError(f'expected rules that allow, received <{rule.tag} {way}="{qualifier}">')
                written, read = RULES[rule.tag, way]
                writes.update(_topics(names, written))
                reads.update(_topics(names, read))
    return Enclave(element.attrib["path"], tuple(sorted(writes)), tuple(sorted(reads)))


def _full_name(name: str, start: str, node: str) -> str:
    if name.startswith("/"):
        return name
    return start + node + name[1:] if name.startswith("~") else start + name


def _topics(names: list[str], shapes: tuple[tuple[str, tuple[str, ...]], ...]) -> list[str]:
    return [prefix + name + suffix for name in names for prefix, suffixes in shapes for suffix in suffixes]


def permissions(enclave: Enclave, domain: int, start: datetime.datetime, end: datetime.datetime) -> bytes:
    """Return the permissions document of an enclave.

    Args:
        enclave: The identity, and the topics that it may write and read. All other topics are denied.
        domain: The only DDS domain that it may join.
        start: When validity begins, in UTC.
        end: When validity ends, in UTC.

    Returns:
        The XML document.
    """
    root = ElementTree.Element("dds")
    grant = ElementTree.SubElement(ElementTree.SubElement(root, "permissions"), "grant", name=enclave.path)
    ElementTree.SubElement(grant, "subject_name").text = f"CN={enclave.path}"
    validity = ElementTree.SubElement(grant, "validity")
    for name, moment in (("not_before", start), ("not_after", end)):
        ElementTree.SubElement(validity, name).text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    rule = ElementTree.SubElement(grant, "allow_rule")
    ElementTree.SubElement(ElementTree.SubElement(rule, "domains"), "id").text = str(domain)
    for way, topics in (("publish", enclave.writes), ("subscribe", enclave.reads)):
        listed = ElementTree.SubElement(ElementTree.SubElement(rule, way), "topics")
        for topic in topics:
            ElementTree.SubElement(listed, "topic").text = topic
    ElementTree.SubElement(grant, "default").text = "DENY"
    ElementTree.indent(root)
    return ElementTree.tostring(root)


def governance(domain: int) -> bytes:
    """Return the governance document of a DDS domain: only known identities may join, and every topic is encrypted."""
    return GOVERNANCE.format(domain=domain).encode()
