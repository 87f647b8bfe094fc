# SPDX-License-Identifier: Apache-2.0
"""New custom resources against their schemas: what is said before a write, and that nothing is said that the API server
would not say."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from mesh.kube.cluster import connect
from mesh.kube.discovery import of_crds
from mesh.kube.failures import ApiFailure
from mesh.model.errors import MeshError
from mesh.model.objects import Ref, ref
from mesh.plan.definitions import declared as declared_by
from mesh.plan.definitions import published
from mesh.plan.never_own import without_nulls

from bench.objects import istio
from tests.examples.playing import Stage, play_check
from tests.faults.kinds import KINDS
from tests.faults.proxy import Answer

from .conftest import API, config_map
from .policies import until
from .scenes import always, directory, scene  # noqa: F401 - fixtures

CRD = "apiextensions.k8s.io/v1"
ROUTES = ("gateways", "grpcroutes", "httproutes", "referencegrants")
STRING, GROUP = {"type": "string"}, "schemas.meshops.invalid"


def declared(namespace, *objects):
    return {"name": namespace, "namespace": namespace, "objects": list(objects)}


def custom(api_version, kind, spec, name="x"):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def definition(spec, group=GROUP, **more):
    whole = {"type": "object", "properties": {"spec": spec}, "required": ["spec"]}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": whole}}
    names = {"kind": "Gadget", "plural": "gadgets", "singular": "gadget", "listKind": "GadgetList"}
    body = {"group": group, "names": names, "scope": "Namespaced", "versions": [version], **more}
    return {
        "apiVersion": CRD,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": body,
    }


def fields(**properties):
    return {"type": "object", "properties": properties}


#: All that a structural schema can say.
GADGET = {
    **fields(
        size={"x-kubernetes-int-or-string": True},
        port={"type": "integer", "minimum": 1, "maximum": 65535, "exclusiveMaximum": True},
        weight={"type": "number", "minimum": 0, "multipleOf": 0.5},
        on={"type": "boolean"},
        mode={**STRING, "enum": ["Simple", "Mutual"], "default": "Simple"},
        host={**STRING, "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"},
        greek={**STRING, "pattern": r"^\p{Greek}*$"},
        since={**STRING, "format": "date-time"},
        none={**STRING, "nullable": True},
        short={**STRING, "minLength": 2, "maxLength": 3},
        tags={"type": "array", "items": STRING, "minItems": 1, "maxItems": 2, "x-kubernetes-list-type": "set"},
        ports={
            "type": "array",
            "items": {
                **fields(name=STRING, protocol={**STRING, "default": "TCP"}, port={"type": "integer"}),
                "required": ["name", "protocol"],
            },
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "protocol"],
        },
        labels={"type": "object", "additionalProperties": STRING, "maxProperties": 2},
        any={"type": "object"},
        kept={**fields(inner=fields(a=STRING)), "x-kubernetes-preserve-unknown-fields": True},
        either={
            **fields(a=STRING, b=STRING),
            "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
            "not": {"required": ["a", "b"]},
        },
        filled={
            **fields(a={**fields(b={**STRING, "default": "x"}), "required": ["b"], "default": {"b": "y"}}, c=STRING),
            "required": ["a"],
            "anyOf": [{"required": ["a"]}, {"required": ["c"]}],
        },
        template={
            **fields(spec=fields(a=STRING)),
            "x-kubernetes-embedded-resource": True,
        },
    ),
    "required": ["mode", "size"],
    "x-kubernetes-validations": [{"rule": "!has(self.port) || self.port != 7", "message": "not seven"}],
}

NAME = {"name": "page", "port": 80}
GOOD = [
    *istio(3),
    custom(f"{GROUP}/v1", "Gadget", {"size": 1}),
    custom(
        f"{GROUP}/v1",
        "Gadget",
        {
            "size": "10%",
            "port": 80,
            "weight": 1.5,
            "on": True,
            "mode": "Mutual",
            "host": "a.example.com",
            "greek": "\u03b1",
            "since": "2026-01-01T00:00:00Z",
            "short": "ab",
            "tags": ["a"],
            "ports": [{"name": "a", "port": 1}, {"name": "a", "protocol": "UDP"}],
            "labels": {"a": "b"},
            "any": {"thing": [1]},
            "kept": {"inner": {"a": "b"}, "more": 1},
            "either": {"a": "x"},
            "filled": {"c": "x"},
            "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"a": "b"}},
        },
    ),
    custom(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        {
            "gatewayClassName": "istio",
            "listeners": [{"name": "http", "port": 80, "protocol": "HTTP", "hostname": "*.example.com"}],
        },
    ),
    custom(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {
            "parentRefs": [{"name": "x"}],
            "hostnames": ["shop.example.com"],
            "rules": [
                {
                    "matches": [
                        {"path": {"type": "PathPrefix", "value": "/a"}, "headers": [{"name": "b", "value": "c"}]}
                    ],
                    "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}],
                    "backendRefs": [NAME],
                    "timeouts": {"request": "10s"},
                }
            ],
        },
    ),
    custom(
        "gateway.networking.k8s.io/v1",
        "GRPCRoute",
        {"rules": [{"matches": [{"method": {"service": "a.b", "method": "c"}}], "backendRefs": [NAME]}]},
    ),
]


def of_the_shop():
    """The demo's objects, and those of every kind that Istio has."""
    shop = Path(__file__).resolve().parents[2] / "examples" / "shop" / "traffic.yml"
    patch = {"operation": "MERGE", "value": {"name": "x", "anything": [1]}}
    rule = {"from": [{"source": {"principals": ["a"]}}], "to": [{"operation": {"ports": ["80"]}}]}
    return [
        *(obj for obj in yaml.safe_load_all(shop.read_text(encoding="utf-8")) if "istio.io" in obj["apiVersion"]),
        custom(
            "networking.istio.io/v1alpha3",
            "EnvoyFilter",
            {"configPatches": [{"applyTo": "CLUSTER", "match": {"context": "SIDECAR_OUTBOUND"}, "patch": patch}]},
        ),
        custom("networking.istio.io/v1", "Sidecar", {"egress": [{"hosts": ["./*"]}]}),
        custom("networking.istio.io/v1", "WorkloadEntry", {"address": "10.0.0.1", "labels": {"app": "a"}}),
        custom("networking.istio.io/v1beta1", "ProxyConfig", {"concurrency": 2}),
        custom("security.istio.io/v1", "AuthorizationPolicy", {"action": "DENY", "rules": [rule]}),
        custom(
            "security.istio.io/v1", "RequestAuthentication", {"jwtRules": [{"issuer": "a", "jwksUri": "https://b"}]}
        ),
        custom("telemetry.istio.io/v1", "Telemetry", {"tracing": [{"randomSamplingPercentage": 1.5}]}),
        custom("extensions.istio.io/v1alpha1", "WasmPlugin", {"url": "oci://a", "pluginConfig": {"any": {"thing": 1}}}),
    ]


