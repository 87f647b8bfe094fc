# SPDX-License-Identifier: Apache-2.0
"""The main job: from two empty clusters to a mesh that does what is declared, and a second run that does nothing."""

from __future__ import annotations

import json

import pytest
import yaml
from mesh.apply.inventory import SET_LABEL
from mesh.model.objects import Ref, ref
from mesh.plan import quantity

from demo.measure import measure

CLUSTERS = ("onprem", "cloud")


@pytest.fixture(scope="module", autouse=True)
def empty(play, connections):
    """The clusters as before anybody installed a mesh."""
    play("meshops.mesh.uninstall", "-e", "uninstall_purge=true")
    for cluster in connections.values():
        cluster.forget_kinds()
        assert cluster.list("networking.istio.io/v1", "VirtualService") == []


def test_check_mode_on_empty_clusters_plans_and_writes_nothing(play, clusters):
    played = play("meshops.mesh.site", "--check")
    assert played.code == 0, played.output
    # Namespaces are there: roles live in them.
    assert "onprem: 33 create, 1 change, 0 delete (check mode)" in played.output
    for cluster in clusters.values():
        assert cluster.list("v1", "ConfigMap", "istio-system", SET_LABEL) == []
        assert cluster.list("apiextensions.k8s.io/v1", "CustomResourceDefinition") == []


def test_site_brings_the_mesh_about(play):
    played = play("meshops.mesh.site")
    assert played.code == 0, played.output
    assert all(played.changed[name] == 4 for name in CLUSTERS), played.output


@pytest.mark.parametrize("name", CLUSTERS)
def test_the_mesh_does_what_is_declared(lab, clusters, name):
    measured = measure(name, {"mesh_kubeconfig": str(lab.kubeconfig), "mesh_context": name})
    assert measured.as_declared, measured


def test_a_second_run_changes_nothing_and_says_so(play):
    played = play("meshops.mesh.site")
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0)
    assert "onprem: no changes, 34 objects as declared" in played.output
    print(f"second run: {played.seconds:.1f} s")


def test_a_second_run_writes_nothing(core, clusters):
    for name in CLUSTERS:
        operation_writes = _writes_of_noop(core, name)
        assert operation_writes == 0


def _writes_of_noop(core, name):
    from mesh.apply.engine import run
    from mesh.kube.cluster import connect
    from mesh.model.options import Mode, RunOptions
    from mesh.model.spec import parse
    from mesh.operations.registry import OPERATIONS

    cluster = connect(core.connection(name), name)
    operation = OPERATIONS["gateway"]
    charts = {"repository": core.lab.chart_repository, "plain_http": True}
    data = {"name": "webgw", "version": core.lab.istio_version, "charts": charts, "replicas": 1}
    spec = parse(operation.spec, {**data, "image_pull_policy": "IfNotPresent"})
    report = run(operation, spec, cluster, RunOptions(), Mode(), print)
    counts = cluster.transport.counts
    cluster.close()
    assert not report.changed
    return sum(counts[method] for method in ("POST", "PATCH", "PUT", "DELETE"))


def test_check_mode_tells_the_same_plan_as_the_run(core):
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "two"}, "data": {"a": "1"}},
    ]
    declared = {"name": "plan", "namespace": "shop", "objects": objects}
    steps = [("present", objects), ("present", [{**objects[0], "data": {"a": "2"}}]), ("absent", [])]
    for state, wanted in steps:
        told = core("onprem", "config_set", {**declared, "objects": wanted}, state, check=True)
        done = core("onprem", "config_set", {**declared, "objects": wanted}, state)
        assert told.changed
        assert [c.as_dict() for c in told.objects] == [c.as_dict() for c in done.objects]


def test_drift_is_seen_and_put_back(play, clusters):
    rule = clusters["onprem"].get("networking.istio.io/v1", "VirtualService", "shop", "reviews")
    rule["spec"]["http"][0]["route"][0]["weight"] = 50
    rule["spec"]["http"][0]["route"][1]["weight"] = 50
    del rule["metadata"]["managedFields"]
    clusters["onprem"].apply(rule, "somebody", force=True)
    told = play("meshops.mesh.site", "--check")
    assert "~ VirtualService shop/reviews: spec.http[0].route[0].weight" in told.output
    assert told.changed == {"onprem": 1, "cloud": 0}
    done = play("meshops.mesh.site")
    assert done.code == 0, done.output
    assert play("meshops.mesh.site").changed == dict.fromkeys(CLUSTERS, 0)


