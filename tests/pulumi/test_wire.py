# SPDX-License-Identifier: Apache-2.0
"""The provider as a process, spoken to as the engine does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from mesh.model.errors import MeshError
from mesh.model.spec import parse
from mesh.operations.registry import OPERATIONS
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto import provider_pb2_grpc

from lab.paths import CHECKOUT
from pulumi_mesh.provider.properties import UNKNOWN, Secret, decode, encode

TYPES = "urn:pulumi:dev::tests::{}::it"
URN = TYPES.format("mesh:index:ConfigSet")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pulumi_mesh.provider", "127.0.0.1:1"]
    started = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    yield started
    started.terminate()
    started.wait(15)


@pytest.fixture
def provider(process):
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


def test_it_answers(provider):
    assert provider.GetPluginInfo(Empty()).version == "1.0.0"
    assert provider.Handshake(wire.ProviderHandshakeRequest(engine_address="127.0.0.1:1")).accept_secrets
    schema = json.loads(provider.GetSchema(wire.GetSchemaRequest()).schema)
    assert schema["name"] == "mesh"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(process, number):
    process.stdout.readline()
    process.send_signal(number)
    assert process.wait(3) == 0  # the engine waits for five seconds


def test_it_ends_with_its_engine():
    """The engine is killed: nobody is left to end the provider."""
    script = f"import subprocess, sys; p = subprocess.Popen([{sys.executable!r}, '-m', 'pulumi_mesh.provider', 'x:1'], "
    script += "stdout=subprocess.PIPE, text=True); print(p.pid, p.stdout.readline(), flush=True)"
    ended = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    pid = int(ended.stdout.split()[0])
    deadline = time.monotonic() + 15
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline, "the provider outlives its engine"
        time.sleep(0.1)


def check(provider, kind, inputs):
    request = wire.CheckRequest(urn=TYPES.format(f"mesh:index:{kind}"), news=encode(inputs))
    answer = provider.Check(request)
    return decode(answer.inputs), {item.property: item.reason for item in answer.failures}


def test_check_fills_defaults_and_keeps_secrets(provider):
    inputs, failures = check(provider, "ControlPlane", {"version": "1.31.0", "values": Secret({"a": 1.0})})
    assert failures == {}
    assert inputs["values"] == Secret({"a": 1})
    assert (inputs["revision"], inputs["waitTimeout"]) == ("default", 300)
    assert check(provider, "ControlPlane", {"version": UNKNOWN})[1] == {}


def test_what_is_secret_is_no_part_of_an_id(provider):
    reason = "cannot be secret: it is the resource's id"
    inputs = {"name": Secret("traffic"), "namespace": "shop", "objects": []}
    assert check(provider, "ConfigSet", inputs)[1] == {"name": reason}
    assert check(provider, "Injection", {"namespaces": [Secret("shop")]})[1] == {"namespaces": reason}


#: (operation, type, options as the Ansible side has them, the same as properties, the property of the complaint).
BAD = [
    ("config_set", "ConfigSet", {"namespace": "ns"}, {"namespace": "ns"}, "name"),
    ("config_set", "ConfigSet", {"name": "A_", "namespace": "ns"}, {"name": "A_", "namespace": "ns"}, "name"),
    ("control_plane", "ControlPlane", {"profile": "ambiant"}, {"profile": "ambiant"}, "profile"),
    ("control_plane", "ControlPlane", {"version": 1.31}, {"version": 1.31}, "version"),
    (
        "control_plane",
        "ControlPlane",
        {"charts": {"plain_http": "x"}},
        {"charts": {"plainHttp": "x"}},
        "charts.plainHttp",
    ),
    ("control_plane", "ControlPlane", {"trust_domain": "a b"}, {"trustDomain": "a b"}, "trustDomain"),
    ("injection", "Injection", {"namespaces": ["A"]}, {"namespaces": ["A"]}, "namespaces"),
    (
        "gateway",
        "Gateway",
        {"name": "gw", "ports": [{"name": "a", "port": 0}]},
        {"name": "gw", "ports": [{"name": "a", "port": 0}]},
        "ports[0].port",
    ),
]


@pytest.mark.parametrize(("name", "kind", "arguments", "inputs", "place"), BAD)
def test_a_wrong_input_is_told_as_ansible_tells_it(provider, name, kind, arguments, inputs, place):
    with pytest.raises(MeshError) as caught:
        parse(OPERATIONS[name].spec, arguments)
    error = caught.value
    reason = f"{error.msg} ({error.hint})" if error.hint else error.msg
    assert check(provider, kind, inputs)[1] == {place: reason}


def test_configuration_is_checked(provider):
    request = wire.CheckRequest(urn="urn:pulumi:dev::tests::pulumi:providers:mesh::it")
    request.news.update({"kubconfig": "x", "validateCerts": "perhaps"})
    failures = {item.property: item.reason for item in provider.CheckConfig(request).failures}
    assert sorted(failures) == ["kubconfig", "validateCerts"]


def test_an_address_that_changes_is_not_another_cluster(provider):
    """Whoever replaces a provider has all its resources made and deleted: only for another cluster. Of one
    that does not answer, nobody can tell."""

    def differs(before, after):
        found = provider.DiffConfig(wire.DiffRequest(old_inputs=encode(before), news=encode(after)))
        return found.changes == wire.DiffResponse.DIFF_SOME, list(found.replaces)

    with pytest.raises(grpc.RpcError) as caught:
        differs({"host": "https://127.0.0.1:1"}, {"host": "https://127.0.0.1:2"})
    assert "127.0.0.1:2" in caught.value.details()
    assert differs({"host": "https://127.0.0.1:1"}, {"host": "https://127.0.0.1:1"}) == (False, [])
    assert differs({"host": "https://127.0.0.1:1"}, {"host": UNKNOWN}) == (True, [])


def test_credentials_are_secret_whoever_writes_them(provider):
    request = wire.CheckRequest(urn="urn:pulumi:dev::tests::pulumi:providers:mesh::it")
    request.news.update({"apiKey": "token-1", "kubeconfig": "a: b\nc: d\n", "context": "x"})
    checked = decode(provider.CheckConfig(request).inputs)
    assert checked == {"apiKey": Secret("token-1"), "kubeconfig": Secret("a: b\nc: d\n"), "context": "x"}


def test_errors_are_one_line(provider):
    provider.Configure(wire.ConfigureRequest(args=encode({"host": "https://127.0.0.1:1"})))
    request = wire.CreateRequest(urn=URN, properties=encode({"name": "a", "namespace": "ns", "objects": []}))
    with pytest.raises(grpc.RpcError) as caught:
        provider.Create(request)
    assert "\n" not in caught.value.details()
    assert "127.0.0.1:1" in caught.value.details()


def test_a_preview_without_a_cluster_goes_by_the_state(provider):
    provider.Configure(wire.ConfigureRequest(args=encode({"host": "https://127.0.0.1:1"})))
    inputs = {"name": "a", "namespace": "ns", "objects": []}
    made = provider.Create(wire.CreateRequest(urn=URN, properties=encode(inputs), preview=True))
    assert decode(made.properties)["inventory"] is UNKNOWN
    changed = {**inputs, "objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}]}
    request = wire.DiffRequest(urn=URN, id="ns/a", old_inputs=encode(inputs), news=encode(changed))
    found = provider.Diff(request)
    assert found.changes == wire.DiffResponse.DIFF_SOME
    assert list(found.detailedDiff) == ["objects"]
    same = wire.DiffRequest(urn=URN, id="ns/a", old_inputs=encode(inputs), news=encode(inputs))
    assert provider.Diff(same).changes == wire.DiffResponse.DIFF_NONE
