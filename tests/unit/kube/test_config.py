# SPDX-License-Identifier: Apache-2.0
"""Kubeconfigs by file and by map: what they may hold, what they leave behind, and what is said of unsafe ones."""

from __future__ import annotations

import base64
import resource
import ssl
import stat
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from mesh.kube.config import endpoint
from mesh.model.errors import MeshError
from mesh.model.options import Connection

from tests.certificates import key_and_certificate

SERVER = "https://192.0.2.1:6443"


def kubeconfig(cluster=None, user=None):
    return {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
    }


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("cluster", "user", "place"),
    [
        ({}, {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch"}}, "users[u].user.exec"),
        ({}, {"auth-provider": {"name": "oidc"}}, "users[u].user.auth-provider"),
        ({}, {"tokenFile": "/etc/shadow"}, "users[u].user.tokenFile"),
        ({}, {"client-certificate": "/etc/shadow"}, "users[u].user.client-certificate"),
        ({}, {"client-key": "/etc/shadow"}, "users[u].user.client-key"),
        ({"certificate-authority": "/etc/shadow"}, {}, "clusters[c].cluster.certificate-authority"),
    ],
)
def test_a_map_neither_starts_programs_nor_reads_files(cluster, user, place):
    with pytest.raises(MeshError) as caught:
        endpoint(Connection(kubeconfig=kubeconfig(cluster, user)))
    assert (caught.value.code, caught.value.where) == ("cluster_config", f"kubeconfig.{place}")
    assert caught.value.msg == "is allowed in a kubeconfig file only, not in a map"
    assert "/etc/shadow" not in str(caught.value)


def test_a_map_may_hold_the_data_itself():
    made = endpoint(Connection(kubeconfig=kubeconfig(user={"token": "t"})))
    assert (made.server, made.authorization()["Authorization"]) == (SERVER, "Bearer t")


def test_a_file_may_start_programs_and_read_files(tmp_path):
    """It is the operator's own: as kubectl does."""
    helper, token = tmp_path / "login", tmp_path / "token"
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"of-exec"}}'
    helper.write_text(f"#!/bin/sh\necho '{answer}'\n")
    helper.chmod(0o755)
    token.write_text("of-file")
    by_exec = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(helper), "args": []}}
    for user, expected in ((by_exec, "Bearer of-exec"), ({"tokenFile": str(token)}, "Bearer of-file")):
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig(user=user)))
        assert endpoint(Connection(kubeconfig=str(path))).authorization()["Authorization"] == expected


@pytest.mark.parametrize(
    ("connection", "caution"),
    [
        (Connection(host=SERVER), ""),
        (Connection(kubeconfig=kubeconfig()), ""),
        (Connection(host=SERVER, validate_certs=False), f"the certificate of {SERVER} is not checked"),
        (Connection(kubeconfig=kubeconfig({"insecure-skip-tls-verify": True})), "is not checked"),
        (Connection(host="http://192.0.2.1"), "http://192.0.2.1 has no TLS"),
        (Connection(kubeconfig=kubeconfig({"server": "http://192.0.2.1"})), "has no TLS"),
    ],
)
def test_what_is_not_protected_is_told(connection, caution):
    found = endpoint(connection).cautions
    assert len(found) == (1 if caution else 0)
    assert caution in "".join(found)


@pytest.mark.parametrize(
    ("variables", "option", "proxied"),
    [
        ({}, None, False),
        ({"HTTPS_PROXY": "http://user:geheim@192.0.2.9:3128"}, None, True),
        ({"HTTPS_PROXY": "http://192.0.2.9:3128", "NO_PROXY": "192.0.2.1"}, None, False),
        ({"HTTPS_PROXY": "http://192.0.2.9:3128", "NO_PROXY": "example.com"}, None, True),
        ({"NO_PROXY": "192.0.2.1"}, "http://192.0.2.9:3128", True),
    ],
)
def test_proxies_are_used_where_they_are_configured(monkeypatch, variables, option, proxied):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    made = endpoint(Connection(host=SERVER, proxy=option))
    assert (made.pool.proxy is not None) == proxied
    assert "geheim" not in repr(made)


def test_keys_are_in_private_files_only_while_they_are_loaded(monkeypatch, tmp_path):
    key, certificate = (base64.b64encode(part).decode() for part in key_and_certificate("client"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen, load = [], ssl.SSLContext.load_cert_chain

    def noted(self, file, key_file):
        place = Path(key_file).parent
        seen.append((place.is_relative_to(tmp_path), stat.S_IMODE(place.stat().st_mode)))
        return load(self, file, key_file)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", noted)
    endpoint(Connection(kubeconfig=kubeconfig(user={"client-certificate-data": certificate, "client-key-data": key})))
    assert seen == [(True, 0o700)]
    assert list(tmp_path.iterdir()) == []


def test_one_cluster_is_connected_to_again_and_again():
    """By the same data, of which nothing is left in files."""
    key, certificate = key_and_certificate("a")
    parts = {"client-certificate-data": certificate, "client-key-data": key}
    user = {name: base64.b64encode(part).decode() for name, part in parts.items()}
    cluster = {"server": "https://a", "certificate-authority-data": user["client-certificate-data"]}
    for _ in range(2):
        endpoint(Connection(kubeconfig=kubeconfig(cluster, user)))


def test_without_a_place_for_temporary_files_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(MeshError) as caught:
        endpoint(Connection(kubeconfig=kubeconfig()))
    assert (caught.value.code, caught.value.msg) == ("cluster_config", "cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("!!python/object/apply:os.system ['touch {mark}']", "is not YAML: could not determine a constructor"),
        ("a: &a !!python/name:os.system ''", "is not YAML: could not determine a constructor"),
        (
            "\n".join(
                ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
                + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
            ),
            "Expected key current-context",
        ),
    ],
    ids=["tag", "name", "aliases"],
)
def test_hostile_files_are_refused_in_no_time(tmp_path, text, complaint):
    path, mark = tmp_path / "kubeconfig", tmp_path / "mark"
    path.write_text(text.replace("{mark}", str(mark)))
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(MeshError, match=complaint):
        endpoint(Connection(kubeconfig=str(path)))
    assert time.monotonic() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "KiB"
    assert not mark.exists()
