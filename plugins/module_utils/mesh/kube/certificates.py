# SPDX-License-Identifier: Apache-2.0
"""Certificates: when they end, and whether a host's is still good."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

try:
    from cryptography import x509
except ImportError:  # Ansible loads this file on hosts that need not have it
    x509 = None  # type: ignore[assignment]

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.DOTALL)

#: Whether certificates can be read here; cryptography 42 is the first that tells their end with its time zone.
READABLE = x509 is not None and hasattr(x509.Certificate, "not_valid_after_utc")


def certificates_in(pem: bytes) -> Iterator[tuple[str, datetime.datetime]]:
    """Subject (its common name or organization, else its serial number) and end of every certificate; what is none is
    left out, as whoever made it may be anybody."""
    for block in _PEM.findall(pem) if READABLE else ():
        try:
            found = x509.load_pem_x509_certificate(block)
            names = [*_named(found, x509.NameOID.COMMON_NAME), *_named(found, x509.NameOID.ORGANIZATION_NAME)]
            told = (names[0] if names else f"{found.serial_number:x}"), found.not_valid_after_utc
        except ValueError:
            continue
        yield told


def _named(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> list[str]:
    return [str(item.value) for item in certificate.subject.get_attributes_for_oid(name)]


#: Of a certificate's life so much must be left: agents renew theirs when half of it is over.
_LEFT = 0.1


def objection(chain: str | None, identity: str, roots: str, now: datetime.datetime) -> str:
    """Why a host with this chain (PEM) cannot go on by it as ``identity`` (a SPIFFE ID) under ``roots`` (PEM); nothing
    where it can."""
    if not chain or not chain.strip():
        return "it has no certificate"
    if not READABLE:
        return "its certificate cannot be read here without the Python package cryptography"
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        trusted = x509.load_pem_x509_certificates(roots.encode())
        names = _uris(certificates[0])
    except ValueError:
        return "its certificate cannot be read"
    begin, end = certificates[0].not_valid_before_utc, certificates[0].not_valid_after_utc
    if now > end - (end - begin) * _LEFT:
        return f"its certificate {'expired' if now > end else 'expires'} at {end:%Y-%m-%dT%H:%M:%SZ}"
    if identity not in names:
        return f"its certificate is of {', '.join(names) or 'nobody'}"
    return "" if any(_issued(certificates[-1], root) for root in trusted) else "its certificate is of another root"


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _issued(certificate: x509.Certificate, root: x509.Certificate) -> bool:
    """Whether the last certificate of a chain is the root, or the root's."""
    if certificate == root:
        return True
    try:
        certificate.verify_directly_issued_by(root)
    except Exception:  # cryptography tells of a wrong signature by an error of its own, of a wrong issuer by another
        return False
    return True
