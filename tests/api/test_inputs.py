# SPDX-License-Identifier: Apache-2.0
"""Inputs that are meant to do harm, through the whole engine and a real API server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from mesh.apply.inventory import VERSION
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError
from mesh.model.objects import Ref
from mesh.model.options import Connection

from .conftest import API, Api, config_map
from .policies import until
from .test_faults import declared, policy, some  # noqa: F401 - a fixture
from .test_permissions import limited  # noqa: F401 - a fixture

TEMPLATE = "{{ lookup('pipe', 'id') }}"
ACTION = '{{ .Files.Get "Chart.yaml" }}'
DOCUMENT = "x\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: injected\n"


def test_values_are_data(api, lab, namespace):
    """In every place of a chart that values reach: no further object, and each text arrives as it is."""
    harmful = {
        f"note{i}": text for i, text in enumerate((DOCUMENT, f'"{DOCUMENT}', ACTION, TEMPLATE, "yes", "1e3", "0777"))
    }

    def rendered(notes):
        data = {"name": "gw", "namespace": namespace, "charts": {"path": lab.charts}, "service_annotations": notes}
        return api("gateway", {**data, "values": {"podAnnotations": notes, "env": notes}}, check=True).objects

    found, plain = rendered(harmful), rendered(dict.fromkeys(harmful, "x"))
    assert {change.ref for change in found} == {change.ref for change in plain}
    for kind in ("Service", "Deployment"):
        texts = _texts([field.after for change in found if change.ref.kind == kind for field in change.fields])
        assert set(harmful.values()) <= set(texts)


def _texts(value):
    """Everything in a value that is no map or list."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value]


@pytest.mark.parametrize(
    ("obj", "complaint"),
    [
        ({"metadata": {"name": "../../secrets/x"}}, "can be no name"),
        ({"metadata": {"name": "x", "namespace": "../kube-system"}}, "can be no name"),
        ({"metadata": {"name": "x?dryRun=All#"}}, "a lowercase RFC 1123 subdomain must consist of"),
        ({"metadata": {"name": "x\x1b[31m\n"}}, "a lowercase RFC 1123 subdomain must consist of"),
        ({"metadata": {"name": ""}}, "has no metadata.name"),
        ({"metadata": {"name": "x", "labels": {"a": "x" * 64}}}, "must be no more than 63"),
        ({"metadata": {"name": "x", "labels": {"a b": "x"}}}, "a b"),
        ({"metadata": {"name": "x", "annotations": {"a": "x" * 300_000}}}, "its annotations have 0.29 MiB"),
        ({"metadata": {"name": "x", "annotations": {"a": 7}}}, "annotations.a must be a string; quote it"),
    ],
)
def test_objects_that_no_server_takes(api, cluster, namespace, obj, complaint):
    with pytest.raises(MeshError, match=complaint) as caught:
        api("config_set", declared(namespace, {**config_map("x", a="1"), **obj}), validate="server")
    assert caught.value.code in ("invalid_object", "api_error")
    assert "\x1b" not in caught.value.msg
    assert api.writes == []


