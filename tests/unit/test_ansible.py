# SPDX-License-Identifier: Apache-2.0
"""The Ansible front: what is documented is what is accepted, and what is refused is named in one line."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from mesh.operations.registry import OPERATIONS

from tests.examples.documented import examples, returns
from tests.examples.returned import complaints

# By name, because these import the core under another name than the tests do.
glue = importlib.import_module("plugins.module_utils._ansible")
diff = importlib.import_module("plugins.module_utils._diff")
front = importlib.import_module("plugins.module_utils._ansible_options")
errors = importlib.import_module("plugins.module_utils.mesh.model.errors")

ROOT = Path(__file__).resolve().parents[2]
_SHOWN = ("type", "required", "choices", "default", "elements", "aliases")


def module(name):
    return importlib.import_module(f"plugins.modules.{name}")


@pytest.fixture(scope="module", autouse=True)
def collection():
    """Modules import the glue by the collection's name; here it is this very checkout."""
    name = "ansible_collections.meshops.mesh.plugins.module_utils._ansible"
    parts = name.split(".")
    parents = {".".join(parts[:n]): ModuleType(".".join(parts[:n])) for n in range(1, len(parts))}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {**parents, name: glue}.items():
            patch.setitem(sys.modules, key, value)
        yield


def documented(name) -> dict[str, Any]:
    """The options of a module's documentation, fragments included."""
    return options_of(module(name).DOCUMENTATION)


def options_of(documentation: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    own = yaml.safe_load(documentation)
    for fragment in own["extends_documentation_fragment"]:
        found = importlib.import_module(f"plugins.doc_fragments.{fragment.rpartition('.')[2]}").ModuleDocFragment
        options |= yaml.safe_load(found.DOCUMENTATION).get("options", {})
    return options | own.get("options", {})


def shown(option, nested):
    told = {
        key: option[key]
        for key in _SHOWN
        if option.get(key) not in (None, [], False) or (key == "default" and key in option)
    }
    inner = option.get(nested) or {}
    return {**told, "options": {name: shown(part, nested) for name, part in inner.items()}}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_documented_is_what_is_accepted(name):
    accepted = glue.argument_spec(glue.OPERATIONS[name])
    said = documented(name)
    assert said.keys() == accepted.keys()
    for key, option in said.items():
        assert shown(option, "suboptions") == shown(accepted[key], "options"), key
        assert option["description"], key


@pytest.mark.parametrize(
    ("operation", "kind", "given"), [("kube_inject", "filter", "_input"), ("kube_inject", "lookup", "_terms")]
)
def test_what_is_a_filter_and_a_lookup_has_the_options_of_its_module(operation, kind, given):
    """But for the objects, which are its input, and for what only tasks take."""
    found = glue.OPERATIONS[operation]
    expected = {given, *glue.argument_spec(found)} - {"objects", *front.own_options(found)}
    assert options_of(written_documentation(kind, operation)).keys() == expected


def written_documentation(kind, name) -> str:
    """The documentation, without loading the plugin: it needs Ansible's own loader."""
    tree = ast.parse((ROOT / "plugins" / kind / f"{name}.py").read_text())
    written = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION"
    ]
    text: str = ast.literal_eval(written[0].value)
    return text


def templated(value):
    return isinstance(value, str) and "{{" in value


