# SPDX-License-Identifier: Apache-2.0
"""Bad input, by the way that users take: one task each, exact message, place and remedy, and not a single write."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mesh.kube.transport import Transport
from mesh.model.errors import MeshError
from mesh.model.options import Connection

from .conftest import API, Api

DIGEST = "0" * 64


def kubeconfig(**parts):
    """A kubeconfig for a server that is not there, with some parts replaced."""
    whole = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {}}],
    }
    return json.dumps(whole | parts)


def authority(data=None, file=None):
    """A kubeconfig whose certificate authority cannot be used."""
    marks = {"certificate-authority-data": data, "certificate-authority": file}
    given = {key: value for key, value in marks.items() if value}
    return kubeconfig(clusters=[{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **given}}])


def refused(run):
    with pytest.raises(MeshError) as caught:
        run()
    return caught.value


@pytest.mark.parametrize(
    ("name", "data", "code", "message"),
    [
        ("control_plane", {"revison": "x"}, "invalid_option", "revison: is not an option (did you mean revision?)"),
        (
            "control_plane",
            {"charts": {"pth": "x"}},
            "invalid_option",
            "charts.pth: is not an option (did you mean path?)",
        ),
        ("control_plane", {"cni": "maybe"}, "invalid_option", "cni: must be true or false, not a string"),
        ("control_plane", {"version": 1.31}, "invalid_option", "version: must be a string, not a number; quote it"),
        ("control_plane", {"values": ["x"]}, "invalid_option", "values: must be a map, not a list"),
        (
            "control_plane",
            {"revision": "1.31"},
            "invalid_option",
            "revision: must be a DNS label (lower-case letters, digits and -, at most 63), not '1.31'",
        ),
        (
            "control_plane",
            {"profile": "defualt"},
            "invalid_option",
            "profile: has no choice 'defualt' (did you mean default?)",
        ),
        (
            "control_plane",
            {"platform": "heroku"},
            "invalid_option",
            "platform: has no choice 'heroku' (one of none, openshift, gke, eks, aks, k3s, k3d, microk8s, minikube)",
        ),
        ("control_plane", {}, "invalid_option", "api: version: is required (or set charts.path)"),
        (
            "control_plane",
            {"charts": {"path": "/nonexistent"}},
            "chart_unavailable",
            "api: charts.path: there is no chart istiod in /nonexistent "
            "(it must hold istiod/Chart.yaml or istiod-<version>.tgz)",
        ),
        (
            "control_plane",
            {"charts": {"repository": "charts"}},
            "invalid_option",
            "charts.repository: must be a URL such as https://charts.example.com, not 'charts'",
        ),
        (
            "control_plane",
            {"profile": "remote", "charts": {"path": "/nonexistent"}},
            "invalid_option",
            "api: remote_address: is required by profile remote",
        ),
        ("gateway", {"version": "1.31.0"}, "invalid_option", "name: is required"),
        (
            "gateway",
            {"name": "gw", "type": "eastwest", "version": "1.31.0"},
            "invalid_option",
            "api: network: is required by type eastwest",
        ),
        (
            "gateway",
            {"name": "gw", "ports": [{"name": "http", "port": 0}]},
            "invalid_option",
            "ports[0].port: must be more than 0, not 0",
        ),
        ("injection", {"namespaces": []}, "invalid_option", "namespaces: must name at least one, not []"),
        (
            "revision_tag",
            {"tag": "default"},
            "invalid_option",
            "api: tag: the default revision answers for the default tag by itself (name another revision)",
        ),
    ],
)
def test_options(api, name, data, code, message):
    error = refused(lambda: api(name, data))
    assert (error.code, str(error)) == (code, message)
    assert api.writes == []


def test_no_helm(api, lab, monkeypatch):
    monkeypatch.setenv("HELM_BINARY", "/nonexistent/helm")
    error = refused(lambda: api("control_plane", {"charts": {"path": lab.charts}}))
    assert (error.code, str(error)) == (
        "helm_missing",
        "api: there is no program /nonexistent/helm (install helm v3 or v4, or set HELM_BINARY)",
    )
    assert api.writes == []


def test_charts(api, lab):
    http = {"repository": lab.chart_repository, "plain_http": True}
    table = [
        (
            {**http, "plain_http": False},
            "1.31.0",
            "invalid_option",
            "charts.repository: has no TLS (set charts.plain_http to allow)",
        ),
        (
            http,
            "9.9.9",
            "chart_unavailable",
            f"api: {lab.chart_repository}: cannot get chart base 9.9.9: "
            f'chart "base" version "9.9.9" not found in {lab.chart_repository} repository '
            "(check version and charts.repository, or set charts.path)",
        ),
        ({**http, "repository": "http://127.0.0.1:1"}, "1.31.0", "chart_unavailable", "cannot get chart base 1.31.0: "),
        (
            {**http, "digests": {"base": DIGEST}},
            "1.31.0",
            "chart_digest",
            "charts.digests.base: chart base has digest ",
        ),
        ({**http, "digests": {"base": "short"}}, "1.31.0", "invalid_option", "must hold SHA-256 digests"),
    ]
    for charts, version, code, message in table:
        error = refused(
            lambda charts=charts, version=version: api("control_plane", {"version": version, "charts": charts})
        )
        assert error.code == code, error
        assert message in str(error)
        assert "\n" not in str(error)
        assert api.writes == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"compatibilityVersion": "0.1"}, "unknown compatibility version 0.1"),
        ({"global": {"platform": "moon"}}, "unknown platform moon"),
        (
            {"defaults": {"a": 1}},
            "Setting with .default prefix found; remove it. For example, replace `--set defaults.hub=foo` with "
            "`--set hub=foo`. Defaults set: a: 1",
        ),
    ],
)
def test_values_that_the_chart_refuses(api, lab, values, message):
    error = refused(lambda: api("control_plane", {"charts": {"path": lab.charts}, "values": values}))
    assert (error.code, error.where, error.hint) == ("render_failed", "api: chart base", "correct the values")
    assert re.sub(r"^execution error at \(base/templates/\S+:\d+:\d+\): ", "", error.msg) == message
    assert api.writes == []


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            {"kubeconfig": "/nonexistent"},
            "cluster_config",
            "/nonexistent: there is no such kubeconfig file (check kubeconfig, context and the K8S_AUTH_* variables)",
        ),
        (
            {"context": "nowhere"},
            "cluster_config",
            "context nowhere: there is no context nowhere in the kubeconfig "
            "(check kubeconfig, context and the K8S_AUTH_* variables)",
        ),
        (
            {"kubeconfig": {"a": "b"}},
            "cluster_config",
            "kubeconfig: Expected key current-context in kube-config "
            "(check kubeconfig, context and the K8S_AUTH_* variables)",
        ),
        (
            {"host": "https://127.0.0.1:1"},
            "cluster_unreachable",
            "api: no answer from https://127.0.0.1:1: Connection refused (check the address and that the cluster runs)",
        ),
    ],
)
def test_connections(api, lab, monkeypatch, options, code, message):
    monkeypatch.setattr("mesh.kube.retrying.FIRST_CONTACT_BUDGET", 0.5)
    given = {"kubeconfig": str(lab.kubeconfig), **options}
    error = refused(lambda: Api(Connection(**given), api.writes)("mesh_info", {}))
    assert error.code == code
    assert str(error).startswith(message if message.startswith("api: ") else f"api: {message}"), str(error)
    assert api.writes == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not a kubeconfig"),
        ("just text", "is not a kubeconfig"),
        ("- a\n- list", "is not a kubeconfig"),
        ("a: [b\nc: d\n", "is not YAML: "),
        ("\x00\x01", "is not YAML: unacceptable character #x0000: control characters are not allowed"),
        ("kind: Config\n", "Expected key current-context in kube-config"),
        (kubeconfig(contexts=7), "is not a kubeconfig"),
        (kubeconfig(contexts=[]), "there is no context a in the kubeconfig"),
        (kubeconfig(clusters=[]), "there is no cluster c in the kubeconfig"),
        (kubeconfig(contexts=[{"name": "a"}]), "Expected key context in kube-config/contexts[name=a]"),
        (authority(data="%%%"), "a certificate or key cannot be read: "),
        (authority(file="/nonexistent"), "File does not exist: /nonexistent"),
    ],
)
def test_files_that_are_no_kubeconfig(api, tmp_path, content, message):
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    error = refused(lambda: Api(Connection(kubeconfig=str(path)), api.writes)("mesh_info", {}))
    assert (error.code, error.where) == ("cluster_config", f"api: {path}")
    assert error.msg == message or (message.endswith(": ") and error.msg.startswith(message))
    assert "\n" not in str(error)
    assert error.hint == "check kubeconfig, context and the K8S_AUTH_* variables"


def test_a_token_that_nobody_knows(api, lab):
    connection = Connection(host=lab.cluster(API).server, api_key="wrong", validate_certs=False)
    error = refused(lambda: Api(connection, api.writes)("mesh_info", {}))
    assert (error.code, error.hint) == ("unauthorized", "the credential is wrong or expired")


def test_a_wrong_authority(api, lab):
    error = refused(lambda: Api(Connection(host=lab.cluster(API).server), api.writes)("mesh_info", {}))
    assert error.code == "cluster_unreachable"
    assert "certificate verify failed" in error.msg
    assert error.hint == "check ca_cert, or that this is the right cluster"


@pytest.mark.parametrize("in_process", [True, False])
def test_in_a_playbook_errors_are_one_line_without_traceback(lab, tmp_path, in_process):
    """What a person sees: by the action plugin and by the module alike."""
    tasks: list[tuple[dict[str, Any], str, str]] = [
        (
            {"meshops.mesh.injection": {"namespacse": ["a"]}},
            "invalid_option",
            "namespacse: is not an option (did you mean namespaces?)",
        ),
        (
            {"meshops.mesh.control_plane": {"charts": {"pth": "x"}}},
            "invalid_option",
            "charts.pth: is not an option (did you mean path?)",
        ),
        ({"meshops.mesh.gateway": {"version": "1.31.0"}}, "invalid_option", "name: is required"),
        (
            {"meshops.mesh.control_plane": {"profile": "defualt"}},
            "invalid_option",
            "profile: has no choice 'defualt' (did you mean default?)",
        ),
        (
            {"meshops.mesh.mesh_info": {"kubeconfig": "/nonexistent"}},
            "cluster_config",
            "/nonexistent: there is no such kubeconfig file (check kubeconfig, context and the K8S_AUTH_* variables)",
        ),
    ]
    given = [
        {"name": f"t{number}", "ignore_errors": True, "register": f"t{number}", **task}
        for number, (task, _, _) in enumerate(tasks)
    ]
    results = tmp_path / "results.json"
    every = ", ".join(task["register"] for task in given)
    kept = {"ansible.builtin.copy": {"content": f"{{{{ [{every}] | to_json }}}}", "dest": str(results), "mode": "0600"}}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"meshops_in_process": in_process},
        "tasks": [*given, kept],
    }
    path = Path(tmp_path / "play.yml")
    path.write_text(json.dumps([play]))
    done = subprocess.run(["ansible-playbook", str(path)], capture_output=True, text=True, check=False, timeout=120)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Traceback" not in output
    for (_, code, message), result in zip(tasks, json.loads(results.read_text()), strict=True):
        assert (result["failed"], result["changed"]) == (True, False)
        place, _, told = result["msg"].partition(": ")
        assert (result["error"]["code"], told) == (code, message)
        # The module does not know the host's name, and names the cluster where nothing else does.
        assert place == ("localhost" if in_process or code == "invalid_option" else "cluster")


def test_requests_are_counted_at_all(api):
    """The counter of the tests above sees requests: else «no write» would prove nothing."""
    assert Transport.raw.__qualname__.startswith("counted")
