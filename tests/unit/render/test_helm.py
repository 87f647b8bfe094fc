# SPDX-License-Identifier: Apache-2.0
"""The helm program: what it is told, and what its errors come to (recorded from helm 3.22 and 4.3)."""

from __future__ import annotations

import json
import subprocess

import pytest
from mesh.model.errors import MeshError
from mesh.render.helm import Helm, _reason, find

DEBUG = "\n\nUse --debug flag to render out invalid YAML\n"
ENV = (
    'executing "istiod/templates/reader-clusterrole.yaml" at <.Values.env.MCS_API_GROUP>:',
    "can't evaluate field MCS_API_GROUP in type interface {}",
)
INNER = (
    'executing "mesh" at <.Values.meshConfig.rootNamespace>:',
    "can't evaluate field rootNamespace in type interface {}",
)


@pytest.mark.parametrize(
    ("stderr", "reason"),
    [
        pytest.param(
            f"Error: execution error at (base/templates/zzz_profile.yaml:45:3): unknown platform moon{DEBUG}",
            "execution error at (base/templates/zzz_profile.yaml:45:3): unknown platform moon",
            id="fail",
        ),
        pytest.param(
            "Error: execution error at (istiod/templates/zzz_profile.yaml:19:3): Setting with .default prefix found; "
            f"remove it. Defaults set:\n \n    a: 1{DEBUG}",
            "execution error at (istiod/templates/zzz_profile.yaml:19:3): Setting with .default prefix found; "
            "remove it. Defaults set: a: 1",
            id="fail over several lines",
        ),
        pytest.param(
            "Error: values don't meet the specifications of the schema(s) in the following chart(s):\n"
            "gateway:\n- at '/service/ports': got number, want array\n\n",
            "values don't meet the specifications of the schema(s) in the following chart(s): "
            "gateway: - at '/service/ports': got number, want array",
            id="schema",
        ),
        pytest.param(
            f"Error: template: istiod/templates/reader-clusterrole.yaml:3:29: {ENV[0]} {ENV[1]}{DEBUG}",
            f"template: istiod/templates/reader-clusterrole.yaml:3:29: {ENV[0]} {ENV[1]}",
            id="template of v3",
        ),
        pytest.param(
            f"Error: istiod/templates/reader-clusterrole.yaml:3:29\n  {ENV[0]}\n    {ENV[1]}{DEBUG}",
            f"istiod/templates/reader-clusterrole.yaml:3:29 {ENV[0]} {ENV[1]}",
            id="template of v4",
        ),
        pytest.param(
            'Error: template: istiod/templates/configmap.yaml:78:21: executing "istiod/templates/configmap.yaml" at '
            '<include "mesh" .>: error calling include: template: istiod/templates/configmap.yaml:10:30: '
            f"{INNER[0]} {INNER[1]}{DEBUG}",
            f"template: istiod/templates/configmap.yaml:10:30: {INNER[0]} {INNER[1]}",
            id="include of v3",
        ),
        pytest.param(
            'Error: istiod/templates/configmap.yaml:78:21\n  executing "istiod/templates/configmap.yaml" at '
            '<include "mesh" .>:\n    error calling include:\nistiod/templates/configmap.yaml:10:30\n  '
            f"{INNER[0]}\n    {INNER[1]}{DEBUG}",
            f"istiod/templates/configmap.yaml:10:30 {INNER[0]} {INNER[1]}",
            id="include of v4",
        ),
        pytest.param(
            "Error: YAML parse error on istiod/templates/autoscale.yaml: error converting YAML to JSON: yaml: line 5: "
            f"did not find expected key{DEBUG}",
            "YAML parse error on istiod/templates/autoscale.yaml: error converting YAML to JSON: yaml: line 5: "
            "did not find expected key",
            id="yaml",
        ),
        pytest.param(
            'WARNING: Kubernetes configuration file is group-readable.\nError: path "charts/x" not found\n',
            'path "charts/x" not found',
            id="warning before",
        ),
        pytest.param("panic: runtime error\n", "panic: runtime error", id="no error line"),
        pytest.param(" \n", "helm failed and said nothing", id="silence"),
    ],
)
def test_reason(stderr, reason):
    assert _reason(stderr) == reason


