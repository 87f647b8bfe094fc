# SPDX-License-Identifier: Apache-2.0
"""Declarations of network services: what they come to, and what is wrong with them."""

from __future__ import annotations

import copy

import pytest
import yaml
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.model.specs.network_service import NetworkServiceSpec
from mesh.operations.network_service import Facts, preflight, result, wanted

NONE = Facts(True, ())


def declared(**data):
    return parse(NetworkServiceSpec, {"name": "intranet", **data})


def told(**data):
    """What preflight finds, as ``level: text``."""
    return [f"{item.level}: {item.error}" for item in preflight(declared(**data), NONE, "present")]


def body(**data):
    return wanted(declared(**data), NONE)[0].objects[0]["spec"]


def to(**labels):
    return {"destination_selector": labels}


def match(source, *routes, **more):
    return {"source_selector": source, "routes": list(routes), **more}


CHAIN = {
    "payload": "IP",
    "matches": [
        {"source_selector": {"app": "firewall"}, "routes": [to(app="vpn-gateway")]},
        {"routes": [to(app="firewall")]},
    ],
}
OLD = yaml.safe_load("""
apiVersion: networkservicemesh.io/v1alpha1
kind: NetworkService
metadata:
  name: intranet
  labels: {team: net}
spec:
  payload: IP
  matches:
    - match:
      sourceSelector:
        app: firewall
      route:
        - destination:
          destinationSelector:
            app: vpn-gateway
    - match:
      route:
        - destination:
          destinationSelector:
            app: firewall
status: {}
""")
NEW = {
    "apiVersion": "networkservicemesh.io/v1",
    "kind": "NetworkService",
    "metadata": {"name": "intranet", "namespace": "nsm-system", "resourceVersion": "7"},
    "spec": {**CHAIN, "name": "intranet", "path_ids": ["spiffe://example.org/x"]},
}


def changed(manifest, *steps, **values):
    """A copy with other values at a place."""
    found = copy.deepcopy(manifest)
    node = found
    for step in steps:
        node = node[step]
    node.update(values)
    return found


@pytest.mark.parametrize(
    ("data", "spec", "drawing"),
    [
        ({}, {"payload": "IP"}, ["client -> any endpoint"]),
        ({"payload": "ETHERNET"}, {"payload": "ETHERNET"}, ["client -> any endpoint"]),
        ({"chain": ["firewall", "vpn-gateway"]}, CHAIN, ["client -> app=firewall -> app=vpn-gateway"]),
        ({"manifest": NEW}, CHAIN, ["client -> app=firewall -> app=vpn-gateway"]),
        ({"chain": ["gw"]}, {"payload": "IP", "matches": [{"routes": [to(app="gw")]}]}, ["client -> app=gw"]),
        (
            {"chain": ["a", "role=b, zone=x", "c"]},
            {
                "payload": "IP",
                "matches": [
                    {"source_selector": {"app": "a"}, "routes": [to(role="b", zone="x")]},
                    {"source_selector": {"role": "b", "zone": "x"}, "routes": [to(app="c")]},
                    {"routes": [to(app="a")]},
                ],
            },
            ["client -> app=a -> role=b,zone=x -> app=c"],
        ),
        # Two chains may share the way to the end.
        (
            {"chains": [{"source_selector": {"team": "red"}, "hops": ["x", "b"]}], "chain": ["a", "app=b"]},
            {
                "payload": "IP",
                "matches": [
                    {"source_selector": {"app": "x"}, "routes": [to(app="b")]},
                    {"source_selector": {"app": "a"}, "routes": [to(app="b")]},
                    {"source_selector": {"team": "red"}, "routes": [to(app="x")]},
                    {"routes": [to(app="a")]},
                ],
            },
            ["client team=red -> app=x -> app=b", "client -> app=a -> app=b"],
        ),
        # An endpoint of the same node, over a forwarder for fast cards.
        (
            {
                "matches": [
                    match({}, to(node="{{.nodeName}}"), fallthrough=True, metadata={"labels": {"nic": "fast"}}),
                    match({}, to()),
                ]
            },
            {
                "payload": "IP",
                "matches": [
                    {
                        "fallthrough": True,
                        "metadata": {"labels": {"nic": "fast"}},
                        "routes": [to(node="{{.nodeName}}")],
                    },
                    {"routes": [to()]},
                ],
            },
            ["client -> node={{.nodeName}} (forwarder nic=fast), else the next match", "client -> any endpoint"],
        ),
        (
            {"matches": [{"metadata": {"labels": {"nic": "fast"}}}]},
            {"payload": "IP", "matches": [{"metadata": {"labels": {"nic": "fast"}}}]},
            ["client -> any endpoint (forwarder nic=fast)"],
        ),
        # The one with more labels first.
        (
            {"matches": [match({"a": "1", "b": "2"}, to(x="y")), match({"a": "1"}, to(x="z"), to(x="w"))]},
            {
                "payload": "IP",
                "matches": [
                    {"source_selector": {"a": "1", "b": "2"}, "routes": [to(x="y")]},
                    {"source_selector": {"a": "1"}, "routes": [to(x="z"), to(x="w")]},
                ],
            },
            ["client a=1,b=2 -> x=y", "client a=1 -> x=z", "client a=1 -> x=w"],
        ),
    ],
)
def test_what_it_comes_to(data, spec, drawing):
    assert told(**data) == []
    assert body(**data) == spec
    assert result(declared(**data), NONE, {})["drawing"] == drawing


