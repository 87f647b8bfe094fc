# SPDX-License-Identifier: Apache-2.0
"""What counts as secret, and texts without it."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from mesh.model.secrets import REDACTED, Secrets, of_object, of_url, of_values, without_userinfo
from mesh.model.spec import parse, secrets_of
from mesh.model.specs.config_set import ConfigSetSpec
from mesh.model.specs.control_plane import ControlPlaneSpec

PASSWORD = 'Passwort "ß"\\/+%'
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("values", "secret"),
    [
        ({"password": "a"}, ["a"]),
        ({"db": {"adminPassword": "a", "user": "b"}}, ["a"]),
        ({"clientSecret": "a", "secretName": "b", "passwordSecretRef": "c"}, ["a"]),
        ({"imagePullSecrets": ["a"], "existingSecret": "b", "tokenPath": "/c"}, []),
        ({"apiKey": "a", "api_key": "b", "privateKey": "c", "passwordKey": "d", "key": "e"}, ["a", "b", "c"]),
        ({"tokens": ["a", {"name": "b"}]}, ["a"]),
        ({"token": {"aud": "istio-ca"}, "pinToken": 1234, "tokenEnabled": True}, ["1234"]),
        ({"tls": {"key": PEM}}, [PEM]),
        ({"caBundle": PEM.replace("PRIVATE KEY", "CERTIFICATE")}, []),
        ({"url": "postgres://u:p%40@host/db"}, ["u:p%40", "p%40", "p@"]),
        ({"jwtPolicy": "third-party-jwt", "hub": "a@sha256:b", "n": 1, "list": [1, "a"]}, []),
    ],
)
def test_values_that_are_secret(values, secret):
    assert list(of_values(values)) == secret


@pytest.mark.parametrize(
    ("obj", "secret"),
    [
        ({"kind": "Secret", "data": {"a": encoded("text")}}, [encoded("text"), "text"]),
        ({"kind": "Secret", "stringData": {"a": "text"}}, ["text"]),
        ({"kind": "Secret", "data": {"a": "no base64!", "b": {"c": 1}}}, ["no base64!", "1"]),
        ({"kind": "Secret", "data": None}, []),
        ({"kind": "Secret"}, []),
        ({"kind": "List", "items": [{"kind": "Secret", "stringData": {"a": "text"}}, "x"]}, ["text"]),
        ({"kind": "ConfigMap", "data": {"password": "text"}}, []),
    ],
)
def test_values_of_objects(obj, secret):
    assert list(of_object(obj)) == secret


@pytest.mark.parametrize(
    "spelled",
    [
        PASSWORD,
        json.dumps(PASSWORD),
        json.dumps(PASSWORD, ensure_ascii=False),
        json.dumps(PASSWORD, ensure_ascii=False).replace('\\"', '"'),
        encoded(PASSWORD),
        quote(PASSWORD, safe=""),
        quote(PASSWORD, safe="").replace("%20", "+"),
    ],
)
def test_a_secret_is_hidden_however_it_is_spelled(spelled):
    secrets = Secrets()
    secrets.learn((PASSWORD,))
    hidden = secrets.hide(f"<{spelled}>")
    assert hidden.replace('"', "") == f"<{REDACTED}>"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        (PEM, f"at {' '.join(PEM.split())}!", f"at {REDACTED}!"),
        (PEM, "line MIIEvQIBADANBgkqhkiG9w0BAQEF only", f"line {REDACTED} only"),
        ("12345678", "a1234567812", f"a{REDACTED}12"),
        ("abcd1234efgh", "abcd1234", "abcd1234"),
        ("long enough", "long enough and long enough", f"{REDACTED} and {REDACTED}"),
        ("short", "short", "short"),
        ("", "text", "text"),
    ],
)
def test_texts_of_ours(secret, text, shown):
    secrets = Secrets()
    secrets.learn((secret,))
    assert secrets.hide(text) == shown


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("short", "value short, shorter", f"value {REDACTED}, shorter"),
        ("pin9", '"pin9" pin99 apin9 pin9', f'"{REDACTED}" pin99 apin9 {REDACTED}'),
        ("abc", "abc", "abc"),
    ],
)
def test_texts_of_others_are_read_more_strictly(secret, text, shown):
    secrets = Secrets()
    secrets.learn((secret,))
    assert secrets.hide_strictly(text) == shown


def test_the_longest_goes_first():
    secrets = Secrets()
    secrets.learn(("password", "password-and-more"))
    assert secrets.hide("password-and-more password") == f"{REDACTED} {REDACTED}"


def test_plain_data_keeps_its_shape():
    secrets = Secrets()
    assert not secrets
    secrets.learn(("geheimnis",))
    assert secrets
    assert secrets.hidden({"a": ["geheimnis", 1, None], "b": {"c": True}}) == {
        "a": [REDACTED, 1, None],
        "b": {"c": True},
    }


@pytest.mark.parametrize(
    ("text", "secret", "shown"),
    [
        ("https://u:p@h/a", ["u:p", "p"], f"https://{REDACTED}@h/a"),
        ("https://token@h", [], f"https://{REDACTED}@h"),
        ("https://h/a@b", [], "https://h/a@b"),
        ("no address: a@b", [], "no address: a@b"),
    ],
)
def test_addresses(text, secret, shown):
    assert sorted(set(of_url(text))) == sorted(secret)
    assert without_userinfo(text) == shown


def test_declarations():
    plane = parse(ControlPlaneSpec, {"values": {"a": {"token": "one"}}, "mesh_config": {"b": [{"password": "two"}]}})
    assert sorted(secrets_of(plane)) == ["one", "two"]
    objects = [{"kind": "Secret", "stringData": {"a": "one"}}, {"kind": "ConfigMap", "data": {"password": "public"}}]
    assert list(secrets_of(parse(ConfigSetSpec, {"name": "a", "namespace": "b", "objects": objects}))) == ["one"]
