# SPDX-License-Identifier: Apache-2.0
"""Parsing plain data into specs: types, defaults, places in errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from mesh.model.checks import positive
from mesh.model.errors import MeshError
from mesh.model.sets import applyset_id, suffix
from mesh.model.spec import fields, option, parse


@dataclass(frozen=True, kw_only=True)
class Inner:
    port: int = option("A port.", check=positive)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str = option("A name.", aliases=("title",))
    flag: bool = option("A flag.", default=False)
    mode: Literal["on", "off"] = option("A mode.", default="on")
    tags: list[str] = option("Tags.", default=[])
    limits: dict[str, int] = option("Limits.", default={})
    free: dict[str, Any] = option("Anything.", default={})
    inner: Inner | None = option("One.", default=None)
    inners: list[Inner] = option("Many.", default=[])
    token: str | None = option("A secret.", default=None, secret=True, check=lambda value: "must be longer")


def test_every_type():
    data = {
        "title": "x",
        "flag": True,
        "mode": "off",
        "tags": ["a"],
        "limits": {"a": 2.0},
        "free": {"any": [1]},
        "inner": {"port": 80.0},
        "inners": [{"port": 1}],
    }
    parsed = parse(Outer, data)
    assert parsed == Outer(
        name="x",
        flag=True,
        mode="off",
        tags=["a"],
        limits={"a": 2},
        free={"any": [1]},
        inner=Inner(port=80),
        inners=[Inner(port=1)],
    )
    assert isinstance(parsed.limits["a"], int)


def test_defaults_are_not_shared():
    first, second = parse(Outer, {"name": "x"}), parse(Outer, {"name": "x"})
    first.tags.append("changed")
    assert second.tags == []
    assert fields(Outer)[3].default == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "name: is required"),
        ({"name": None}, "name: is required"),
        ({"nmae": "x"}, "nmae: is not an option (did you mean name?)"),
        ({"name": 1.3}, "name: must be a string, not a number; quote it"),
        ({"title": 1}, "title: must be a string, not a number; quote it"),
        ({"name": True}, "name: must be a string, not a boolean; quote it"),
        (
            {"name": "x", "zzz": 1},
            "zzz: is not an option (options: name, flag, mode, tags, limits, free, inner, inners, token)",
        ),
        (
            {"name": "x", True: 1},
            "True: is not an option (options: name, flag, mode, tags, limits, free, inner, inners, token)",
        ),
        ({"name": "x", "inner": {"prot": 1}}, "inner.prot: is not an option (did you mean port?)"),
        ({"name": "x", "mode": "zzz"}, "mode: has no choice 'zzz' (one of on, off)"),
        ({"name": "x", "mode": True}, "mode: must be a string, not a boolean"),
        ({"name": "x", "flag": "yes"}, "flag: must be true or false, not a string"),
        ({"name": "x", "flag": 1}, "flag: must be true or false, not a number"),
        ({"name": "x", "mode": "of"}, "mode: has no choice 'of' (did you mean off?)"),
        ({"name": "x", "tags": "a"}, "tags: must be a list, not a string"),
        ({"name": "x", "tags": [1]}, "tags[0]: must be a string, not a number; quote it"),
        ({"name": "x", "limits": {"a": 1.5}}, "limits.a: must be a whole number, not a number"),
        ({"name": "x", "limits": {"a": True}}, "limits.a: must be a whole number, not a boolean"),
        ({"name": "x", "free": []}, "free: must be a map, not a list"),
        ({"name": "x", "inner": {}}, "inner.port: is required"),
        ({"name": "x", "inners": [{"port": 1}, {"port": 0}]}, "inners[1].port: must be more than 0, not 0"),
        ({"name": "x", "token": "short"}, "token: must be longer"),
    ],
)
def test_errors_name_the_place_and_never_a_secret(data, message):
    with pytest.raises(MeshError) as caught:
        parse(Outer, data)
    assert caught.value.code == "invalid_option"
    assert str(caught.value) == message


def test_set_ids_are_those_that_kubectl_computes():
    # base64url(sha256("meshops-base.istio-system.ConfigMap.")) without padding, computed with openssl.
    assert applyset_id("base", "istio-system") == "applyset-mihcp9jZVOcF3WbkQj0QRSe0RT-nIZ6_oMCzeAczehg-v1"


@pytest.mark.parametrize(("revision", "expected"), [("", ""), ("default", ""), ("1-31", "-1-31")])
def test_revision_suffix(revision, expected):
    assert suffix(revision) == expected