def test_verify_agrees(play):
    played = play("meshops.mesh.verify")
    assert played.code == 0, played.output
    assert played.changed == dict.fromkeys(CLUSTERS, 0)


def test_verify_has_evidence(play, tmp_path):
    files = {name: f"{tmp_path}/{{{{ inventory_hostname }}}}.{name}" for name in ("json", "prom")}
    named = {"verify_evidence": files["json"], "verify_metrics": files["prom"]}
    played = play("meshops.mesh.verify", "-e", json.dumps(named))
    assert played.code == 0, played.output
    for name in CLUSTERS:
        told = json.loads((tmp_path / f"{name}.json").read_text())
        assert told["healthy"]
        proven = {item["hop"]: item["text"] for item in told["evidence"]}
        assert proven["injection"] == "a new pod comes back with a proxy"
        assert proven["validation"] == "a malformed object is refused"
        assert proven["mtls"] == "plain text is refused"
        assert {"control-plane", "proxies", "gateway"} <= proven.keys()
        metrics = (tmp_path / f"{name}.prom").read_text()
        assert (
            f'meshops_revision_ready{{cluster="{name}",namespace="istio-system",revision="default",version="1.31.0"}} 1'
            in metrics
        )


def test_verify_names_the_first_hop_that_is_broken(play, clusters):
    istiod = Ref("apps", "Deployment", "istio-system", "istiod")
    clusters["onprem"].merge_patch(istiod, {"spec": {"replicas": 0}})
    played = play("meshops.mesh.verify")
    assert played.failed == {"onprem": 1, "cloud": 0}, played.output
    assert "control-plane: revision default: is scaled to 0 replicas" in played.output
    assert play("meshops.mesh.site").code == 0
    assert play("meshops.mesh.verify").code == 0


def test_rendered_is_what_was_applied(play, clusters, tmp_path):
    """kubectl would change nothing of what the modules brought about."""
    played = play("meshops.mesh.render", "-e", json.dumps({"render_dest": str(tmp_path)}))
    assert played.code == 0, played.output
    assert play("meshops.mesh.render", "-e", json.dumps({"render_dest": str(tmp_path)})).changed == dict.fromkeys(
        CLUSTERS, 0
    )
    for name, cluster in clusters.items():
        files = [path for path in (tmp_path / name).rglob("*.yaml") if path.name != "kustomization.yaml"]
        rendered = {ref(obj): obj for obj in (yaml.safe_load(path.read_text()) for path in files)}
        assert len(rendered) > 40
        for key, obj in rendered.items():
            live = cluster.get(obj["apiVersion"], key.kind, key.namespace, key.name)
            assert live is not None, key
            assert differing(obj, live, "") == [], key
        images = (tmp_path / name / "images.txt").read_text().split()
        used = {
            container["image"]
            for namespace in ("shop", "istio-ingress", "istio-system")
            for pod in cluster.list("v1", "Pod", namespace)
            for container in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))
        }
        assert used == set(images)


#: What istiod fills in, what only a first application says, and who keeps it (charts say Helm).
KEPT = (
    "caBundle",
    "failurePolicy",
    "app.kubernetes.io/managed-by",
    "argocd.argoproj.io/sync-options",
    "kustomize.toolkit.fluxcd.io/prune",
)


def differing(wanted, live, where):
    """Places where something is said that is not so; what is beyond it is the server's business."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return [
            place
            for key, value in wanted.items()
            if key not in KEPT and not (isinstance(value, dict) and value and value.keys() <= {*KEPT})
            for place in differing(value, live.get(key), f"{where}.{key}")
        ]
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        pairs = enumerate(zip(wanted, live, strict=True))
        return [place for number, pair in pairs for place in differing(*pair, f"{where}[{number}]")]
    same = wanted == live or quantity.equal(wanted, live) or (not wanted and not live)
    return [] if same else [where]
