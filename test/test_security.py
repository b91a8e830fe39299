"""Permissions under SROS2: the shipped policy, and the keystore made from it."""

import datetime
import email
import hashlib
import os
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
sys.path.insert(0, str(SCRIPTS))

from make_keystore import POLICY, KeystoreError, make_keystore  # noqa: E402
from sros2_policy import PolicyError, governance, permissions, read_policy  # noqa: E402

YEAR = datetime.timedelta(days=365)
CAMERAS = {"camera", "bullet_bridge_node", "emulated_cell"}
MOVERS = {"motion_node", "bullet_bridge_node"}
ENCLAVES = {enclave.path.removeprefix("/impurity_grasp/"): enclave for enclave in read_policy(POLICY)}

MAY_ASK = {  # enclaves that may write requests, by service
    "execute_primitive/_action/send_goal": {"picker_node"},
    "execute_primitive/_action/cancel_goal": {"picker_node"},
    "capture_heightmap": {"picker_node", "operator"},
    "teach": {"operator"},
    "attend": {"picker_node"},
    "select_primitive": {"picker_node"},
    "pick_impurities/_action/send_goal": {"line_control", "operator"},
    "pick_impurities/_action/cancel_goal": {"line_control", "operator"},
    "recover": {"operator"},
    "home": {"operator"},
    "reset_scene": {"operator"},
    "motion_node/set_parameters": {"operator"},
    "motion_node/set_parameters_atomically": {"operator"},
    "picker_node/set_parameters": {"operator"},
    "heightmap_node/set_parameters": {"operator"},
    "motion_node/change_state": {"manager_node", "operator"},
    "picker_node/change_state": {"manager_node", "operator"},
    "manage": {"operator"},
    "stop": set(ENCLAVES),
}
MAY_ANSWER = {
    "execute_primitive/_action/send_goal": MOVERS,
    "stop": MOVERS,
    "recover": {"motion_node"},
    "home": {"motion_node"},
    "pick_impurities/_action/send_goal": {"picker_node"},
    "capture_heightmap": {"heightmap_node"},
    "attend": {"attention_node"},
    "teach": {"attention_node"},
    "select_primitive": {"policy_node"},
    "motion_node/set_parameters": {"motion_node"},
    "motion_node/change_state": {"motion_node"},
    "manage": {"manager_node"},
}
MAY_WRITE = {
    "camera/camera/color/image_raw": CAMERAS,
    "camera/camera/aligned_depth_to_color/image_raw": CAMERAS,
    "camera/camera/color/camera_info": CAMERAS,
    "joint_states": MOVERS,
    "execute_primitive/alive": MOVERS,
    "execute_primitive/sender/picker_node_0123456789ab": {"picker_node"},
    "execute_primitive/_action/feedback": MOVERS,
    "heightmap": {"heightmap_node"},
    "motion_node/alive": {"motion_node"},
    "cell_state": {"manager_node"},
    "decision": {"picker_node"},
    "clock": {"bullet_bridge_node"},
    "tf": {"heightmap_node", "attention_node", "robot_state_publisher"},
    "tf_static": {"heightmap_node", "robot_state_publisher"},
    "robot_description": {"heightmap_node", "robot_state_publisher"},
    "rosout": set(ENCLAVES),
    "something/else": set(),
}
PATTERNS = {  # all names with wildcards, by enclave
    "camera": {"camera/camera/*"},
    "operator": {
        *(f"{name}/*" for name in ("attention_node", "bullet_bridge_node", "camera/camera", "emulated_cell")),
        *(f"{name}/*" for name in ("heightmap_node", "manager_node", "motion_node", "picker_node", "policy_node")),
        "_ros2cli_*",
    },
    "picker_node": {"execute_primitive/sender/*"},
    "motion_node": {"execute_primitive/sender/*"},
    "bullet_bridge_node": {"execute_primitive/sender/*"},
    "rviz2": {"rviz*"},
    "watcher": {"_ros2cli_*"},
}