@pytest.fixture(scope="module")
def definitions(api, lab):
    """Istio's, Gateway API's and our own; those that were made for this module go with it."""
    istios = (Path(lab.charts) / "base" / "files" / "crd-all.gen.yaml").read_text(encoding="utf-8")
    routes = (Path(lab.gateway_api) / "experimental-install.yaml").read_text(encoding="utf-8")
    found = [obj for text in (istios, routes) for obj in yaml.load_all(text, Loader=yaml.CSafeLoader) if obj]
    names = {f"{plural}.gateway.networking.k8s.io" for plural in ROUTES}
    found = [obj for obj in found if obj["metadata"]["name"].endswith(".istio.io") or obj["metadata"]["name"] in names]
    found.append(definition(GADGET))
    cluster = connect(api.connection, "api")
    try:
        there = {obj["metadata"]["name"] for obj in cluster.list(CRD, "CustomResourceDefinition")}
        made = [obj for obj in found if obj["metadata"]["name"] not in there]
        cluster.map(lambda obj: cluster.apply(obj, "them"), made)
        until(lambda: all(map(published_by(cluster), of_crds(found))), 90)
        yield declared_by(found)
    finally:
        for obj in made:
            cluster.delete(ref(obj))
        # A definition that has just been made is cleaned up only when its storage has come up.
        until(lambda: not any(cluster.get(CRD, obj["kind"], "", obj["metadata"]["name"]) for obj in made), 90)
        cluster.close()


def published_by(cluster):
    cluster.forget_kinds()
    return lambda kind: published(kind.api_version, kind.kind, cluster.schemas.of(kind.api_version))


def paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*path, key))


def variants(obj):
    """The object with each of its fields left out, renamed, and of other values; with the path."""
    for path in paths({key: value for key, value in obj.items() if key in ("metadata", "spec")}):
        if path in (("metadata",), ("metadata", "name"), ("metadata", "namespace")):
            continue
        for change in (DELETE, RENAME, "x", "", 7, -1, 1.5, True, [], [None], {"x": "x"}):
            yield path, change, changed(obj, path, change)


DELETE, RENAME = object(), object()


