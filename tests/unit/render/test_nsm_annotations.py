# SPDX-License-Identifier: Apache-2.0
"""The annotation of network services, merged with what is there."""

from __future__ import annotations

import pytest
from mesh.model.errors import MeshError
from mesh.model.nsm_urls import request
from mesh.render.nsm_annotations import merged

KEY, OLD = "networkservicemesh.io", "ns.networkservicemesh.io"
NET = "kernel://net/nsm-1"


@pytest.mark.parametrize(
    ("live", "services", "before", "text", "added"),
    [
        ("", ["net"], "", NET, NET),
        (NET, ["net"], NET, NET, NET),
        # Of somebody else, and so not ours.
        (NET, ["net"], "", NET, ""),
        ("kernel://a/x", ["net"], "", f"kernel://a/x,{NET}", NET),
        ("kernel://a/nsm-1", ["net"], "", "kernel://a/nsm-1,kernel://net/nsm-2", "kernel://net/nsm-2"),
        # The order and the spaces of others stay, where nothing is to be said.
        (f"{NET} , kernel://a/x", ["net"], NET, f"{NET} , kernel://a/x", NET),
        (f"{NET},kernel://a/x", ["new"], NET, "kernel://a/x,kernel://new/nsm-1", "kernel://new/nsm-1"),
        # What was ours and was changed.
        ("memif://wrong/nsm-1", ["net"], NET, NET, NET),
        (f"{NET},kernel://a/x", [], NET, "kernel://a/x", ""),
    ],
)
def test_merging(live, services, before, text, added):
    found = merged({KEY: live}, [request(item) for item in services], [item for item in before.split(",") if item])
    assert (found.text, ",".join(found.added)) == (text, added)
    again = merged({KEY: found.text}, [request(item) for item in services], found.added)
    assert again.text == found.text
    assert not again.changed


def test_an_interface_that_is_taken():
    with pytest.raises(MeshError, match="kernel://net/x wants the interface x, which kernel://a/x has there already"):
        merged({KEY: "kernel://a/x"}, [request("kernel://net/x")], [])


def test_what_of_2019_cannot_be_converted():
    with pytest.raises(MeshError, match=r"ns\.networkservicemesh\.io: 'a b' has 'a b' for a service"):
        merged({OLD: "a b"}, [], [])