def writers(topic: str) -> set[str]:
    """Enclaves that may write a DDS topic."""
    return {name for name, enclave in ENCLAVES.items() if any(fnmatchcase(topic, item) for item in enclave.writes)}


@pytest.mark.parametrize("service", MAY_ASK)
def test_only_the_clients_that_need_a_service_may_call_it(service: str) -> None:
    assert writers(f"rq/{service}Request") == MAY_ASK[service]


@pytest.mark.parametrize("service", MAY_ANSWER)
def test_only_its_servers_may_answer_a_service(service: str) -> None:
    assert writers(f"rr/{service}Reply") == MAY_ANSWER[service]


@pytest.mark.parametrize("topic", MAY_WRITE)
def test_only_the_source_of_a_topic_may_write_it(topic: str) -> None:
    assert writers(f"rt/{topic}") == MAY_WRITE[topic]


def test_patterns_cover_only_names_of_one_node_and_never_everything() -> None:
    names = {item.text or "" for item in ElementTree.parse(POLICY).getroot().iter() if not len(item)}
    assert not {name for name in names if name.lstrip("/").startswith(("*", "?", "["))}
    for name, enclave in ENCLAVES.items():
        patterns = {topic[3:] for topic in (*enclave.writes, *enclave.reads) if "*" in topic}
        own = {pattern[: pattern.index("*") + 1] for pattern in patterns}
        assert own == PATTERNS.get(name, set()), name


def test_a_namespace_applies_to_relative_names_only() -> None:
    moved = {enclave.path: enclave for enclave in read_policy(POLICY, "/line1")}
    motion = moved["/impurity_grasp/motion_node"]
    assert "rr/line1/recoverReply" in motion.writes
    assert "rr/line1/motion_node/get_parametersReply" in motion.writes
    assert {"rt/rosout", "rt/clock"} <= {*motion.writes, *motion.reads}
    assert "rr/recoverReply" not in motion.writes


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<policy><enclaves/></policy>", "expected <policy> with <enclaves>"),
        ("<policy>", "received no element found"),
        (
            '<policy><enclaves><enclave path="/a"><profiles><profile ns="/" node="a"><topics publish="DENY">'
            "<topic>x</topic></topics></profile></profiles></enclave></enclaves></policy>",
            'received <topics publish="DENY">',
        ),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "policy.xml").write_text(content)
    with pytest.raises(PolicyError, match=words):
        read_policy(tmp_path / "policy.xml")


def test_documents_have_the_elements_of_dds_security_in_their_order() -> None:
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    for enclave in ENCLAVES.values():
        grant = ElementTree.fromstring(permissions(enclave, 5, now, now))[0][0]
        assert [item.tag for item in grant] == ["subject_name", "validity", "allow_rule", "default"]
        assert [item.text for item in grant[1]] == ["2026-01-02T03:04:05"] * 2
        assert [item.tag for item in grant[2]] == ["domains", "publish", "subscribe"]
        assert (grant[0].text, grant[2][0][0].text, grant[3].text) == (f"CN={enclave.path}", "5", "DENY")
    rule = ElementTree.fromstring(governance(5))[0][0]
    assert [item.tag for item in rule] == [
        "domains", "allow_unauthenticated_participants", "enable_join_access_control", "discovery_protection_kind",
        "liveliness_protection_kind", "rtps_protection_kind", "topic_access_rules",
    ]  # fmt: skip
    assert (rule[0][0].text, rule[1].text, rule[2].text) == ("5", "false", "true")
    topics = {item.tag: item.text for item in rule[6][0]}
    assert (topics["enable_read_access_control"], topics["enable_write_access_control"]) == ("true", "true")


