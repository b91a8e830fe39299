#!/usr/bin/env python3
"""Create or renew an SROS2 keystore: authorities, and a key, certificate and permissions for each enclave of a policy.

    python scripts/make_keystore.py KEYSTORE --domain 5

Requires Python and the library cryptography, but neither ROS 2 nor the rest of this package, because keys should be
created on a machine that is not on the robot's network. docs/security.md explains how to use them.
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
"""How long before now validity begins, for machines whose clocks are slow."""


class KeystoreError(ValueError):
    """An existing keystore cannot be renewed."""


@dataclass(frozen=True)
class Signer:
    """A certificate authority: its self-signed certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_keystore(folder: Path, policy: Path, domain: int, life: datetime.timedelta, namespace: str = "/") -> list[str]:
    """Write a keystore in the layout of SROS2. An existing one keeps its authorities and gets new keys.

    Args:
        folder: The folder of the keystore.
        policy: The policy file, in the format of SROS2.
        domain: The only DDS domain in which the permissions are valid.
        life: How long certificates and permissions are valid from now on.
        namespace: The namespace of the ROS graph.

    Returns:
        The paths of the enclaves.

    Raises:
        PolicyError: The policy is not in the format of SROS2, or contains a rule that denies something.
        KeystoreError: The certificate or the key of an authority is missing, or the authority expires too early.
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
    """Create a certificate.

    Args:
        name: The common name, to which permissions refer.
        key: The private key; its public key is certified.
        start: When validity begins, in UTC.
        end: When validity ends, in UTC.
        issuer: The authority that signs; None for the self-signed certificate of an authority.
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
    """Return a document with its detached signature, as S/MIME."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(document)
    signed = builder.add_signer(signer.certificate, signer.key, hashes.SHA256())
    options = [pkcs7.PKCS7Options.Text, pkcs7.PKCS7Options.DetachedSignature]
    return signed.sign(serialization.Encoding.SMIME, options)


def _authority(folder: Path, name: str, end: datetime.datetime) -> Signer:
    """Return the existing authority, or create one."""
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
        raise KeystoreError(f"expected an elliptic curve key in {key_path}, received {type(loaded).__name__}")
    return Signer(certificate, loaded)


def _end_of(certificate: x509.Certificate) -> datetime.datetime:
    """When validity ends, in UTC; the library returns it without a time zone below version 42."""
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def _pem(value: ec.EllipticCurvePrivateKey | x509.Certificate) -> bytes:
    encoding = serialization.Encoding.PEM
    if isinstance(value, x509.Certificate):
        return value.public_bytes(encoding)
    return value.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Write a file atomically; only its owner may read keys and list folders."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    mode = 0o600 if path.name.endswith("key.pem") else 0o644
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    unfinished.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("keystore", type=Path, help="folder of the keystore to create or renew")
    parser.add_argument("--policy", type=Path, default=POLICY, help="policy file (default: %(default)s)")
    domain = int(os.environ.get("ROS_DOMAIN_ID") or 0)
    parser.add_argument("--domain", type=int, default=domain, help="ROS_DOMAIN_ID of the robot (default: %(default)s)")
    parser.add_argument("--days", type=float, default=365.0, help="days of validity from now on (default: %(default)s)")
    parser.add_argument("--namespace", default="/", help="namespace of the ROS graph (default: %(default)s)")
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
