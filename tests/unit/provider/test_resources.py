# SPDX-License-Identifier: Apache-2.0
"""Inputs, identities and differences of resources."""

from __future__ import annotations

import pytest

from pulumi_mesh._core.model.errors import MeshError
from pulumi_mesh._core.model.objects import Ref
from pulumi_mesh._core.model.report import FieldChange, ObjectChange, Report
from pulumi_mesh._core.model.secrets import REDACTED
from pulumi_mesh.provider.inventory import changes, digest, found, gone
from pulumi_mesh.provider.properties import UNKNOWN, Secret
from pulumi_mesh.provider.provider import resources

PLANE = resources()["mesh:index:ControlPlane"]
SET = resources()["mesh:index:ConfigSet"]
INJECTION = resources()["mesh:index:Injection"]


def same(value):
    return value


REF = Ref("apps", "Deployment", "ns", "istiod")


@pytest.mark.parametrize(
    ("resource", "inputs", "problems"),
    [
        (SET, {"namespace": "ns"}, [("name", "is required")]),
        (SET, {"name": UNKNOWN, "namespace": "ns"}, []),
        (SET, {"name": "A_b", "namespace": "ns", "nmae": 1}, ["name", "nmae"]),
        (PLANE, {"charts": {"plainHtp": True}}, ["charts.plainHtp"]),
        (PLANE, {"waitTimeout": 0, "imagePullPolicy": "Sometimes"}, ["imagePullPolicy", "waitTimeout"]),
        (PLANE, {"waitTimeout": "5"}, [("waitTimeout", "must be a whole number, not a string")]),
        (PLANE, {"version": UNKNOWN, "values": {"a": UNKNOWN}}, []),
    ],
)
def test_problems_name_the_property(resource, inputs, problems):
    told = list(resource.problems(inputs))
    assert [item if isinstance(problems[n], tuple) else item[0] for n, item in enumerate(told)] == problems


def test_defaults_are_filled_in():
    completed = INJECTION.completed({"namespaces": ["shop"]})
    assert completed["mode"] == "sidecar"
    assert completed["waitTimeout"] == 300
    assert "adopt" in completed


def test_identities_are_what_an_import_takes():
    for resource, inputs, identifier in (
        (PLANE, {"revision": "canary"}, "istio-system/canary"),
        (SET, {"name": "traffic", "namespace": "ns"}, "ns/traffic"),
        (INJECTION, {"namespaces": ["a", "b"]}, "a,b"),
    ):
        assert resource.id(inputs) == identifier
        assert resource.id(resource.completed(resource.imported(identifier))) == identifier
    with pytest.raises(MeshError, match="<namespace>/<revision>"):
        PLANE.imported("canary")


def test_what_identifies_is_replaced():
    assert PLANE.replaced({}, {"revision": "canary"}) == ("revision",)
    assert PLANE.replaced({}, {"revision": "default", "namespace": "istio-system"}) == ()
    assert SET.declared_difference({"name": "a", "namespace": "n"}, {"name": "b", "namespace": "n"}).delete_first


def test_only_namespaces_that_are_named_no_more_are_left():
    left = INJECTION.left({"namespaces": ["a", "b"]}, {"namespaces": ["b", "c"]})
    assert left is not None
    assert left.spec.namespaces == ["a"]
    assert INJECTION.left({"namespaces": ["a"]}, {"namespaces": ["a", "b"]}) is None


def test_after_a_failed_update_both_lists_count():
    assert INJECTION.covered({"namespaces": ["a"]}, {"namespaces": ["a", "b"]})["namespaces"] == ["a", "b"]
    assert SET.covered({"name": "a"}, {"name": "b"}) == {"name": "a"}


def report(action, *fields):
    return Report(objects=[ObjectChange(REF, action, tuple(fields))])


def test_differences_lead_to_objects_and_fields():
    change = FieldChange('metadata.labels["app"]', "a", "b")
    difference = PLANE.difference({}, {"version": "1.31.0"}, report("update", change))
    path = 'changes["Deployment ns/istiod"]["metadata.labels[\\"app\\"]"]'
    assert difference.paths == {path: "add", "version": "add"}
    assert difference.inputs == {"version"}
    assert not PLANE.difference({}, {"version": "1.31.0"}, report("unchanged")).some
    assert PLANE.difference({}, {}, report("create")).paths == {'changes["Deployment ns/istiod"]': "add"}


