# SPDX-License-Identifier: Apache-2.0
"""The policy pack as the engine's language host starts it, asked as the engine asks."""

from __future__ import annotations

import os
import subprocess
import sys

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from lab.paths import CHECKOUT
from pulumi_mesh.provider.properties import encode

PACK = CHECKOUT / "pulumi_mesh" / "policies"


@pytest.fixture
def analyzer():
    environment = {"PULUMI_PROJECT": "tests", "PULUMI_STACK": "dev", "PULUMI_DRY_RUN": "false"}
    command = [sys.executable, "-m", "pulumi.policy", "127.0.0.1:1", str(PACK)]
    path = {"PYTHONPATH": str(CHECKOUT)}
    process = subprocess.Popen(command, env={**os.environ, **environment, **path}, stdout=subprocess.PIPE, text=True)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.wait()


def test_every_rule_is_in_the_pack(analyzer):
    info = analyzer.GetAnalyzerInfo(Empty())
    assert {policy.name for policy in info.policies} == {
        "strict-mtls",
        "no-wildcard-hosts",
        "no-deprecated-apis",
        "no-plain-text-external",
    }


def test_what_breaks_a_rule_is_named(analyzer):
    gateway = {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "Gateway",
        "metadata": {"name": "open", "namespace": "shop"},
        "spec": {"servers": [{"hosts": ["*"]}]},
    }
    request = analyzer_pb2.AnalyzeRequest(
        type="mesh:index:ConfigSet",
        name="it",
        urn="urn:pulumi:dev::tests::mesh:index:ConfigSet::it",
        properties=encode({"name": "a", "namespace": "shop", "objects": [gateway]}),
    )
    found = {item.policyName: item.message for item in analyzer.Analyze(request).diagnostics}
    assert set(found) == {"no-wildcard-hosts", "no-deprecated-apis"}
    assert "Gateway shop/open" in found["no-wildcard-hosts"]
