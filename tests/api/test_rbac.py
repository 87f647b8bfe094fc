# SPDX-License-Identifier: Apache-2.0
"""What `rbac` derives is enough for every operation, and each part of it is needed."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from functools import partial

import pytest
from mesh.model.errors import MeshError
from mesh.model.objects import ref
from mesh.model.options import Connection
from mesh.model.permissions import as_rules, of_rules

from tests import accounts

from .conftest import API, Api, config_map
from .injectors import injector, installed

RBAC = "rbac.authorization.k8s.io/v1"


class Account(accounts.Account):
    """A service account with derived roles; ``run`` is what runs operations as it."""

    def __init__(self, admin, api, lab, name, declarations, **options):
        super().__init__(admin, name)
        self.run = Api(Connection(host=lab.cluster(API).server, api_key=self.token, validate_certs=False), api.writes)
        self.objects = self.derived(declarations, name, **options)
        self.grant(self.objects)
        self.await_effect(item for items in self.permissions().values() for item in items)

    def permissions(self):
        """All that the roles allow, by (number of the role, verb, group, resource, whether of named objects only)."""
        found = defaultdict(set)
        for index, obj in enumerate(self.objects):
            for item in of_rules(obj.get("rules", ()), obj["metadata"].get("namespace", "")):
                found[index, item.verb, item.group, item.resource, bool(item.name)].add(item)
        return found

    def held_otherwise(self, items):
        """Whether something else allows one of these, too: istiod may look at all namespaces, for instance."""
        others = {item for found in self.permissions().values() for item in found} - items
        return any(allows(other, item) for other in others for item in items)

    @contextlib.contextmanager
    def without(self, index, items):
        """For the length of a block, one role lacks these."""
        role = self.objects[index]
        allowed = of_rules(role["rules"], role["metadata"].get("namespace", "")) - items
        self.admin.apply({**role, "rules": as_rules(allowed)}, "admin", force=True)
        self.await_effect(items, allowed=False)
        yield
        self.admin.apply(role, "admin", force=True)
        self.await_effect(items)


def allows(other, item):
    everything = ("*", "*", "*", "", "")
    return all(part in (whole, mine) for part, whole, mine in zip(other, everything, item, strict=True))


@pytest.fixture
def account(api, lab, cluster, namespace):
    """Makes an account for declarations."""
    made = []

    def make(declarations, **options):
        made.append(Account(cluster, api, lab, namespace, declarations, **options))
        return made[-1]

    yield make
    for found in made:
        found.forget(found.objects)


def definition(group):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Widget", "plural": "widgets"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def config_sets(namespace, value):
    """A set of plain objects and roles, and one with a definition and an object of it."""
    group = f"{namespace}.example.com"
    rules = [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["get"]}]
    role = {"apiVersion": RBAC, "kind": "Role", "metadata": {"name": "r"}, "rules": rules}
    bindings = [
        {
            "apiVersion": RBAC,
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
        }
        for kind, name in (("Role", "r"), ("ClusterRole", "view"))
    ]
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"value": value}}
    return [
        {
            "config_set": {
                "name": namespace,
                "namespace": namespace,
                "objects": [config_map("a", v=value), role, *bindings],
            }
        },
        {"config_set": {"name": f"{namespace}-w", "namespace": namespace, "objects": [definition(group), widget]}},
    ]


def injections(namespace, value):
    return [{"injection": {"namespaces": [namespace], "mode": "sidecar" if value == "1" else "none"}}]


def gateways(namespace, value):
    chart = {"path": ".lab/charts"}
    return [{"gateway": {"name": "gw", "namespace": namespace, "charts": chart, "labels": {"value": value}}}]


def tags(namespace, value):
    return [
        {"revision_tag": {"tag": namespace, "namespace": namespace, "revision": "default" if value == "1" else "two"}}
    ]


def control_planes(namespace, value):
    charts = {"path": ".lab/charts"}
    return [{"control_plane": {"namespace": namespace, "charts": charts, "network": f"n{value}", "cni": True}}]


CASES = [config_sets, injections, gateways, tags]


@pytest.fixture
def mesh(cluster, request):
    """Two revisions of somebody else, one of them the default; a control plane of ours needs none."""
    if "control_planes" in request.node.name:
        yield
        return
    webhooks = [
        injector("test-default", {"istio.io/rev": "default"}, default=True),
        injector("test-two", {"istio.io/rev": "two"}),
    ]
    with installed(cluster, *webhooks):
        yield


def each(run, declarations, state="present", check=False, **options):
    order = declarations if state == "present" else reversed(declarations)
    return [
        run(name, data, state, check, **options)
        for item in order
        for name, data in item.items()
        if state != "released" or name != "injection"
    ]


def lives(api, account, namespace, declare):
    """A whole life under the account's roles."""
    first, second = declare(namespace, "1"), declare(namespace, "2")
    run = account.run
    each(run, first, check=True)
    assert all(report.changed for report in each(run, first))
    assert not any(report.changed for report in each(run, first))
    assert all(report.changed for report in each(run, second))
    each(run, second, "absent", check=True)
    assert all(report.changed for report in each(run, second, "absent"))
    assert not any(report.changed for report in each(run, second, "absent"))
    each(run, first)
    each(run, first, "released")
    clean(api, first)