def changed(obj, path, change):
    obj = copy.deepcopy(obj)
    *above, key = path
    place = obj
    for step in above:
        place = place[step]
    if change is DELETE:
        del place[key]
    elif change is RENAME and isinstance(key, str):
        place[f"{key}x"] = place.pop(key)
    elif change is not RENAME:
        place[key] = change
    return without_nulls(obj)


def accepted(cluster, namespace, obj):
    """Whether the API server would take it; it says so of what is not there yet as of anything."""
    placed = {**obj, "metadata": {**obj["metadata"], "namespace": namespace}}
    try:
        cluster.apply(placed, "meshops", dry_run=True)
    except ApiFailure as error:
        if error.code != "invalid_object":
            raise
        return False
    return True


def test_what_is_refused_here_is_refused_there(cluster, namespace, definitions):
    """Every field of every object left out, renamed, and replaced by all sorts of values: a fault is one for the API
    server, by what it publishes and by the definition itself. Most of what it refuses is found."""
    objects = [*GOOD, *of_the_shop()]
    tried = [((obj["kind"], *case), variant) for obj in objects for *case, variant in variants(obj)]
    tried += [((obj["kind"], (), None), obj) for obj in objects]
    answers = cluster.map(lambda case: accepted(cluster, namespace, case[1]), tried)
    missed, renamed = 0, 0
    for (case, obj), taken in zip(tried, answers, strict=True):
        kind = (obj["apiVersion"], obj["kind"])
        by_server = published(*kind, cluster.schemas.of(kind[0])).faults(obj)
        by_definition = definitions[kind].faults(obj)
        assert not (taken and by_server), (case, by_server)
        assert not (taken and by_definition), (case, by_definition)
        if not {"metadata", "template"}.intersection(case[1]):  # of objects as such a definition says nothing
            assert bool(by_server) == bool(by_definition), (case, by_server, by_definition)
        if case[2] is RENAME and not taken:
            assert by_server, case
            renamed += 1
        missed += not taken and not by_server
    refused = answers.count(False)
    assert renamed > 200, "names that are no fields are refused"
    assert missed < refused / 10, f"{len(tried)} tried, {refused} refused, {missed} of them not foreseen"
    assert [obj for (case, obj), taken in zip(tried, answers, strict=True) if case[1] == () and not taken] == []


def with_typos():
    """A right and a wrong object of each of three kinds; the first wrong one has two faults."""
    right = istio(6)
    wrong = copy.deepcopy(right[3:])
    wrong[0]["spec"]["htpp"] = wrong[0]["spec"].pop("http")
    wrong[0]["spec"]["hosts"] = "page"
    wrong[1]["spec"]["trafficPolicy"]["tls"] = {"mode": "SIMPEL"}
    wrong[2]["spec"]["ports"][0]["number"] = "443"
    return [*right[:3], *wrong]


def homely(namespace, objects):
    """The objects in the set's namespace."""
    marks = ({key: value for key, value in obj["metadata"].items() if key != "namespace"} for obj in objects)
    return declared(namespace, *({**obj, "metadata": mark} for obj, mark in zip(objects, marks, strict=True)))


@pytest.mark.parametrize("check", [False, True])
def test_one_of_many_is_wrong(api, cluster, namespace, definitions, check):
    wanted = homely(namespace, [config_map("one", a="1"), *with_typos()])
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted, check=check)
    error = caught.value
    assert (error.code, error.where, error.msg, error.hint) == (
        "invalid_object",
        f"api: set config-{namespace}: VirtualService {namespace}/service-1: spec.hosts",
        "must be a list, not a string (1 more in this object, 2 more objects are wrong)",
        "",
    )
    assert api.writes == []
    assert cluster.get("v1", "ConfigMap", namespace, "one") is None
    wanted["objects"][4]["spec"]["hosts"] = ["page"]
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted, check=check)
    place = f"VirtualService {namespace}/service-1: spec.htpp"
    text = "is not a field (2 more objects are wrong) (did you mean http?)"
    assert str(caught.value) == f"api: set config-{namespace}: {place}: {text}"
    assert api.writes == []


def documents(run):
    return [path for path in run.paths("GET") if path.startswith("/openapi/")]


