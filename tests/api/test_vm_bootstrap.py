# SPDX-License-Identifier: Apache-2.0
"""What hosts get, beside what `istioctl x workload entry configure` writes for the same input; both are real."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess

import pytest
import yaml
from mesh.model.errors import MeshError
from mesh.model.specs.vm_bootstrap import VmBootstrapSpec
from mesh.operations.vm_bootstrap import of_hosts

from tests.certificates import authority, certificate
from tests.configured import NETWORKING, configured

from .conftest import API, ROOT


def service(name, namespace, ports=(15012,), **spec):
    spec = {"ports": [{"name": f"p{port}", "port": port} for port in ports], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


@pytest.fixture(scope="module")
def root():
    return authority("root")


@pytest.fixture
def mesh(workload_kinds, cluster, namespace, root):
    with configured(cluster, namespace, root.pem):
        cluster.forget_kinds()
        yield


@pytest.fixture
def group(cluster, namespace, mesh):
    """Makes a group by its spec, with its ServiceAccount."""

    def made(spec=None, annotations=None, name="ratings"):
        metadata = {"name": name, "namespace": namespace, "annotations": annotations or {}}
        # Of a group without it istioctl cannot tell.
        spec = {"metadata": {}, "template": {"serviceAccount": "vms"}, **(spec or {})}
        for account in ("vms", "default"):
            cluster.apply(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
                "test",
            )
        kind = {"apiVersion": f"{NETWORKING}/v1", "kind": "WorkloadGroup"}
        return cluster.apply({**kind, "metadata": metadata, "spec": spec}, "test", force=True)

    return made


PORTS = {"template": {"serviceAccount": "vms", "ports": {"http": 9080, "grpc": 7070}}}
LABELS = {"metadata": {"labels": {"app": "reviews", "version": "v2", "team": "a-b_c.d"}}}
PROBE = {"probe": {"httpGet": {"path": "/ready", "port": 8080, "httpHeaders": [{"name": "X-A", "value": "it's"}]}}}
CONFIG = "proxy.istio.io/config"

#: What the group says, what is asked of us, and the same of istioctl.
TABLE = [
    pytest.param({}, {}, "", id="plain"),
    pytest.param(PORTS, {}, "", id="ports"),
    pytest.param(LABELS, {}, "", id="labels"),
    pytest.param(PROBE, {}, "", id="probe"),
    pytest.param(
        {"metadata": {"labels": {"service.istio.io/canonical-name": "one", "app.kubernetes.io/version": "3"}}},
        {},
        "",
        id="canonical",
    ),
    pytest.param(
        {"template": {"serviceAccount": "vms", "network": "vms", "labels": {"app": "x"}}}, {}, "", id="template"
    ),
    pytest.param(
        {"metadata": {"annotations": {CONFIG: "concurrency: 3\nproxyMetadata: {A: b}"}}}, {}, "", id="annotated"
    ),
    pytest.param(
        {"metadata": {"annotations": {CONFIG: "statusPort: 15025\nholdApplicationUntilProxyStarts: true"}}},
        {},
        "",
        id="status-port",
    ),
    pytest.param({}, {"internal_address": "10.1.2.3"}, "--internalIP 10.1.2.3", id="internal"),
    pytest.param({}, {"external_address": "10.1.2.3"}, "--externalIP 10.1.2.3", id="external"),
    pytest.param({}, {"internal_address": "fd00::1", "gateway_address": "fd00::2"}, "--internalIP fd00::1", id="ipv6"),
    pytest.param({}, {"capture_dns": False}, "--capture-dns=false", id="no-capture"),
    pytest.param({}, {"auto_register": False}, "--autoregister=false", id="no-registration"),
    pytest.param({}, {"cluster_id": "elsewhere"}, "--clusterID elsewhere", id="cluster"),
    pytest.param({}, {"revision": "canary", "cluster_id": "c"}, "--revision canary --clusterID c", id="revision"),
    pytest.param(PORTS | PROBE, {"revision": "prod", "cluster_id": "c"}, "--revision canary --clusterID c", id="tag"),
]


def theirs(lab, namespace, directory, arguments, address):
    flags = shlex.split(arguments)
    if not any(flag.startswith("--autoregister") for flag in flags):
        flags.append("--autoregister")
    command = [
        *(str(ROOT / ".lab/bin/istioctl"), "x", "workload", "entry", "configure", "--name", "ratings"),
        *("--namespace", namespace, "--output", str(directory), "--kubeconfig", str(lab.kubeconfig), "--context", API),
        *(["--ingressIP", address] if address else []),
        *flags,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


@pytest.mark.parametrize(("said", "ours", "flags"), TABLE)
def test_the_files_are_those_of_istioctl(api, lab, group, tmp_path, said, ours, flags):
    namespace = group(said)["metadata"]["namespace"]
    address = ours.get("gateway_address", "192.0.2.1")
    data = {"group": "ratings", "namespace": namespace, "gateway_address": address, **ours}
    found = api("vm_bootstrap", data).result["files"]
    expected = theirs(lab, namespace, tmp_path, flags, address)
    assert sorted(found) == sorted(expected)
    for name in ("root-cert.pem", "hosts"):
        assert found[name] == expected[name]
    assert yaml.safe_load(found["mesh.yaml"]) == yaml.safe_load(expected["mesh.yaml"])
    assert environment(found["cluster.env"]) == environment(expected["cluster.env"])
    assert claims(found["istio-token"])["aud"] == claims(expected["istio-token"])["aud"] == ["istio-ca"]
    assert claims(found["istio-token"])["sub"] == claims(expected["istio-token"])["sub"]


def environment(text):
    """As a shell reads it; the order of ports says nothing."""
    shell = subprocess.run(
        ["bash", "-c", "set -ea; env -i bash -c 'set -a; . /dev/stdin; env -0'"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(item.split("=", 1) for item in shell.stdout.split("\0") if item)
    ports = found.get("ISTIO_INBOUND_PORTS", "").split(",")
    return {**{k: v for k, v in found.items() if k not in ("PWD", "SHLVL", "_")}, "ISTIO_INBOUND_PORTS": sorted(ports)}


def claims(token):
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_the_gateway_is_found(api, lab, cluster, namespace, group, tmp_path):
    group()
    cluster.apply(service("ew", namespace, type="LoadBalancer"), "test")
    data = {"group": "ratings", "namespace": namespace}
    with pytest.raises(MeshError, match="no Service with port 15012 has an address"):
        api("vm_bootstrap", data)
    path = f"/api/v1/namespaces/{namespace}/services/ew/status"
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"ip": "192.0.2.8"}]}}}
    cluster.transport.request(
        "PATCH", path, body=json.dumps(status).encode(), content_type="application/merge-patch+json"
    )
    found = api("vm_bootstrap", data).result
    assert found["istiod"] == {
        "name": "istiod.istio-system.svc",
        "port": 15012,
        "addresses": ["192.0.2.7", "192.0.2.8"],
    }
    assert found["files"]["hosts"] == "192.0.2.7 istiod.istio-system.svc\n192.0.2.8 istiod.istio-system.svc\n"
    status = {"status": {"loadBalancer": {"ingress": [{"hostname": "localhost"}]}}}
    cluster.transport.request(
        "PATCH", path, body=json.dumps(status).encode(), content_type="application/merge-patch+json"
    )
    found = api("vm_bootstrap", {**data, "gateway": f"{namespace}/ew"}).result
    assert "127.0.0.1" in found["istiod"]["addresses"]
    assert [note.startswith("localhost has the addresses 127.0.0.1") for note in found["notes"]] == [True]


IDENTITY = "spiffe://cluster.local/ns/{}/sa/vms"


def test_a_token_only_where_it_is_needed(api, namespace, group, root):
    group()
    data = {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1"}

    def reason(chain, **options):
        api.writes.clear()
        found = api("vm_bootstrap", {**data, "certificate": chain, **options}).result
        assert found["token_needed"] is bool(found["token_reason"])
        issued = "istio-token" in found["files"]
        assert issued is (found["token_needed"] and options.get("issue_token", True)) is bool(found["token_expires"])
        assert len(api.writes) == int(issued)
        return found["token_reason"]

    own = IDENTITY.format(namespace)
    assert reason(certificate(root, uri=own).pem) == ""
    assert reason(None) == "it has no certificate"
    assert reason("nonsense") == "its certificate cannot be read"
    assert reason(certificate(root, uri=own.replace("vms", "others")).pem) == f"its certificate is of {own[:-3]}others"
    assert reason(certificate(authority("other"), uri=own).pem) == "its certificate is of another root"
    assert reason(certificate(root, uri=own, days=-1).pem).startswith("its certificate expired at ")
    assert reason(None, issue_token=False) == "it has no certificate"


BAD = [
    ({"group": "nobody"}, "missing_dependency", "WorkloadGroup {ns}/nobody: is not there"),
    ({"revision": "none"}, "missing_dependency", "revision none: no revision or tag of that name is installed"),
    ({"gateway": "{ns}/none"}, "missing_dependency", "Service {ns}/none: is not there"),
    ({"gateway_address": "300.1.2.3"}, "invalid_option", "gateway_address: must be an IP address or a DNS name"),
    ({"gateway_address": "a b"}, "invalid_option", "gateway_address: must be an IP address or a DNS name"),
    ({"gateway_address": "none.invalid"}, "missing_dependency", "none.invalid: cannot be resolved here"),
    ({"internal_address": "10.1.2"}, "invalid_option", "internal_address: must be an IP address"),
    ({"internal_address": "$(id)"}, "invalid_option", "internal_address: must be an IP address"),
    (
        {"internal_address": "10.0.0.1", "external_address": "10.0.0.2"},
        "invalid_option",
        "external_address: cannot be said beside internal_address",
    ),
    ({"token_seconds": 60}, "invalid_option", "token_seconds: must be 600 at least"),
    ({"exclude_inbound_ports": [70000]}, "invalid_option", "must hold ports (1 to 65535), and 70000 is none"),
    ({"environment": {"A B": "c"}}, "invalid_option", "variable 'A B' has no name that a shell takes"),
    ({"environment": {"A": "b\nid"}}, "invalid_option", "variable 'A' has control characters in its value"),
    ({"environment": {"POD_NAME": "`id`"}}, "invalid_option", "variable 'POD_NAME' has characters in its value"),
]


@pytest.mark.parametrize(("wrong", "code", "text"), BAD)
def test_bad_input_is_named(api, namespace, group, wrong, code, text):
    group()
    filled = {key: value.format(ns=namespace) if isinstance(value, str) else value for key, value in wrong.items()}
    data = {"group": "ratings", "namespace": namespace, **filled}
    if not {"gateway", "gateway_address"} & set(data):
        data["gateway_address"] = "192.0.2.1"
    with pytest.raises(MeshError) as caught:
        api("vm_bootstrap", data)
    assert (caught.value.code, text.format(ns=namespace) in str(caught.value)) == (code, True), caught.value
    assert api.writes == []


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "BASH_ENV", "ISTIO_BIN_BASE", "EXEC_USER", "ISTIO_LOG_DIR"])
def test_who_writes_groups_does_not_say_what_root_runs(api, namespace, group, name):
    group({"metadata": {"annotations": {CONFIG: f"proxyMetadata: {{{name}: /tmp/x}}"}}})
    with pytest.raises(MeshError, match="changes what root runs on the host"):
        api("vm_bootstrap", {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1"})
    assert api.writes == []


def test_an_account_that_is_not_there(api, namespace, group):
    group({"template": {"serviceAccount": "gone"}})
    with pytest.raises(MeshError, match="names the ServiceAccount gone, which is not there"):
        api("vm_bootstrap", {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1"})


def test_many_hosts_ask_once(cluster, namespace, group, monkeypatch):
    group(), group(name="details")
    asked = []
    real = type(cluster.transport).raw

    def raw(self, method, path, **request):
        asked.append(f"{method} {path}")
        return real(self, method, path, **request)

    def hosts(count):
        asked.clear()
        shared = {"namespace": namespace, "gateway_address": "192.0.2.1"}
        specs = {
            f"h{i}": VmBootstrapSpec(group="details" if i % 2 else "ratings", internal_address=f"10.0.0.{i}", **shared)
            for i in range(1, count + 1)
        }
        operation = of_hosts(specs)
        found = operation.answer(cluster, operation.spec())["hosts"]
        assert len({item["files"]["istio-token"] for item in found.values()}) == count
        return len(asked)

    hosts(2)
    monkeypatch.setattr(type(cluster.transport), "raw", raw)
    few, many = hosts(2), hosts(40)
    assert many - few == 38, "a token each, and nothing else"


def test_two_hosts_of_one_address(cluster, namespace, group):
    group()
    shared = {
        "namespace": namespace,
        "group": "ratings",
        "gateway_address": "192.0.2.1",
        "internal_address": "10.0.0.1",
    }
    operation = of_hosts({"a": VmBootstrapSpec(**shared), "b": VmBootstrapSpec(**shared)})
    with pytest.raises(MeshError, match=r"b: has the address 10\.0\.0\.1 of a"):
        operation.answer(cluster, operation.spec())
    spelled = [VmBootstrapSpec(**{**shared, "internal_address": text}) for text in ("2001:db8::1", "2001:DB8:0::1")]
    operation = of_hosts(dict(zip("ab", spelled, strict=True)))
    with pytest.raises(MeshError, match=r"b: has the address 2001:DB8:0::1 of a"):
        operation.answer(cluster, operation.spec())


def test_one_address_in_two_networks(cluster, namespace, group):
    """Behind two NATs the same private address is two hosts."""
    for name in ("near", "far"):
        group({"template": {"serviceAccount": "vms", "network": name}}, name=name)
    shared = {"namespace": namespace, "gateway_address": "192.0.2.1", "internal_address": "10.0.0.1"}
    operation = of_hosts({name: VmBootstrapSpec(**shared, group=name) for name in ("near", "far")})
    found = operation.answer(cluster, operation.spec())["hosts"]
    assert {name: host["network"] for name, host in found.items()} == {"near": "near", "far": "far"}


@pytest.mark.parametrize("said", ["statusPort: x", "statusPort: true", "proxyMetadata: [a]"])
def test_configuration_of_another_shape(api, namespace, group, said):
    group({"metadata": {"annotations": {CONFIG: said}}})
    with pytest.raises(MeshError, match=r"proxy configuration: (statusPort|proxyMetadata) must be a"):
        api("vm_bootstrap", {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1"})


def test_our_groups_are_what_it_reads(api, namespace, mesh):
    """The same group by workload_group, and by what it renders."""
    data = {"name": "ratings", "namespace": namespace, "ports": {"http": 9080}, "probe": {"tcp_socket": {"port": 9080}}}
    report = api("workload_group", data)
    assert report.result == {"service_account": "ratings", "host_names": []}
    found = api("vm_bootstrap", {"group": "ratings", "namespace": namespace, "gateway_address": "192.0.2.1"}).result
    assert found["identity"] == f"spiffe://cluster.local/ns/{namespace}/sa/ratings"
    assert yaml.safe_load(found["files"]["mesh.yaml"])["defaultConfig"]["readinessProbe"] == {
        "tcpSocket": {"port": 9080}
    }
    assert not api("workload_group", data).changed
    assert api("workload_group", {"name": "ratings", "namespace": namespace}, "absent").changed
