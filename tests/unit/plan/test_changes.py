# SPDX-License-Identifier: Apache-2.0
"""What happens to each object of a set, by what is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mesh.model.objects import CREATED_BY, ObjectSet, ref
from mesh.model.sets import applyset_id
from mesh.plan.changes import MANAGED_BY, Plan, members, plan_release, plan_removal, plan_set, settled
from mesh.plan.owners import PART_OF

ME, ID = "meshops/config_set/shop", applyset_id("config-shop", "shop")
MARKS = {PART_OF: ID, MANAGED_BY: "meshops"}


def config(name="a", data="1", namespace="shop"):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"k": data},
    }


def namespace(name="shop", **metadata):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, **metadata}}


def of(*objects, fields=()):
    return ObjectSet("config-shop", "shop", ME, tuple(objects), tuple(fields))


def fields_of(value):
    return {f"f:{key}": fields_of(item) for key, item in value.items()} if isinstance(value, dict) else {}


def applied(obj, manager=ME, **metadata):
    """The object as the API server has it after ``manager`` applied it; ``metadata`` is what others added."""
    own = {key: value for key, value in obj["metadata"].items() if key not in ("name", "namespace")}
    body = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    fields = fields_of({**body, **({"metadata": own} if own else {})})
    entry = {"manager": manager, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": fields}
    return {**obj, "metadata": {**obj["metadata"], "uid": "1", "managedFields": [entry], **metadata}}


def marked(obj):
    return {**obj, "metadata": {**obj["metadata"], "labels": MARKS}}


def live(*objects):
    return {ref(obj): obj for obj in objects}


def seen(changes):
    return {(str(change.ref), change.action) for change in changes}


def test_members_carry_the_marks_of_the_set_and_neither_nulls_nor_empty_marks():
    obj = config()
    obj["metadata"] |= {"labels": {"app": "x", "none": None}, "annotations": {}}
    assert [item["metadata"] for item in members(of(obj))] == [
        {"name": "a", "namespace": "shop", "labels": {"app": "x", **MARKS}}
    ]


@pytest.mark.parametrize(
    ("found", "action", "foreign"),
    [
        ((), "create", None),
        ((applied(marked(config())),), "unchanged", None),
        ((applied(marked(config(data="2"))),), "update", None),
        ((applied(marked(config()), manager="other"),), "update", None),
        ((applied(config(), manager="kubectl"),), "adopt", "kubectl (kubectl)"),
        ((applied({**config(), "metadata": {**config()["metadata"], "labels": {PART_OF: "b"}}}),), "adopt", "b"),
    ],
)
def test_one_object(found, action, foreign):
    (change,) = plan_set(of(config()), live(*found))
    assert (change.action, change.member) == (action, True)
    assert (foreign in str(change.foreign)) if foreign else change.foreign is None


def test_a_creation_sends_the_marked_object_and_shows_every_field():
    (change,) = plan_set(of(config()), {})
    assert change.sent == marked(config())
    assert {field.path for field in change.fields} == {"apiVersion", "kind", "metadata", "data"}


@pytest.mark.parametrize(
    ("left", "action"),
    [
        (applied(marked(config("old"))), "delete"),
        (applied(marked(config("old")), manager="copycat"), "keep"),
    ],
)
def test_members_that_left_the_declaration(left, action):
    changes = plan_set(of(config()), live(applied(marked(config())), left))
    assert seen(changes) == {("ConfigMap shop/a", "unchanged"), ("ConfigMap shop/old", action)}
    assert next(change.reason for change in changes if change.ref.name == "old")


@pytest.mark.parametrize(
    "other",
    [
        applied(config("old")),
        marked({**config("old"), "metadata": {**config("old")["metadata"], "ownerReferences": [{"kind": "Service"}]}}),
        applied({**config("old"), "metadata": {**config("old")["metadata"], "labels": {PART_OF: "other"}}}),
    ],
)
def test_what_is_no_member_is_never_pruned(other):
    assert plan_set(of(), live(other)) == []


def test_a_namespace_that_the_set_creates_is_marked_so_and_is_no_member():
    (change,) = plan_set(of(fields=[namespace(labels={"a": "b"})]), {})
    assert (change.action, change.member) == ("create", False)
    assert change.sent["metadata"] == {
        "name": "shop",
        "labels": {"a": "b"},
        "annotations": {CREATED_BY: "shop/config-shop"},
    }


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (applied(namespace(labels={"a": "b"})), "unchanged"),
        (applied(namespace(labels={"a": "b"}, annotations={CREATED_BY: "shop/config-shop"})), "unchanged"),
        (applied(namespace(labels={"a": "c"})), "update"),
        (namespace(labels={"a": "b"}), "update"),
        (applied(namespace(labels={"a": "b"}, annotations={CREATED_BY: "other"})), "update"),
    ],
)
def test_fields_of_a_namespace(found, action):
    (change,) = plan_set(of(fields=[namespace(labels={"a": "b"})]), live(found))
    assert (change.action, change.member, change.foreign) == (action, False, None)


def test_a_namespace_of_others_is_not_marked_as_created():
    (change,) = plan_set(of(fields=[namespace(labels={"a": "b"})]), live(namespace()))
    assert change.sent["metadata"] == {"name": "shop", "labels": {"a": "b"}}


def test_settled():
    (change,) = plan_set(of(config()), live(applied(marked(config(data="1000")))))
    assert change.action == "update"
    assert settled(change, change.found).action == "unchanged"
    after = {**change.found, "data": {"k": "1"}}
    assert [field.path for field in settled(change, after).fields] == ["data.k"]


def test_the_first_apply_of_equal_values_is_a_write():
    (change,) = plan_set(of(fields=[namespace(labels={"a": "b"})]), live(namespace(labels={"a": "b"})))
    assert (settled(change, change.found).action, change.fields) == ("update", ())


CREATED = applied(namespace(labels={"a": "b"}, annotations={CREATED_BY: "shop/config-shop"}))
OTHERS = applied(namespace(labels={"a": "b"}))
HELD = "it holds 2 Pod"


@pytest.mark.parametrize(
    ("found", "keep", "expected"),
    [
        ((applied(marked(config())),), {}, {("ConfigMap shop/a", "delete")}),
        ((applied(config()),), {}, set()),
        ((CREATED,), {}, {("Namespace shop", "delete")}),
        ((CREATED,), {ref(CREATED): HELD}, {("Namespace shop", "release")}),
        ((OTHERS,), {}, {("Namespace shop", "release")}),
        ((applied(namespace(labels={"a": "b"}), manager="other"),), {}, set()),
        ((), {}, set()),
        ((applied(marked(config())),), {ref(config()): HELD}, {("ConfigMap shop/a", "keep")}),
    ],
)
def test_removal(found, keep, expected):
    changes = plan_removal([of(fields=[namespace()])], live(*found), {}, keep, ())
    assert seen(changes) == expected
    assert [change.reason for change in changes if change.ref in keep] == list(keep.values())


def test_a_release_sends_the_bare_identity():
    (change,) = plan_removal([of(fields=[namespace()])], live(OTHERS), {}, {}, ())
    assert change.sent == namespace()


def test_removal_of_what_controllers_left():
    left, kept, missing = config("left"), config("kept"), config("missing")
    keep = {ref(kept): HELD}
    changes = plan_removal([of()], live(left, kept), {}, keep, [ref(left), ref(kept), ref(missing)])
    assert seen(changes) == {("ConfigMap shop/left", "delete")}


def test_release_forgets_and_leaves_everything():
    found = live(applied(marked(config())), config("other"), OTHERS)
    changes = plan_release([of(fields=[namespace()])], found, {})
    assert seen(changes) == {("ConfigMap shop/a", "release"), ("Namespace shop", "release")}
    assert {change.ref.kind: change.member for change in changes} == {"ConfigMap": True, "Namespace": False}


@pytest.mark.parametrize(("actions", "changed"), [((), False), (("unchanged", "keep"), False), (("release",), True)])
def test_whether_a_plan_changes_anything(actions, changed):
    (change,) = plan_set(of(config()), {})
    plan = Plan([type(change)(change.ref, action, change.set) for action in actions])
    assert plan.changed is changed


def test_a_deletion_sends_nothing():
    (change,) = plan_removal([of()], live(applied(marked(config()))), {}, {}, ())
    sent: Any = change.obj
    assert sent is None
    with pytest.raises(ValueError, match="delete of ConfigMap shop/a sends nothing"):
        _ = change.sent


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"http": [{"name": "a"}, {"name": "b"}]}, {"http": [{"name": "b"}, {"name": "a"}]}),
        ({"value": True}, {"value": 1}),
    ],
)
def test_what_the_api_server_would_change_is_a_change(before, after):
    def route(spec):
        return {**config(), "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "spec": spec}

    (change,) = plan_set(of(route(after)), live(applied(marked(route(before)))))
    assert settled(change, marked(route(after))).action == "update"


@pytest.mark.parametrize(
    ("stays", "action", "sent"),
    [
        ({}, "release", {}),
        # What somebody else had there is put back, and where it is there already, nothing is to be done.
        ({"team": "b"}, "release", {"team": "b"}),
        ({"team": "a"}, None, None),
    ],
)
def test_what_stays_of_fields_when_a_set_goes(stays, action, sent):
    there = applied(namespace(labels={"team": "a"}))
    staying = {ref(there): namespace(labels=stays)} if stays else {}
    item = replace(of(fields=[namespace(labels={"team": "a"})]), staying=staying)
    changes = plan_removal([item], live(there), {}, {}, ())
    assert [(change.action, change.obj["metadata"].get("labels", {})) for change in changes] == (
        [(action, sent)] if action else []
    )


@pytest.mark.parametrize(("kind", "word"), [("labels", "label"), ("annotations", "annotation")])
def test_marks_of_others_that_contradict_go_with_adopt(kind, word):
    there = applied(namespace(**{kind: {"old": "x"}}), manager="them")
    paths = frozenset({("f:metadata", f"f:{kind}", "f:old")})
    item = replace(of(fields=[namespace()]), contradicting={ref(there): paths})
    (change,) = plan_set(item, live(there), "keep")
    assert (change.action, change.reason) == ("adopt", f"takes {word} old away from others")
    (without,) = plan_set(item, live(there))
    assert (without.action, without.taken) == ("unchanged", None)
