# SPDX-License-Identifier: Apache-2.0
"""Certificates, as far as their end goes."""

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
