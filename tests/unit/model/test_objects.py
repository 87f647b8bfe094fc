# SPDX-License-Identifier: Apache-2.0
"""Identities of objects."""

from __future__ import annotations

from mesh.model.objects import Ref, names


def test_each_name_is_told_once():
    shop, web = Ref("", "Namespace", "", "shop"), Ref("apps", "Deployment", "shop", "web")
    assert names([shop, web, shop]) == ["Deployment shop/web", "Namespace shop"]