def test_the_old_form_is_converted_and_told():
    assert body(manifest=OLD) == CHAIN
    assert wanted(declared(manifest=OLD), NONE)[0].objects[0]["metadata"]["labels"] == {"team": "net"}
    (text,) = told(manifest=OLD)
    assert text.startswith("warning: manifest: networkservicemesh.io/v1alpha1 is the form of 2019")


def test_the_diagram():
    expected = """flowchart LR
  n0["app=firewall"]
  n1["app=vpn-gateway"]
  n2["client"]
  n0 --> n1
  n2 --> n0"""
    assert result(declared(chain=["firewall", "vpn-gateway"]), NONE, {})["mermaid"] == expected


def test_a_diagram_of_odd_values():
    data = {
        "matches": [
            match(
                {"team": "red"},
                to(n='{{index . "pod-name"}}'),
                fallthrough=True,
                metadata={"labels": {"nic": "fast"}},
            )
        ]
    }
    shown = result(declared(**data), NONE, {})["mermaid"]
    assert '["n={{index . #quot;pod-name#quot;}}"]' in shown
    assert 'n0 -.->|"forwarder nic=fast"| n1' in shown
    assert '["client team=red"]' in shown


def test_ways_without_number_are_cut():
    """Ten hops with two choices each are a thousand ways."""
    layers = [
        match({"l": str(depth)}, to(l=str(depth + 1)), to(l=str(depth + 1), b="2"), to(l=str(depth + 1), b="3"))
        for depth in range(10)
    ]
    lines = result(declared(matches=[*layers, match({}, to(l="0"))]), NONE, {})["drawing"]
    assert len(lines) == 51
    assert lines[-1] == "..."