@pytest.mark.parametrize(
    "content",
    [
        {"data": {"password": 271828182845}},
        {"data": {"password": "271828182845!"}},
        {"data": {"password": {"is": ["271828182845", "\n271828182845"]}}},
        {"stringData": {"password": ["271828182845"], "also": {"a": "271828182845"}}},
        {"stringData": {"password": 271828182845}},
        {"data": "271828182845"},
    ],
)
@pytest.mark.parametrize("there", [False, True])
def test_a_secret_that_is_refused_is_not_repeated(api, namespace, content, there):
    """What the API server says of it is told without its values."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}
    if there:
        api("config_set", declared(namespace, {**secret, "data": {"password": "eA=="}}))
    with pytest.raises(MeshError) as caught:
        api("config_set", declared(namespace, {**secret, **content}), validate="server")
    before = "api: objects, document 1, Secret s"  # what needs no API server
    assert caught.value.where in (f"api: Secret {namespace}/s", before) or there
    assert "271828182845" not in str(caught.value.as_dict())
    assert api.writes == []


def test_an_object_deeper_than_json_goes(api, namespace):
    deep: dict = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(MeshError, match="nested too deeply") as caught:
        api("config_set", declared(namespace, {**config_map("x"), "data": deep}))
    assert caught.value.code == "invalid_object"
    assert api.writes == []


def test_filters_that_count_for_the_whole_mesh_are_told(api, namespace):
    made = {"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter", "spec": {}}
    far = {**made, "metadata": {"name": "far", "namespace": "istio-system"}}
    near = {**made, "metadata": {"name": "near"}}
    report = api("config_set", declared(namespace, far, near), check=True)
    told = [text for text in report.warnings if "counts for every proxy of the mesh" in text]
    assert [text.partition(":")[0] for text in told] == ["EnvoyFilter istio-system/far"]


def test_a_connection_without_verification_is_told_in_every_run(api, lab, cluster, namespace):
    server = lab.cluster(API).server
    home = yaml.safe_load(Path(lab.kubeconfig).read_text(encoding="utf-8"))
    user = next(item["user"] for item in home["users"] if item["name"] == f"{API}-admin")
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "u", "user": user}],
    }
    trusting = Api(Connection(kubeconfig=kubeconfig), api.writes)
    for _ in range(2):
        report = trusting("config_set", declared(namespace, *some(1)))
        assert [text for text in report.warnings if text.startswith(f"the certificate of {server} is not checked")]
    assert not [text for text in api("config_set", declared(namespace, *some(1))).warnings if "certificate" in text]


def test_whoever_gives_more_than_he_has_is_told_what_is_missing(limited, cluster, namespace):  # noqa: F811
    """He may write roles, and read no Secrets."""
    group = "rbac.authorization.k8s.io"
    metadata = {"name": "giver", "namespace": namespace}
    rules = [{"apiGroups": [group], "resources": ["roles"], "verbs": ["get", "list", "create", "patch"]}]
    cluster.apply({"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": rules}, "test")
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "giver"},
        "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": namespace}],
    }
    cluster.apply(binding, "test")
    greedy = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    wanted = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": "greedy"}, "rules": greedy}

    def refusal():
        limited.writes.clear()
        with pytest.raises(MeshError) as caught:
            limited("config_set", declared(namespace, wanted))
        return caught.value

    until(
        lambda: not {"list", "create"} & set(refusal().msg.replace(":", "").split())
    )  # authorizers learn of roles a moment later
    error = refusal()
    assert error.code == "forbidden"
    assert "give by roles greedy what they lack: get secrets" in error.msg
    assert "cluster-admin" not in str(error)
    assert limited.writes == []


HOME = "meshops-inputs"


@pytest.fixture(scope="module")
def plane(api, lab):
    """Control planes in a namespace of their own; they go in the end."""

    def declare(state="present", check=False, wait=False, wait_timeout=30, **data):
        data = {"charts": {"path": lab.charts}, "namespace": HOME, "revision": "old", **data}
        return api("control_plane", data, state, check, wait=wait, wait_timeout=wait_timeout)

    declare()
    yield declare
    declare("absent", revision="new")
    declare("absent")


def test_a_step_that_istio_does_not_support_is_refused(api, cluster, plane):
    parent = Ref("", "ConfigMap", HOME, "meshops-istiod-old")
    right = cluster.get("v1", "ConfigMap", HOME, parent.name)["metadata"]["annotations"][VERSION]
    for installed, complaint in (("1.99.0", "is older than"), ("1.2.0", "is more than one minor version beyond")):
        cluster.merge_patch(parent, {"metadata": {"annotations": {VERSION: installed}}})
        for check in (True, False):
            with pytest.raises(MeshError, match=complaint) as caught:
                plane(check=check)
            assert (caught.value.code, caught.value.where) == ("unsupported", "api: revision old")
            assert api.writes == []
        assert any(complaint in text for text in plane(check=True, allow_version_jump=True).warnings)
        assert not any(complaint in text for text in plane(check=True, revision="new").warnings)
    cluster.merge_patch(parent, {"metadata": {"annotations": {VERSION: right}}})


def test_a_canary_that_is_not_ready_leaves_the_old_revision_alone(api, cluster, plane):
    """Nothing runs on this server, so its istiod never is ready."""
    tag = {"tag": "inputs", "revision": "old", "namespace": HOME}
    api("revision_tag", tag)
    before = everything(cluster, "old")
    assert {kind for kind, _name in before} >= {"Deployment", "MutatingWebhookConfiguration", "ConfigMap"}
    try:
        with pytest.raises(MeshError) as caught:
            plane(revision="new", wait=True, wait_timeout=2)
        assert caught.value.code == "not_ready"
        assert f"Deployment {HOME}/istiod-new" in caught.value.msg
        assert everything(cluster, "old") == before
        assert cluster.get("apps/v1", "Deployment", HOME, "istiod-new"), "it stays, to be looked at"
        assert not plane(revision="new").changed
        plane("absent", revision="new")
        assert everything(cluster, "old") == before
        assert cluster.get("apps/v1", "Deployment", HOME, "istiod-new") is None
    finally:
        api("revision_tag", tag, "absent")


def everything(cluster, revision):
    """What carries the revision, as the server has it; a controller counts in status."""
    places = (
        ("apps/v1", "Deployment"),
        ("v1", "Service"),
        ("v1", "ConfigMap"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    )
    found = [obj for place in places for obj in cluster.list(*place, "", f"istio.io/rev={revision}")]
    return {
        (obj["kind"], obj["metadata"]["name"]): (obj["metadata"]["uid"], obj["metadata"].get("generation"))
        for obj in found
    }


@pytest.fixture
def full(tmp_path):
    """A disk of its own, without space."""
    place = tmp_path / "full"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(place)], check=True)
    (place / "rest").write_bytes(b"x" * 60_000)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_costs_the_cache_and_no_more(api, lab, namespace, full, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(full))
    gateway = {"name": "gw", "namespace": namespace, "version": lab.istio_version}
    assert api("gateway", {**gateway, "charts": {"path": lab.charts}}, check=True).changed
    with pytest.raises(MeshError) as caught:
        api(
            "gateway",
            {**gateway, "charts": {"repository": lab.chart_repository, "plain_http": True}},
            check=True,
        )
    assert caught.value.code == "chart_unavailable"
    assert "no space left on device" in str(caught.value).lower()
    assert api.writes == []


def played(tmp_path, hosts, tasks, *arguments):
    """Runs tasks on hosts, each with a connection of its own; the exit code and all that was printed."""
    inventory = {"all": {"hosts": {name: {"ansible_connection": "local", **given} for name, given in hosts.items()}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
    connection = {name: f"{{{{ mesh_{name} | default(omit) }}}}" for name in ("kubeconfig", "context", "host")}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {
            "group/meshops.mesh.mesh": {name: f"{{{{ mesh_{name} | default(omit) }}}}" for name in connection}
        },
        "tasks": tasks,
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    command = ["ansible-playbook", "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml"), *arguments]
    env = {**os.environ, "ANSIBLE_FORKS": "2", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)
    return done.returncode, done.stdout + done.stderr


def test_a_cluster_that_is_away_fails_alone(lab, cluster, namespace, tmp_path):
    """Two hosts, of which one has no server: the other is brought about; in check mode nothing is written."""
    hosts = {
        "here": {"mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": API},
        "away": {"mesh_host": "https://127.0.0.1:1"},
    }
    tasks = [{"name": "Set", "meshops.mesh.config_set": {**declared(namespace, *some(2)), "wait": False}}]
    for arguments, objects in ((["--check"], 0), ([], 2)):
        code, output = played(tmp_path, hosts, tasks, *arguments)
        assert code == 2, output
        assert "away: no answer from https://127.0.0.1:1: Connection refused" in output
        assert "Traceback" not in output
        assert [line.split()[:4] for line in output.splitlines() if line.startswith(("here ", "away "))] == [
            ["away", ":", "ok=0", "changed=0"],
            ["here", ":", "ok=1", "changed=1"],
        ]
        members = cluster.list("v1", "ConfigMap", namespace, "applyset.kubernetes.io/part-of")
        assert len(members) == objects


def test_what_a_cluster_says_is_never_a_template(lab, cluster, namespace, policy, tmp_path):  # noqa: F811
    """The message of a refusal, and a label, come back in results and are shown by a task that follows."""
    api_version = "admissionregistration.k8s.io/v1"
    message = f"{TEMPLATE} {{% raw %}}\x1b[31m"
    held = cluster.get(api_version, "ValidatingAdmissionPolicy", "", namespace)
    spec = {**held["spec"], "validations": [{**held["spec"]["validations"][0], "message": message}]}
    cluster.apply(
        {
            "apiVersion": api_version,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": namespace},
            "spec": spec,
        },
        "them",
        force=True,
    )
    until(lambda: TEMPLATE in said(cluster, namespace))
    hosts = {"here": {"mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": API}}
    tasks = [
        {
            "name": "Set",
            "meshops.mesh.config_set": {**declared(namespace, config_map("no", a="1")), "wait": False},
            "register": "refused",
            "ignore_errors": True,
        },
        {"name": "Show", "ansible.builtin.debug": {"msg": "it said {{ refused.msg }}"}},
        {"name": "Show all", "ansible.builtin.debug": {"var": "refused"}},
    ]
    code, output = played(tmp_path, hosts, tasks, "-vvv")
    assert code == 0, output
    assert output.count("lookup('pipe', 'id')") >= 2
    assert "uid=" not in output
    assert "\x1b" not in output


def said(cluster, namespace):
    try:
        cluster.dry_run_create({**config_map("no"), "metadata": {"name": "no", "namespace": namespace}})
    except MeshError as error:
        return error.msg
    return ""


def test_a_connection_by_a_map_in_the_inventory_starts_nothing(lab, namespace, tmp_path):
    mark = tmp_path / "mark"
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": [str(mark)]}}
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
    }
    tasks = [{"name": "Set", "meshops.mesh.config_set": {**declared(namespace), "wait": False}}]
    code, output = played(tmp_path, {"here": {"mesh_kubeconfig": kubeconfig}}, tasks)
    assert code == 2, output
    assert "kubeconfig.users[u].user.exec: is allowed in a kubeconfig file only, not in a map" in output
    assert not mark.exists()


def test_the_clusters_of_these_tests_are_told_apart(lab):
    """A connection that fell back on another cluster would prove nothing."""
    found = connect(Connection(kubeconfig=str(lab.kubeconfig), context=API), "x")
    try:
        assert found.transport.server == lab.cluster(API).server
    finally:
        found.close()
