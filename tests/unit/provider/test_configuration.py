# SPDX-License-Identifier: Apache-2.0
"""How the provider is configured: spellings, secrets, and which cluster is meant."""

from __future__ import annotations

import pytest

from pulumi_mesh._core.model.errors import MeshError
from pulumi_mesh.provider import configuration
from pulumi_mesh.provider.configuration import configure, moved, protected
from pulumi_mesh.provider.properties import UNKNOWN, Secret

EXEC = {"users": [{"name": "u", "user": {"exec": {"command": "aws"}}}]}


def test_text_becomes_what_is_meant():
    given = {"kubeconfig": "a: b\nc: d\n", "validateCerts": "false", "impersonateGroups": '["a", "b"]', "context": "x"}
    connection = configure(given, {"K8S_AUTH_CONTEXT": "other", "K8S_AUTH_PROXY": "http://p"}).connection
    assert connection is not None
    assert connection.kubeconfig == {"a": "b", "c": "d"}
    assert (connection.validate_certs, connection.impersonate_groups) == (False, ("a", "b"))
    assert (connection.context, connection.proxy) == ("x", "http://p")
    # Kubeconfigs of clouds start a program for the token.
    assert connection.trusted


@pytest.mark.parametrize(
    "given", [{"validateCerts": "perhaps"}, {"impersonateGroups": "[a"}, {"kubeconfig": "neither\nnor"}]
)
def test_nonsense_is_named(given):
    with pytest.raises(MeshError) as caught:
        configure(given, {})
    assert caught.value.where == next(iter(given))


def test_what_is_not_known_yet_is_no_configuration():
    assert configure({"kubeconfig": UNKNOWN}, {}).connection is None


def test_credentials_become_secret():
    assert protected({"apiKey": "t", "kubeconfig": "/a/path"}) == {"apiKey": Secret("t"), "kubeconfig": "/a/path"}
    assert protected({"kubeconfig": EXEC}) == {"kubeconfig": Secret(EXEC)}
    assert protected({"apiKey": UNKNOWN, "kubeconfig": Secret("a\nb")})["apiKey"] is UNKNOWN


@pytest.mark.parametrize(("uids", "told"), [(("1", "1"), False), (("1", "2"), True), ((None, "1"), False)])
def test_another_cluster_is_one_with_another_identity(monkeypatch, uids, told):
    found = dict(zip(("https://a", "https://b"), uids, strict=True))

    def identity(connection):
        if found[connection.host] is None:
            raise MeshError("cluster_unreachable", "away")
        return found[connection.host]

    monkeypatch.setattr(configuration, "_identity", identity)
    assert moved({"host": "https://a"}, {"host": "https://b"}, {}) is told
    assert moved({"host": "https://a"}, {"host": "https://a"}, {}) is False


def test_a_new_address_where_nobody_answers_is_an_error(monkeypatch):
    def away(connection):
        raise MeshError("cluster_unreachable", "away")

    monkeypatch.setattr(configuration, "_identity", away)
    with pytest.raises(MeshError, match="away"):
        moved({"host": "https://a"}, {"host": "https://b"}, {})