def test_a_plan_is_told_by_objects_and_fields():
    long = FieldChange("data.text", "a" * 500, None)
    told = changes(report("update", FieldChange("spec.replicas", 5, 1), long), same)["Deployment ns/istiod"]
    assert told["spec.replicas"] == "5 => 1"
    assert len(told["data.text"]) < 150
    assert changes(report("create"), same) == {"Deployment ns/istiod": "create"}
    assert changes(report("unchanged"), same) == {}


def test_what_a_read_finds():
    change = FieldChange("spec.replicas", 5, 1)
    assert found(report("update", change), lambda value: value) == {
        "Deployment ns/istiod": {"digest": "", "drift": {"spec.replicas": 5}}
    }
    assert found(report("create"), lambda value: value) == {"Deployment ns/istiod": {"missing": True}}
    assert (gone(report("create")), gone(report("update", change)), gone(Report())) == (True, False, False)


def test_a_refresh_leads_to_what_was_found():
    inventory = {"Deployment ns/a": {"drift": {"spec.replicas": 5}}, "Service ns/b": {"missing": True}}
    told = PLANE.refreshed({}, {"inventory": {**inventory, "Service ns/c": {"digest": "d"}}}, {})
    assert list(told.paths) == [
        'inventory["Deployment ns/a"].drift["spec.replicas"]',
        'inventory["Service ns/b"].missing',
    ]
    assert not PLANE.refreshed({}, {}, {}).some


def test_where_a_secret_should_be_nothing_is_shown_of_what_is_there():
    def hide(value):
        if isinstance(value, list):
            return [hide(item) for item in value]
        return REDACTED if value == "new secret" else value

    change = FieldChange("data.p", "old secret", "new secret")
    assert changes(report("update", change), hide) == {"Deployment ns/istiod": {"data.p": REDACTED}}
    assert found(report("update", change), hide)["Deployment ns/istiod"]["drift"] == {"data.p": REDACTED}


def test_null_is_not_set():
    assert PLANE.replaced({"revision": "default"}, {"revision": None}) == ()


def test_complaints_do_not_repeat_secrets():
    told = list(PLANE.problems({"hub": Secret("top secret pw"), "profile": Secret("mysecretvalue")}))
    assert [path for path, _reason in told] == ["hub", "profile"]
    assert not any("secret" in text for _path, text in told)


def test_what_becomes_secret_is_a_difference():
    before, after = {"values": {"a": "x"}}, {"values": Secret({"a": "x"})}
    assert PLANE.difference(before, after, report("unchanged")).paths == {"values": "update"}


def test_paths_have_no_escapes_but_of_quotes():
    change = FieldChange('data["\u00e9\\x"]', 1, 2)
    assert list(PLANE.difference({}, {}, report("update", change)).paths) == [
        'changes["Deployment ns/istiod"]["data[\\"\u00e9\\x\\"]"]'
    ]


def test_digests_tell_nothing_of_secrets():
    secret = {"kind": "Secret", "metadata": {"name": "a"}, "data": {"key": "YQ=="}}
    assert digest(secret, same) == digest({**secret, "data": {"key": "Yg=="}}, same)
    assert digest(secret, same) != digest({**secret, "metadata": {"name": "b"}}, same)


def test_secrets_are_compared_without_being_shown():
    assert "values" in SET.declared_difference({"values": Secret("a")}, {"values": Secret("b")}).paths


def test_what_secrets_hold_is_marked_whoever_forgot_it():
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"k": "dg=="}}
    objects = [secret, {"kind": "SecretList", "items": [secret]}, {"kind": "ConfigMap", "data": {"a": "b"}}, UNKNOWN]
    told = SET.completed({"name": "a", "namespace": "n", "objects": objects})["objects"]
    assert told[0]["data"] == told[1]["items"][0]["data"] == Secret({"k": "dg=="})
    assert told[2:] == objects[2:]
    assert SET.completed({"objects": Secret(objects)})["objects"] == Secret(objects)
    assert SET.completed({"objects": told})["objects"] == told


def test_what_becomes_secret_later_is_a_difference():
    """Also where another part of the property was secret before: the state would keep the value in plain."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": Secret("MQ==")}}
    told = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    hidden = {**told, "data": {"a": Secret("1")}}
    before, after = (
        SET.completed({"name": "x", "namespace": "ns", "objects": [secret, obj]}) for obj in (told, hidden)
    )
    assert dict(SET.difference(before, after, Report(changed=False)).paths) == {"objects": "update"}
    assert not SET.difference(after, after, Report(changed=False)).some