def signed_content(path: Path, authority: x509.Certificate) -> bytes:
    """The content of an S/MIME file; raises InvalidSignature if the authority has not signed it."""
    content = path.read_bytes().replace(b"\r\n", b"\n")
    boundary = b"\n--" + str(email.message_from_bytes(content).get_boundary()).encode()
    _head, text, signature, _tail = content.split(boundary)
    text = text.removeprefix(b"\n")
    der = email.message_from_bytes(signature.lstrip(b"\n")).get_payload(decode=True)
    signer = cms.ContentInfo.load(der)["content"]["signer_infos"][0]
    attributes = {item["type"].native: item["values"][0].native for item in signer["signed_attrs"]}
    if attributes["message_digest"] != hashlib.sha256(text.replace(b"\n", b"\r\n")).digest():
        raise InvalidSignature
    key = authority.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(signer["signature"].native, signer["signed_attrs"].untag().dump(), ec.ECDSA(hashes.SHA256()))
    return text.partition(b"\n\n")[2]


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_an_enclave_holds_what_its_authorities_have_signed(tmp_path: Path) -> None:
    make_keystore(tmp_path, POLICY, 7, YEAR)
    for name in ENCLAVES:
        folder = tmp_path / "enclaves" / "impurity_grasp" / name
        identity, authority = (certificate(folder / f"{kind}_ca.cert.pem") for kind in ("identity", "permissions"))
        own = certificate(folder / "cert.pem")
        own.verify_directly_issued_by(identity)
        assert own.subject.rfc4514_string() == f"CN=/impurity_grasp/{name}"
        assert signed_content(folder / "permissions.p7s", authority) == (folder / "permissions.xml").read_bytes()
        assert signed_content(folder / "governance.p7s", authority) == governance(7)
        assert f"{own.not_valid_after_utc:%Y-%m-%dT%H:%M:%S}" in (folder / "permissions.xml").read_text()
        with pytest.raises(InvalidSignature):
            signed_content(folder / "permissions.p7s", identity)


def test_nobody_but_the_owner_reads_keys_and_only_the_authorities_folder_holds_theirs(tmp_path: Path) -> None:
    make_keystore(tmp_path / "keys", POLICY, 7, YEAR)
    keys = list((tmp_path / "keys").rglob("*key.pem"))
    assert len(keys) == len(ENCLAVES) + 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    assert {path.name for path in keys if path.parent.name == "private"} == {
        "identity_ca.key.pem",
        "permissions_ca.key.pem",
    }
    assert stat.S_IMODE((tmp_path / "keys" / "private").stat().st_mode) == 0o700


def test_renewal_keeps_the_authorities_and_changes_every_key(tmp_path: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}

    make_keystore(tmp_path, POLICY, 7, YEAR)
    before = contents()
    make_keystore(tmp_path, POLICY, 7, YEAR)
    kept = {path.name for path, content in contents().items() if before[path] == content}
    assert kept == {f"{kind}_ca.{part}.pem" for kind in ("identity", "permissions") for part in ("cert", "key")}


def test_a_keystore_with_half_an_authority_is_left_alone(tmp_path: Path) -> None:
    make_keystore(tmp_path, POLICY, 7, YEAR)
    (tmp_path / "private" / "identity_ca.key.pem").unlink()
    with pytest.raises(KeystoreError, match="or none, received one of them"):
        make_keystore(tmp_path, POLICY, 7, YEAR)


def test_nothing_is_valid_for_longer_than_its_authority(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match=r"expected .*identity_ca.* to be valid until"):
        make_keystore(tmp_path, POLICY, 7, 11 * YEAR)


def test_the_script_prints_what_it_created_or_why_it_failed(tmp_path: Path) -> None:
    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(SCRIPTS / "make_keystore.py"), *arguments]
        environment = os.environ | {"ROS_DOMAIN_ID": "9"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    made = call(str(tmp_path / "keys"))
    assert made.returncode == 0, made.stderr
    assert f"{len(ENCLAVES)} enclaves for domain 9" in made.stdout
    assert "<id>9</id>" in (tmp_path / "keys/enclaves/impurity_grasp/operator/permissions.xml").read_text()
    failed = call(str(tmp_path / "keys"), "--policy", str(tmp_path / "none.xml"))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "expected a policy in" in failed.stderr
    assert "Traceback" not in failed.stderr