def test_a_long_reason_is_cut():
    found = _reason(f"Error: {'x' * 500}\n")
    assert (len(found), found[-4:]) == (400, "x...")


PROGRAM = """#!/bin/sh
printf '%s\\n' "$@" > "$(dirname "$0")/arguments"
cat > "$(dirname "$0")/input"
if [ -f "$(dirname "$0")/broken" ]; then echo "Error: broken" >&2; exit 1; fi
echo "kind: X"
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "helm"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return path


def test_template_passes_values_by_standard_input_only(program):
    text = Helm(str(program)).template(program.parent, "r", "ns", {"k": "s3cret"}, "1.36.0", ["v1", "apps/v1"])
    assert text == "kind: X\n"
    assert json.loads((program.parent / "input").read_text()) == {"k": "s3cret"}
    arguments = (program.parent / "arguments").read_text()
    assert "s3cret" not in arguments
    assert arguments.split() == [
        *("template", "r", str(program.parent), "--namespace", "ns", "--values", "-"),
        *("--kube-version", "1.36.0", "--skip-tests", "--api-versions", "v1", "--api-versions", "apps/v1"),
    ]


@pytest.mark.parametrize(
    ("repository", "plain", "tail"),
    [
        ("https://charts.example.com", False, ["base", "--repo", "https://charts.example.com"]),
        ("http://charts.example.com", True, ["base", "--repo", "http://charts.example.com"]),
        ("oci://registry.example.com/charts/", False, ["oci://registry.example.com/charts/base"]),
        ("oci://127.0.0.1:5000", True, ["oci://127.0.0.1:5000/base", "--plain-http"]),
    ],
)
def test_pull(program, repository, plain, tail):
    Helm(str(program)).pull(repository, "base", "1.31.0", program.parent, plain_http=plain)
    head = ["pull", "--version", "1.31.0", "--destination", str(program.parent)]
    assert (program.parent / "arguments").read_text().split() == [*head, *tail]


def test_failures(program):
    (program.parent / "broken").touch()
    helm = Helm(str(program))
    with pytest.raises(MeshError, match="broken") as caught:
        helm.template(program.parent / "base", "r", "ns", {}, "1.36.0", [])
    assert (caught.value.code, caught.value.where) == ("render_failed", "chart base")
    with pytest.raises(MeshError, match=r"cannot get chart base 1\.31\.0: broken") as caught:
        helm.pull("oci://a", "base", "1.31.0", program.parent, plain_http=False)
    assert (caught.value.code, caught.value.where) == ("chart_unavailable", "oci://a")


def test_a_program_that_cannot_run(tmp_path):
    (tmp_path / "helm").write_bytes(b"\x7fELF, but not really")
    (tmp_path / "helm").chmod(0o755)
    with pytest.raises(MeshError, match="cannot run helm") as caught:
        Helm(str(tmp_path / "helm")).template(tmp_path, "r", "ns", {}, "1.36.0", [])
    assert caught.value.code == "helm_missing"


def test_a_program_that_hangs(program, monkeypatch):
    monkeypatch.setattr("mesh.render.helm._TIMEOUT", 0.1)
    program.write_text("#!/bin/sh\nexec sleep 5\n")
    with pytest.raises(MeshError, match="did not end within") as caught:
        Helm(str(program)).template(program.parent, "r", "ns", {}, "1.36.0", [])
    assert isinstance(caught.value.__cause__, subprocess.TimeoutExpired)


def test_find(program, monkeypatch):
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.delenv("HELM_BINARY", raising=False)
    assert find().path == str(program)
    other = program.rename(program.parent / "helm4")
    monkeypatch.setenv("HELM_BINARY", str(other))
    assert find().path == str(other)
    with pytest.raises(MeshError, match="there is no program helm5") as caught:
        find("helm5")
    assert caught.value.code == "helm_missing"


def test_identity_follows_the_program(program):
    before = Helm(str(program)).identity
    program.write_text(PROGRAM + "# changed\n")
    assert Helm(str(program)).identity != before
