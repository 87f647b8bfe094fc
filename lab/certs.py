# SPDX-License-Identifier: Apache-2.0
"""Certificates of one cluster: its authority, the API server, the administrator, the kubelet, and token keys."""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.addresses import Addresses

_LIFETIME = datetime.timedelta(days=3650)
_CLOCK_SKEW = datetime.timedelta(hours=1)
# What the API server calls itself towards the kubelet.
API_SERVER_USER = "kube-apiserver"


@dataclass(frozen=True)
class Identity:
    """Whom a certificate names, for which hosts and uses."""

    common_name: str
    organization: str = ""
    hosts: Sequence[str] = ()
    server: bool = False
    client: bool = False


def identities(node: str, addresses: Addresses) -> dict[str, Identity]:
    """The certificates of a cluster by file name."""
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    api_hosts = [addresses.node, "127.0.0.1", addresses.api_service, "localhost", *names]
    return {
        "apiserver": Identity(API_SERVER_USER, hosts=api_hosts, server=True, client=True),
        "admin": Identity("admin", organization="system:masters", client=True),
        "kubelet": Identity(
            f"system:node:{node}", organization="system:nodes", hosts=[addresses.node, node], server=True, client=True
        ),
    }


def write_all(directory: Path, cluster: str, wanted: dict[str, Identity]) -> None:
    """Write every certificate once; complete only when the last file, sa.pub, is there."""
    if (directory / "sa.pub").exists():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _authority(f"{cluster}-ca", authority_key)
    _write_private(directory / "ca.key", authority_key)
    _write(directory / "ca.crt", authority.public_bytes(serialization.Encoding.PEM))
    for name, identity in wanted.items():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(identity, key, authority, authority_key)
        _write_private(directory / f"{name}.key", key)
        _write(directory / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    token_key = ec.generate_private_key(ec.SECP256R1())
    _write_private(directory / "sa.key", token_key)
    public = token_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _write(directory / "sa.pub", public)


def issue(
    identity: Identity,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """A certificate for that identity, signed by the authority."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name)]
    if identity.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.organization))
    uses = [
        *([ExtendedKeyUsageOID.SERVER_AUTH] if identity.server else []),
        *([ExtendedKeyUsageOID.CLIENT_AUTH] if identity.client else []),
    ]
    builder = (
        _builder(x509.Name(attributes), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if identity.hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in identity.hosts])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(authority_key, hashes.SHA256())


def _authority(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write_private(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    _write(path, pem)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