BAD = [
    # Chains.
    ({"chain": ["a", "b", "a"]}, "chain[2]: a is in the chain twice: a loop"),
    ({"chain": ["a", "b", "app=a"]}, "chain[2]: a is in the chain twice: a loop"),
    ({"chain": ["a b"]}, "chain: must hold hops, and 'a b' is neither a label's value nor labels"),
    ({"chain": [""]}, "chain: must hold hops, and '' is neither"),
    ({"chain": ["a=1,a=2"]}, "chain: must hold hops, and 'a=1,a=2' has a label twice"),
    ({"chain": ["a="]}, "chain: must hold hops, and 'a=' is neither"),
    ({"chain": ["a,b=c"]}, "chain: must hold hops, and 'a,b=c' is neither"),
    ({"chain": ["x" * 64]}, "is neither a label's value nor labels"),
    (
        {"chain": ["a", "b"], "chains": [{"source_selector": {"t": "r"}, "hops": ["a", "c"]}]},
        "chain[0]: a goes on to b, and in chains[0].hops[0] it goes on to c: a hop's request does not tell of which",
    ),
    (
        {"chain": ["a", "b"], "chains": [{"source_selector": {"t": "r"}, "hops": ["a"]}]},
        "chain[0]: a goes on to b, and in chains[0].hops[0] it ends",
    ),
    (
        {"chain": ["a", "app=b,zone=x", "b"]},
        "chain[2]: b also fits the endpoints of app=b,zone=x (chain[1]), which would take its place",
    ),
    (
        {"chain": ["a", "b"], "chains": [{"source_selector": {"app": "a"}, "hops": ["c", "d"]}]},
        "chains[0].source_selector: is never reached: chain[0] (app=a) fits all of its clients",
    ),
    (
        {
            "chains": [
                {"source_selector": {"t": "r"}, "hops": ["a"]},
                {"source_selector": {"t": "r", "u": "v"}, "hops": ["b"]},
            ]
        },
        "chains[1].source_selector: is never reached: chains[0].source_selector (t=r) fits all of its clients",
    ),
    ({"chains": [{"source_selector": {}, "hops": ["a"]}]}, "source_selector: must hold at least one label"),
    ({"chains": [{"source_selector": {"a": "b"}, "hops": []}]}, "chains[0].hops: must name at least one hop"),
    ({"chain": ["a"], "matches": [match({}, to(a="b"))]}, "matches: cannot go with chain: both say the whole"),
    ({"chain": ["a"], "manifest": NEW}, "manifest: cannot go with chain"),
    # Matches.
    ({"matches": [{"sourceSelector": {"a": "b"}}]}, "matches[0].sourceSelector: is not an option (did you mean sour"),
    ({"matches": [match({}, {})]}, "matches[0].routes[0].destination_selector: is required"),
    ({"matches": [match({"a": "b"})]}, "matches[0]: leads nowhere: without routes and without metadata NSM finds no"),
    ({"matches": [match({"a": "b"}, metadata={"labels": {}})]}, "metadata.labels: must hold at least one label"),
    (
        {"matches": [match({}, to(a="b")), match({"a": "b"}, to(a="c"))]},
        "matches[0]: has no source_selector and fits every client, so that matches[1] is never reached (put it last",
    ),
    (
        {"matches": [match({"a": "1"}, to(x="y")), match({"a": "1", "b": "2"}, to(x="z"))]},
        "matches[1]: is never reached: matches[0] (a=1) fits all of its clients",
    ),
    (
        {"matches": [match({"a": "1"}, to(x="y")), match({"a": "1"}, to(x="z"))]},
        "matches[1]: is never reached",
    ),
    (
        {"matches": [match({"x": "a"}, to(x="b")), match({"x": "b"}, to(x="a")), match({}, to(x="a"))]},
        "matches[0]: is part of a loop: x=a -> x=b -> x=a",
    ),
    (
        {"matches": [match({"x": "a"}, to(x="b")), match({"x": "b"}, to(x="c")), match({"x": "c"}, to(x="a"))]},
        "is part of a loop: x=a -> x=b -> x=c -> x=a",
    ),
    ({"matches": [match({"a": "b c"}, to(a="b"))]}, "source_selector: must hold labels (letters, digits"),
    ({"matches": [match({"a b": "c"}, to(a="b"))]}, "and a b='c' is none"),
    ({"matches": [match({"a": "{{.x}}"}, to(a="b"))]}, "must hold no templates, and a={{.x}} is one"),
    ({"matches": [match({"a": "b"}, to(a="{{.x"))]}, "must hold templates that end, and a={{.x does not"),
    ({"matches": [match({"a": "b"}, to(a="{{.x}} y"))]}, "and a='{{.x}} y' is none"),
    ({"matches": [match({"a": "b"}, to(a="y,z"))]}, "and a='y,z' is none"),
    ({"matches": [match({"a": 1}, to(a="y"))]}, "source_selector.a: must be a string, not a number; quote it"),
    ({"matches": [match({"a": "b"}, {**to(a="y"), "weight": 0})]}, "weight: must be more than 0"),
    # Names.
    ({"name": "Intranet"}, "name: must be a DNS subdomain"),
    ({"name": "a" * 64}, "name: must have 63 characters at most"),
    ({"payload": "ip"}, "payload: has no choice 'ip'"),
    # Manifests.
    (
        {"manifest": changed(OLD, apiVersion="networkservicemesh.io/v1")},
        "manifest.spec.matches[0].match: is a key of 2019 that NSM drops, with all that stands in it (leave it out)",
    ),
    (
        {"manifest": changed(NEW, "spec", "matches", 0, sourceSelector={"a": "b"})},
        "manifest.spec.matches[0].sourceSelector: is the spelling of 2019, which NSM drops without a word: the match "
        "fits every client, and hides those after it (write source_selector)",
    ),
    (
        {"manifest": changed(NEW, "spec", "matches", 0, route=[])},
        "manifest.spec.matches[0].route: is the spelling of 2019, which NSM drops without a word: the match leads",
    ),
    (
        {"manifest": changed(NEW, "spec", "matches", 0, "routes", 0, destinationSelector={"a": "b"})},
        "routes[0].destinationSelector: is the spelling of 2019, which NSM drops without a word: the route leads to",
    ),
    (
        {"manifest": changed(OLD, "spec", "matches", 0, source_selector={"a": "b"})},
        "manifest.spec.matches[0].sourceSelector: stands beside source_selector, which says the same",
    ),
    (
        {"manifest": changed(OLD, "spec", "matches", 0, match={"sourceSelector": {"a": "b"}})},
        "manifest.spec.matches[0].match: is a key of 2019 that NSM drops, with all that stands in it (source_sel",
    ),
    ({"manifest": changed(NEW, "spec", "matches", 0, fallThrough=True)}, "fallThrough: is not an option (did you mean"),
    ({"manifest": changed(NEW, "spec", payloads="IP")}, "manifest.spec.payloads: is not an option"),
    ({"manifest": changed(NEW, "spec", payload="ip")}, "manifest.spec.payload: has no choice 'ip'"),
    ({"manifest": NEW, "payload": "ETHERNET"}, "manifest.spec.payload: is IP, and the option is not"),
    ({"manifest": changed(NEW, "spec", name="other")}, "manifest.spec.name: is 'other': clients would have to ask"),
    (
        {"manifest": changed(NEW, "metadata", name="other")},
        "manifest.metadata.name: is 'other', and the option name is",
    ),
    ({"manifest": NEW, "namespace": "shop"}, "manifest.metadata.namespace: is 'nsm-system', and the option namespace"),
    ({"manifest": changed(NEW, kind="NetworkServiceEndpoint")}, "manifest.kind: must be NetworkService, not"),
    ({"manifest": changed(NEW, apiVersion="v1")}, "manifest.apiVersion: must be networkservicemesh.io/v1 or"),
    ({"manifest": changed(NEW, spec=["a"])}, "manifest.spec: must be a map, not a list"),
    ({"manifest": changed(NEW, "spec", matches={"a": "b"})}, "manifest.spec.matches: must be a list, not a map"),
    ({"manifest": changed(NEW, "spec", matches=["a"])}, "manifest.spec.matches[0]: must be a map, not a string"),
    ({"manifest": changed(NEW, "spec", "matches", 0, routes="a")}, "matches[0].routes: must be a list, not a string"),
    ({"manifest": changed(NEW, "metadata", labels={"a": 1})}, "manifest.metadata.labels.a: must be a string, not a nu"),
    (
        {"manifest": changed(NEW, "spec", "matches", 1, fallthrough="yes")},
        "manifest.spec.matches[1].fallthrough: must be true or false, not a string",
    ),
]