def filled(value):
    """The value as it is after templating, as far as it matters: what a template gives is left out."""
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items() if not templated(item)}
    return [filled(item) for item in value if not templated(item)] if isinstance(value, list) else value


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_are_accepted(name):
    spec = glue.argument_spec(glue.OPERATIONS[name])
    # What files may bring instead is required all the same.
    required = {key for key, option in spec.items() if option.get("required")} | spec.keys() & {"objects"}
    key = f"meshops.mesh.{name}"
    examples = [task[key] or {} for task in yaml.safe_load(module(name).EXAMPLES) if key in task]
    assert all(arguments.keys() <= spec.keys() for arguments in examples)
    by_files = {"src", "template"} & spec.keys()
    whole = [
        arguments
        for arguments in examples
        if not any(templated(arguments.get(key)) for key in required) and not by_files & arguments.keys()
    ]
    assert whole
    for arguments in whole:
        glue.validated(name, {key: filled(value) for key, value in arguments.items() if not templated(value)})


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_every_run_returns_is_documented(name):
    returned = set(yaml.safe_load(module(name).RETURN))
    expected = {"error"}
    if isinstance(glue.OPERATIONS[name], glue.Declarative):
        report = importlib.import_module("plugins.module_utils.mesh.model.report").Report
        expected |= {*report().as_dict(), "plan"}
    assert expected <= returned


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gateway", {"nmae": "x"}, "nmae: is not an option (did you mean name?)"),
        (
            "gateway",
            {"name": "x", "ports": [{"name": "a", "prot": 1}]},
            "ports[0].prot: is not an option (did you mean port?)",
        ),
        ("gateway", {"name": "x", "kubecnfig": "y"}, "kubecnfig: is not an option (did you mean kubeconfig?)"),
        ("gateway", {}, "name: is required"),
        ("gateway", {"name": "X"}, "name: must be a DNS label (lower-case letters, digits and -, at most 63), not 'X'"),
        (
            "gateway",
            {"name": "x", "ports": [{"name": "a", "port": "8x"}]},
            "ports[0].port: must be a whole number, not a string",
        ),
        ("gateway", {"name": "x", "labels": {"a": 1}}, "labels.a: must be a string, not a number; quote it"),
        (
            "gateway",
            {"name": "x", "state": "gone"},
            "state: has no choice 'gone' (one of present, absent, released, rendered)",
        ),
        (
            "injection",
            {"namespaces": ["a"], "state": "released"},
            "state: has no choice 'released' (one of present, absent, rendered)",
        ),
        # Ansible would write them as Python does.
        ("gateway", {"name": "x", "network": {"a": "b"}}, "network: must be a string, not a map"),
        (
            "workload_group",
            {"name": "x", "namespace": "y", "locality": ["eu"]},
            "locality: must be a string, not a list",
        ),
        ("injection", {"namespaces": ["a", ["b"]]}, "namespaces[1]: must be a string, not a list"),
        (
            "gateway",
            {"name": "x", "tls_secrets": [{"name": "a", "certificate": "c", "key": {"pem": "PRIVATE KEY-----"}}]},
            "tls_secrets[0].key: must be a string, not a map",
        ),
        ("control_plane", {"wait_timeout": "soon"}, "wait_timeout: must be a whole number, not a string"),
        ("control_plane", {"wait_timeout": 0}, "wait_timeout: must be more than 0, not 0"),
        ("control_plane", {"validate": "srver"}, "validate: has no choice 'srver' (did you mean server?)"),
        ("control_plane", {"adopt": "maybe"}, "adopt: must be true or false, not a string"),
        # What Ansible would convert is not blamed for what is wrong elsewhere.
        ("control_plane", {"cni": "yes", "values": "text"}, "values: must be a map, not a string"),
        ("config_set", {"name": "x", "namespace": "y", "objects": ["text"]}, "objects[0]: must be a map, not a string"),
        ("mesh_info", {"warn_days": 99999999}, "warn_days: must be 36500 at most, not 99999999"),
        ("vm_bootstrap", {"return_files": True, "hosts": ["a"]}, "hosts[0]: must be a map, not a string"),
        ("mesh_info", {"proxies": "some"}, "proxies: must be true or false, not a string"),
        (
            "kube_inject",
            {"objects": [{}], "templates": ["sidecar", "a,b"]},
            "templates: must hold names of templates, and 'a,b' is none",
        ),
    ],
)
def test_what_is_refused_is_named(name, arguments, message):
    with pytest.raises(errors.MeshError) as caught:
        glue.validated(name, arguments)
    assert (caught.value.code, str(caught.value)) == ("invalid_option", message)


def test_types_are_converted_and_defaults_set_as_ansible_does():
    found = glue.validated(
        "gateway", {"name": "x", "replicas": "2", "wait": "no", "ports": [{"name": "a", "port": "80"}]}
    )
    assert (found["replicas"], found["wait"], found["ports"][0]["port"]) == (2, False, 80)
    assert (found["state"], found["namespace"], found["adopt"]) == ("present", "istio-ingress", False)


def test_connection_options_fall_back_on_the_variables_of_kubernetes_core(monkeypatch):
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "there")
    monkeypatch.setenv("K8S_AUTH_VERIFY_SSL", "no")
    monkeypatch.setenv("K8S_AUTH_CERT_FILE", "/cert")
    found = glue.validated("mesh_info", {"client_cert": "/mine"})
    assert (found["context"], found["validate_certs"], found["client_cert"]) == ("there", False, "/mine")


@pytest.mark.parametrize("name", ["config_set", "control_plane"])
def test_a_failure_is_one_line_and_says_where(name):
    """Whatever the reason: nothing here reaches a cluster."""
    arguments = {"name": "x", "namespace": "y"} if name == "config_set" else {"version": "1.31.0"}
    told: list[str] = []
    found = glue.validated(name, {**arguments, "kubeconfig": "/nonexistent"})
    result = glue.perform(name, found, check=False, diff=True, host="onprem", tell=told.append)
    assert result == {
        "failed": True,
        "changed": False,
        "msg": "onprem: /nonexistent: there is no such kubeconfig file "
        "(check kubeconfig, context and the K8S_AUTH_* variables)",
        "error": {
            "code": "cluster_config",
            "msg": "there is no such kubeconfig file",
            "hint": "check kubeconfig, context and the K8S_AUTH_* variables",
            "where": "onprem: /nonexistent",
            "applied": [],
            "pending": [],
        },
        "plan": [],
    }
    assert told == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_a_failure_returns_is_documented(name):
    options = next(task[key] for task in examples(name) if (key := f"meshops.mesh.{name}") in task) or {}
    found = glue.validated(name, {"kubeconfig": "/nonexistent", **filled(options)})
    result = glue.perform(name, found, check=False, diff=False, host="onprem", tell=print)
    assert result["failed"]
    assert complaints(result, returns(name)) == []


def test_what_was_warned_of_before_is_told_with_a_failure():
    error = errors.MeshError("not_ready", "no")
    assert "warnings" not in glue.failure("waypoint", error)
    error.warnings = ["its class is not there"]
    assert glue.failure("waypoint", error)["warnings"] == ["its class is not there"]


def test_of_a_long_text_the_lines_that_differ_are_shown():
    old = "".join(f"line {number}\n" for number in range(2000))
    new = old.replace("line 1000\n", "another\n")
    before, after = diff._differing(old, new)
    assert before.splitlines() == ["...", *(f"line {number}" for number in range(997, 1004))]
    assert after.splitlines()[4] == "another"
    assert diff._text({"data.a": after}).splitlines()[:3] == ["data.a: |", "  ...", "  line 997"]
    for pair in [("a", "b"), (None, old), (1, 2), (old, None)]:
        assert diff._differing(*pair) == pair