def test_each_group_and_version_is_asked_for_once_and_only_for_what_is_new(scene, namespace, definitions):  # noqa: F811
    run = scene(lambda _seen: None)
    policy = custom("security.istio.io/v1", "PeerAuthentication", {"mtls": {"mode": "STRICT"}})
    wanted = homely(namespace, [config_map("one", a="1"), policy, *istio(30)])
    assert run("config_set", wanted).changed
    asked = ["/openapi/v3/apis/networking.istio.io/v1", "/openapi/v3/apis/security.istio.io/v1"]
    assert sorted(documents(run)) == asked
    assert not run("config_set", wanted).changed
    wanted["objects"][2]["spec"]["hosts"] = ["changed"]
    wanted["objects"].append(config_map("two", a="1"))
    assert run("config_set", wanted).changed
    assert sorted(documents(run)) == asked
    run("config_set", wanted, "absent")


@pytest.mark.parametrize("kind", ["403", "503-html", "truncated", "reset-before"])
def test_a_server_that_tells_no_schemas_is_no_hindrance(scene, namespace, definitions, kind):  # noqa: F811
    """Then it says itself what is wrong, when it is written."""
    run = scene(always(KINDS[kind].act, lambda seen: seen.path.startswith("/openapi/")))
    with pytest.raises(MeshError, match="field not declared in schema") as caught:
        run("config_set", homely(namespace, [{**istio(1)[0], "spec": {"htpp": []}}]))
    assert caught.value.where == f"api: VirtualService {namespace}/service-0"
    assert run("config_set", homely(namespace, istio(1))).changed
    assert run("config_set", homely(namespace, istio(1)), "absent").warnings == []


def test_what_the_server_takes_is_right_whatever_it_publishes(scene, namespace, definitions):  # noqa: F811
    """After a change of a definition the old schema is published for a while."""

    def old(exchange):
        answer = exchange.forward()
        document = json.loads(answer.body)
        del document["components"]["schemas"]["io.istio.networking.v1.VirtualService"]["properties"]["spec"][
            "properties"
        ]["http"]
        exchange.reply(Answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"}))

    run = scene(always(old, lambda seen: seen.path.startswith("/openapi/")))
    assert run("config_set", homely(namespace, istio(1))).changed
    run("config_set", homely(namespace, istio(1)), "absent")


def test_a_definition_in_the_set_is_the_schema(api, scene, cluster, namespace):  # noqa: F811
    """Before it is served, and without a request."""
    group = f"{namespace}.example.com"
    wrong = custom(f"{group}/v1", "Gadget", {"size": 1, "mod": "Mutual"})
    wanted = declared(namespace, definition(GADGET, group), wrong)
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted)
    place = f"set config-{namespace}: Gadget {namespace}/x: spec.mod"
    assert str(caught.value) == f"api: {place}: is not a field (did you mean mode?)"
    assert api.writes == []
    wrong["spec"] = {"size": 1}
    run = scene(lambda _seen: None)
    assert run("config_set", wanted, wait_timeout=60).changed
    assert documents(run) == []
    run("config_set", wanted, "absent", purge=True, wait_timeout=60)
    until(lambda: cluster.get(CRD, "CustomResourceDefinition", "", f"gadgets.{group}") is None)


@pytest.mark.parametrize("schema", [{"type": "thing"}, {"type": "object", "properties": 7}])
def test_a_definition_that_is_none_is_told_by_the_api_server(api, cluster, namespace, schema):
    group = f"{namespace}.example.com"
    wanted = declared(namespace, definition(schema, group), custom(f"{group}/v1", "Gadget", {"size": 1}))
    with pytest.raises(MeshError) as caught:
        api("config_set", wanted)
    assert caught.value.code == "invalid_object"
    assert caught.value.where.endswith(f"CustomResourceDefinition gadgets.{group}")
    assert cluster.get(CRD, "CustomResourceDefinition", "", f"gadgets.{group}") is None
    cluster.delete(Ref("", "ConfigMap", namespace, f"meshops-config-{namespace}"))


def test_who_declares_files_is_told_which(lab, definitions, namespace, tmp_path):
    """By a real playbook."""
    wrong = custom(f"{GROUP}/v1", "Gadget", {"size": 1, "hots": "a"}, "wrong")
    files = {"files/gadgets.yml": yaml.safe_dump_all([custom(f"{GROUP}/v1", "Gadget", {"size": 1}, "right"), wrong])}
    stage = Stage({"kubeconfig": str(lab.kubeconfig), "context": API}, files=files)
    options = {"name": "x", "namespace": namespace, "src": ["gadgets.yml"], "wait": False}
    (played,) = play_check([{"name": "Gadgets", "meshops.mesh.config_set": options}], stage, tmp_path)
    where = f"files/gadgets.yml:8: api: set config-x: Gadget {namespace}/wrong: spec.hots"
    assert played.told["error"]["where"].endswith(where)
    assert "is not a field (did you mean host?)" in played.told["msg"]