def clean(api, declarations):
    """As before, by an admin."""
    each(api, declarations, adopt=True)
    each(api, declarations, "absent")


@pytest.mark.parametrize("declare", [*CASES, control_planes])
def test_it_is_enough(api, mesh, account, namespace, declare):
    lives(api, account(declare(namespace, "1")), namespace, declare)


def shows(verb, resource):
    """Whether a run on nodeless clusters, without waiting, is stopped without it: locks are kept where they may be,
    waits watch and look at pods and events, and proofs need istiod."""
    return verb != "watch" and resource not in ("leases", "pods", "events")


#: Of the many parts of a control plane's every so-manieth is enough.
@pytest.mark.parametrize(("declare", "every"), [*((case, 1) for case in CASES), (control_planes, 12)])
def test_each_part_of_it_is_needed_and_named_before_any_write(api, mesh, cluster, account, namespace, declare, every):
    declared = declare(namespace, "1")
    found = account(declared)
    shown = {key: items for key, items in sorted(found.permissions().items()) if shows(key[1], key[3])}
    parts = {key: items for key, items in shown.items() if not found.held_otherwise(items)}
    left = dict(list(parts.items())[::every])
    nothing, everything = partial(clean, api, declared), partial(each, api, declared)
    for state, prepare in (
        ("present", nothing),
        ("absent", everything),
        ("present", partial(damaged, api, cluster, declared)),
    ):
        prepare()
        for key, items in list(left.items()):
            given = found.objects[key[0]]["metadata"]["name"].endswith("-grants")
            if key[1] == "delete" and state == "present" and not given:
                continue
            if is_missed(found, items, key, declared, state):
                del left[key]
            else:
                prepare()
    clean(api, declared)
    assert left == {}


def damaged(api, cluster, declarations):
    """All is there but for a custom resource that somebody deleted."""
    each(api, declarations)
    cluster.forget_kinds()
    for _, data in (pair for item in declarations for pair in item.items()):
        for obj in data.get("objects", ()):
            if obj["kind"] == "Widget":
                cluster.delete(ref({**obj, "metadata": {**obj["metadata"], "namespace": data["namespace"]}}))


def is_missed(account, items, key, declarations, state):
    """Whether a run without these is stopped before it writes anything, and says why. Check mode nearly always is."""
    index, verb, _, resource, _ = key
    with account.without(index, items):
        error = refusal(account.run, declarations, state, True) or refusal(account.run, declarations, state)
        if error is None:
            return False
        assert (error.code, account.run.writes) == ("forbidden", []), (items, error)
        assert re.search(rf"{re.escape(verb)}\W.*{re.escape(resource)}", error.msg), (items, error)
        return True


def refusal(run, declarations, state="present", check=False):
    try:
        each(run, declarations, state, check)
    except MeshError as error:
        return error
    return None


def test_what_only_brings_about_takes_nothing_away(api, account, namespace):
    declared = config_sets(namespace, "1")
    found = account(declared, removal=False)
    assert all(report.changed for report in each(found.run, declared))
    assert not any(report.changed for report in each(found.run, declared))
    error = refusal(found.run, declared, "absent")
    assert (error.code, found.run.writes) == ("forbidden", [])
    clean(api, declared)
