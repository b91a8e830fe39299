"""From a policy in SROS2's format to the permissions and the governance of DDS-Security 1.1, unsigned."""

from __future__ import annotations

import datetime
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

DISCOVERY_TOPIC = "ros_discovery_info"
"""On which every participant tells which nodes it holds (ROS 2's rmw_dds_common)."""

# How a ROS name becomes DDS topics: (prefix, suffixes) of what the client writes, and of what the server writes.
SERVICE = (("rq", ("Request",)),), (("rr", ("Reply",)),)
CALLS = ("send_goal", "cancel_goal", "get_result")
ACTION = (
    (("rq", tuple(f"/_action/{call}Request" for call in CALLS)),),
    (("rr", tuple(f"/_action/{call}Reply" for call in CALLS)), ("rt", ("/_action/feedback", "/_action/status"))),
)
TOPIC = (("rt", ("",)),)
NOTHING: tuple[tuple[str, tuple[str, ...]], ...] = ()
RULES = {  # what an enclave writes and reads that may do so
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
    """A policy that is not as expected."""


@dataclass(frozen=True)
class Enclave:
    """DDS topics, or patterns of them, that one identity may write and read."""

    path: str
    writes: tuple[str, ...]
    reads: tuple[str, ...]


def read_policy(path: Path, namespace: str = "/") -> list[Enclave]:
    """Enclaves of a policy in SROS2's format.

    Args:
        path: The policy.
        namespace: Where the whole graph is, instead of at the root.

    Raises:
        PolicyError: The file is not such a policy, or denies something; here everything is denied that is not allowed.
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
    """Permissions of an enclave in one DDS domain.

    Args:
        enclave: Who, and what it may write and read. Everything else is denied.
        domain: The only domain that it may join.
        start: When validity begins, in UTC.
        end: When validity ends, in UTC.
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
    """What holds for every participant of a domain: known identities alone, every topic encrypted and guarded."""
    return GOVERNANCE.format(domain=domain).encode()
