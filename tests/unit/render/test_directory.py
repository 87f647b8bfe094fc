# SPDX-License-Identifier: Apache-2.0
"""Sets as directories of manifests."""

from __future__ import annotations

import json

import pytest
import yaml
from mesh.model.errors import MeshError
from mesh.model.objects import ObjectSet
from mesh.model.secrets import Secrets
from mesh.render.directory import INDEX, directory, images, listed, refuse_secrets, secrets


def obj(kind, name, api_version="v1", namespace="shop", **rest):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def of(*objects):
    return ObjectSet("config-x", "shop", "m", tuple(objects))


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (obj("ConfigMap", "a"), "configmap_shop_a.yaml"),
        (obj("Namespace", "a", namespace=""), "namespace_a.yaml"),
        (obj("ClusterRole", "a:b", "rbac.authorization.k8s.io/v1", ""), "clusterrole_a%3Ab.yaml"),
        (obj("../../X", "a/../b", "v1", "../n"), "..%2F..%2Fx_..%2Fn_a%2F..%2Fb.yaml"),
        (obj("X", "a", "../../x.org/v1", "n"), "x...%2F..%2Fx.org_n_a.yaml"),
        (obj("Gateway", "a", "networking.istio.io/v1"), "gateway.networking.istio.io_shop_a.yaml"),
        (obj("Gateway", "a", "gateway.networking.k8s.io/v1"), "gateway.gateway.networking.k8s.io_shop_a.yaml"),
    ],
)
def test_names_follow_from_the_object(found, name):
    files = directory(of(found))
    assert list(files) == [INDEX, name]
    assert yaml.safe_load(files[name]) == found


def test_the_index_lists_the_files_in_the_order_of_the_set():
    files = directory(of(obj("Secret", "s"), obj("Service", "b"), obj("ConfigMap", "a")))
    assert listed(files[INDEX]) == ["service_shop_b.yaml", "configmap_shop_a.yaml"]
    assert yaml.safe_load(files[INDEX])["kind"] == "Kustomization"


def test_a_shared_namespace_is_never_pruned():
    shared = obj("Namespace", "shop", namespace="")
    files = directory(ObjectSet("injection", "shop", "m", fields=(shared,)))
    assert yaml.safe_load(files["namespace_shop.yaml"])["metadata"]["annotations"] == {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }


@pytest.mark.parametrize("rest", ["<<<<<<< HEAD\nresources: [", "- a\n", "kind: Kustomization\n", ""])
def test_a_damaged_index_is_named(rest):
    head = directory(of())[INDEX].splitlines(keepends=True)[0]
    with pytest.raises(MeshError, match=r"kustomization\.yaml: is damaged"):
        listed(head + rest)


def test_an_index_of_somebody_else_lists_nothing():
    assert listed("kind: Kustomization\nresources: [a.yaml]\n") == []


def test_long_texts_are_written_line_by_line():
    text = directory(of(obj("ConfigMap", "a", data={"x": "one\ntwo\n"})))["configmap_shop_a.yaml"]
    assert "x: |\n    one\n    two\n" in text


def test_secrets_are_named_and_not_written():
    found = of(obj("Secret", "s", data={"b": "eA=="}, stringData={"a": "x"}))
    assert list(directory(found)) == [INDEX]
    assert secrets([found]) == [{"namespace": "shop", "name": "s", "keys": ["a", "b"]}]


@pytest.mark.parametrize(("kind", "refused"), [("ConfigMap", True), ("Secret", False)])
def test_a_secret_value_in_another_object_is_refused(kind, refused):
    hidden = Secrets()
    hidden.learn(["geheimes-wort"])
    found = of(obj(kind, "a", stringData={"x": "by geheimes-wort only"}))
    if not refused:
        refuse_secrets([found], hidden.hide)
        return
    with pytest.raises(MeshError, match="ConfigMap shop/a: holds a secret value"):
        refuse_secrets([found], hidden.hide)


POD = {"initContainers": [{"image": "i:1"}], "containers": [{"image": "c:1"}, {"image": "auto"}, {"name": "none"}]}
INJECTED = {"global": {"hub": "h", "tag": "t", "proxy": {"image": "proxyv2"}, "proxy_init": {"image": "o/p:2"}}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (obj("Pod", "a", spec=POD), ["c:1", "i:1"]),
        (obj("Deployment", "a", "apps/v1", spec={"template": {"spec": POD}}), ["c:1", "i:1"]),
        (
            obj("CronJob", "a", "batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": POD}}}}),
            ["c:1", "i:1"],
        ),
        (obj("ConfigMap", "istio-sidecar-injector-r", data={"values": json.dumps(INJECTED)}), ["h/proxyv2:t", "o/p:2"]),
        (
            obj(
                "ConfigMap",
                "istio-sidecar-injector",
                data={"values": json.dumps({"global": {**INJECTED["global"], "variant": "distroless"}})},
            ),
            ["h/proxyv2:t-distroless", "o/p:2"],
        ),
        (obj("ConfigMap", "istio-sidecar-injector", data={"values": "no json"}), []),
        (obj("ConfigMap", "other", data={"values": json.dumps(INJECTED)}), []),
        (obj("VirtualService", "a", "networking.istio.io/v1", spec={"template": "text"}), []),
    ],
)
def test_images(found, expected):
    assert images([of(found)]) == expected
