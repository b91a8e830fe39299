#!/usr/bin/env python3
"""Makes or renews an SROS2 keystore: authorities, and for each enclave of a policy key, certificate and permissions.

    python scripts/make_keystore.py KEYSTORE --domain 5

Needs Python and its library cryptography, but neither ROS 2 nor the rest of this package: keys are best made on a
machine that is not on the robot's network. docs/security.md says what to do with them.
"""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from sros2_policy import PolicyError, governance, permissions, read_policy

POLICY = Path(__file__).resolve().parents[1] / "config" / "security" / "policy.xml"
AUTHORITIES = ("identity_ca", "permissions_ca")
AUTHORITY_LIFE = datetime.timedelta(days=3650)
SLACK = datetime.timedelta(days=1)
"""By which validity begins early, for machines whose clocks are behind."""


class KeystoreError(ValueError):
    """A keystore that is not as expected."""


@dataclass(frozen=True)
class Signer:
    """An authority: a certificate that signs itself, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_keystore(folder: Path, policy: Path, domain: int, life: datetime.timedelta, namespace: str = "/") -> list[str]:
    """Write a keystore in SROS2's layout. One that is there keeps its authorities, and gets new keys for all enclaves.

    Args:
        folder: The keystore.
        policy: Who may do what, in SROS2's format.
        domain: The only DDS domain in which the permissions hold.
        life: How long certificates and permissions are valid from now on.
        namespace: Where the graph is.

    Returns:
        The paths of the enclaves.

    Raises:
        PolicyError: The policy is not in SROS2's format, or denies something.
        KeystoreError: Half of an authority is missing, or it ends before ``life`` does.
    """
    enclaves = read_policy(policy, namespace)
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = now - SLACK, now + life
    identity, permission = (_authority(folder, name, end) for name in AUTHORITIES)
    shared = {f"{name}.cert.pem": (folder / "public" / f"{name}.cert.pem").read_bytes() for name in AUTHORITIES}
    shared["governance.p7s"] = sign(governance(domain), permission)
    _write(folder / "enclaves" / "governance.p7s", shared["governance.p7s"])
    for enclave in enclaves:
        place = folder / "enclaves" / enclave.path.lstrip("/")
        key = ec.generate_private_key(ec.SECP256R1())
        document = permissions(enclave, domain, start, end)
        files = shared | {
            "key.pem": _pem(key),
            "cert.pem": _pem(certify(enclave.path, key, start, end, identity)),
            "permissions.xml": document,
            "permissions.p7s": sign(document, permission),
        }
        for name, content in files.items():
            _write(place / name, content)
    return [enclave.path for enclave in enclaves]


def certify(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    start: datetime.datetime,
    end: datetime.datetime,
    issuer: Signer | None = None,
) -> x509.Certificate:
    """A certificate.

    Args:
        name: The common name, to which permissions refer.
        key: The key whose public half is certified.
        start: When validity begins, in UTC.
        end: When validity ends, in UTC.
        issuer: Who signs; without one it is an authority that signs itself.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(key if issuer is None else issuer.key, hashes.SHA256())


def sign(document: bytes, signer: Signer) -> bytes:
    """A document with its signature, as S/MIME."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
    signed = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Text, pkcs7.PKCS7Options.DetachedSignature]
    return signed.sign(serialization.Encoding.SMIME, options)


def _authority(folder: Path, name: str, end: datetime.datetime) -> Signer:
    """The authority that is there, or a new one."""
    certificate_path, key_path = folder / "public" / f"{name}.cert.pem", folder / "private" / f"{name}.key.pem"
    there = [path.is_file() for path in (certificate_path, key_path)]
    if not any(there):
        now = datetime.datetime.now(datetime.timezone.utc)
        key = ec.generate_private_key(ec.SECP256R1())
        _write(key_path, _pem(key))
        _write(certificate_path, _pem(certify(f"impurity_grasp_{name}", key, now - SLACK, now + AUTHORITY_LIFE)))
    elif not all(there):
        raise KeystoreError(f"expected both {certificate_path} and {key_path}, or none, received one of them")
    certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
    if (ends := _end_of(certificate)) < end:
        raise KeystoreError(f"expected {certificate_path} to be valid until {end:%Y-%m-%d}, it ends {ends:%Y-%m-%d}")
    loaded = serialization.load_pem_private_key(key_path.read_bytes(), password=None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey):
        raise KeystoreError(f"expected an elliptic curve's key in {key_path}, received {type(loaded).__name__}")
    return Signer(certificate, loaded)


def _end_of(certificate: x509.Certificate) -> datetime.datetime:
    """When validity ends; distributions' versions of the library (below 42) say it without a zone only."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def _pem(value: ec.EllipticCurvePrivateKey | x509.Certificate) -> bytes:
    encoding = serialization.Encoding.PEM
    if isinstance(value, x509.Certificate):
        return value.public_bytes(encoding)
    return value.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; nobody but its owner may read a key or look into folders."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    mode = 0o600 if path.name.endswith("key.pem") else 0o644
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("keystore", type=Path, help="folder, new or to be renewed")
    parser.add_argument("--policy", type=Path, default=POLICY, help="who may do what (default: %(default)s)")
    domain = int(os.environ.get("ROS_DOMAIN_ID") or 0)
    parser.add_argument("--domain", type=int, default=domain, help="ROS_DOMAIN_ID of the robot (default: %(default)s)")
    parser.add_argument("--days", type=float, default=365.0, help="validity from now on (default: %(default)s)")
    parser.add_argument("--namespace", default="/", help="namespace of the whole graph (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        life = datetime.timedelta(days=given.days)
        paths = make_keystore(given.keystore, given.policy, given.domain, life, given.namespace)
    except (PolicyError, KeystoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{given.keystore}: {len(paths)} enclaves for domain {given.domain}, valid for {given.days:g} days")
    print(*paths, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
