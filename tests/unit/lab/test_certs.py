# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab import certs
from lab.addresses import Addresses

ADDRESSES = Addresses(11)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    directory = tmp_path_factory.mktemp("pki")
    certs.write_all(directory, "onprem", certs.identities("onprem", ADDRESSES))
    return directory


def load(pki: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((pki / f"{name}.crt").read_bytes())


@pytest.mark.parametrize(
    ("name", "common_name", "organization", "uses"),
    [
        ("apiserver", "kube-apiserver", None, {SERVER, CLIENT}),
        ("admin", "admin", "system:masters", {CLIENT}),
        ("kubelet", "system:node:onprem", "system:nodes", {SERVER, CLIENT}),
    ],
)
def test_certificate_is_issued_by_the_authority_for_its_use(pki, name, common_name, organization, uses):
    certificate = load(pki, name)
    certificate.verify_directly_issued_by(load(pki, "ca"))
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == common_name
    organizations = [entry.value for entry in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert organizations == ([organization] if organization else [])
    assert set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == uses


def test_api_server_is_known_by_all_its_addresses(pki):
    names = load(pki, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert addresses == {ADDRESSES.node, ADDRESSES.api_service, "127.0.0.1"}
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_keys_are_private_and_a_second_run_keeps_them(pki):
    keys = {path: path.read_bytes() for path in pki.glob("*.key")}
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}
    certs.write_all(pki, "onprem", certs.identities("onprem", ADDRESSES))
    assert {path: path.read_bytes() for path in keys} == keys