@pytest.mark.parametrize(("data", "text"), BAD)
def test_bad_input_is_named_in_a_line(data, text):
    try:
        found = next(
            (item.error for item in preflight(declared(**data), NONE, "present") if item.level == "error"), None
        )
    except MeshError as error:
        found = error
    assert found is not None, "nothing was refused"
    assert (found.code, text in str(found)) == ("invalid_option", True), found
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"matches": [match({}, {**to(a="b"), "weight": 3})]}, "matches[0]: has a weight, at which NSM does not look"),
        (
            {"matches": [match({}, to(a="b"), to(a="b"))]},
            "matches[0]: has two routes to a=b, which get twice the share",
        ),
        ({"matches": [match({"a": ""}, to(a="b"))]}, "matches[0]: fits clients without the label a, too"),
        # Tenants whose endpoints pass nothing on are well served so.
        ({"matches": [match({"t": "r"}, to(t="r"))]}, "matches[0]: leads from t=r to t=r"),
        (
            {"matches": [match({"app": "a"}, to(app="b")), match({"t": "r"}, to()), match({}, to(app="a"))]},
            "matches[1]: leads to any endpoint of the service",
        ),
    ],
)
def test_what_surprises_is_told(data, text):
    (found,) = told(**data)
    assert found.startswith(f"warning: {text}")


def test_a_name_is_there_once_in_the_whole_cluster():
    other = {"metadata": {"namespace": "shop", "name": "net"}, "spec": {"name": "intranet"}}
    (found,) = preflight(declared(), Facts(True, [other]), "present")
    assert "name: is the name of NetworkService shop/net, too" in str(found.error)
    own = {"metadata": {"namespace": "nsm-system", "name": "intranet"}}
    assert list(preflight(declared(), Facts(True, [own]), "present")) == []


def test_a_definition_that_is_not_there():
    (found,) = preflight(declared(), Facts(False, ()), "present")
    assert (found.level, found.error.code) == ("pending", "missing_dependency")


def test_nothing_is_said_of_what_goes():
    assert list(preflight(declared(chain=["a", "a"]), Facts(False, ()), "absent")) == []


def test_matches_of_others_do_not_stay():
    live = {"metadata": {"namespace": "nsm-system", "name": "intranet"}, "spec": {"matches": [{}]}}
    obj = wanted(declared(), Facts(True, [live]))[0].objects[0]
    assert obj["spec"] == {"payload": "IP", "matches": []}
