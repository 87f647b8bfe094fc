# SPDX-License-Identifier: Apache-2.0
"""Names that both fronts, and kubectl, compute alike."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mesh.model.sets import applyset_id, manager, parent_name, suffix

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "namespace", "expected"),
    [
        # printf meshops-NAME.NAMESPACE.ConfigMap. | openssl dgst -sha256 -binary | basenc --base64url, without the =
        ("base", "istio-system", "applyset-mihcp9jZVOcF3WbkQj0QRSe0RT-nIZ6_oMCzeAczehg-v1"),
    ],
)
def test_recorded_ids(name, namespace, expected):
    assert applyset_id(name, namespace) == expected


@given(NAMES, NAMES)
def test_ids_are_hashes_of_name_namespace_kind_and_group(name, namespace):
    found = applyset_id(name, namespace)
    text = re.fullmatch(r"applyset-([-_A-Za-z0-9]{43})-v1", found)
    assert text, found
    digest = base64.urlsafe_b64decode(f"{text[1]}=")
    assert digest == hashlib.sha256(f"{parent_name(name)}.{namespace}.ConfigMap.".encode()).digest()


def test_ids_fit_a_label_and_differ_by_namespace():
    assert len(applyset_id("config-shop", "shop")) <= 63
    assert applyset_id("a", "b") != applyset_id("a", "c")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("injection",), "meshops/injection"),
        (("config_set", "shop", "web"), "meshops/config_set/shop/web"),
        (("config_set", "n" * 63, "m" * 63), "meshops/config_set/" + "n" * 63 + "/" + "m" * 28 + "-16862495fdaaf3f7"),
    ],
)
def test_managers(arguments, expected):
    assert manager(*arguments) == expected


@pytest.mark.parametrize(("revision", "expected"), [("", ""), ("default", ""), ("1-31", "-1-31")])
def test_suffix(revision, expected):
    assert suffix(revision) == expected
