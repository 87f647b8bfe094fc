# SPDX-License-Identifier: Apache-2.0
"""Manual injection by an injector of our own: as an operation, a filter and a lookup."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
import yaml
from mesh.kube.cluster import connect
from mesh.model.errors import MeshError

from .conftest import API
from .injectors import answering

REVISION = "by-hand"
_TEMPLATES = "inject.istio.io/templates"


@pytest.fixture(scope="module", autouse=True)
def an_injector(api):
    cluster = connect(api.connection, "api")
    with answering(cluster, REVISION):
        yield
    cluster.close()


def pod(**annotations):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "page", "namespace": "shop", **({"annotations": annotations} if annotations else {})},
        "spec": {
            "containers": [
                {"name": "app", "image": "example.invalid/app:1", "env": [{"name": "DAY", "value": "2026-01-01"}]}
            ]
        },
    }


SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"day": "2026-01-01"}}


def images(obj):
    return [container["image"] for container in obj["spec"]["containers"]]


@pytest.mark.parametrize(
    ("options", "annotations", "used"),
    [
        ({}, {}, "sidecar"),
        ({"templates": []}, {"example.com/a": "b"}, "sidecar"),
        ({"templates": ["gateway"]}, {}, "gateway"),
        ({"templates": ["sidecar", "custom"]}, {"example.com/a": "b"}, "sidecar,custom"),
        ({"templates": ["gateway"]}, {_TEMPLATES: "grpc-agent"}, "grpc-agent"),
        ({}, {_TEMPLATES: "grpc-agent"}, "grpc-agent"),
    ],
)
def test_templates(api, options, annotations, used):
    given = pod(**annotations)
    (told,) = api("kube_inject", {"objects": [given], "revision": REVISION, **options}).result["objects"]
    assert images(told) == ["example.invalid/app:1", f"example.invalid/{used}:1"]
    named = {} if used == "sidecar" else {_TEMPLATES: used}
    assert told["metadata"].get("annotations", {}) == {**annotations, **named}
    assert given == pod(**annotations), "what was given stays as it was"


def test_what_gets_no_proxy_names_no_templates(api):
    host = {**pod(), "spec": {**pod()["spec"], "hostNetwork": True}}
    told = api("kube_inject", {"objects": [host, SETTINGS], "revision": REVISION, "templates": ["gateway"]}).result
    assert told["objects"] == [host, SETTINGS]


def test_a_template_that_is_not_there(api):
    with pytest.raises(MeshError) as caught:
        api("kube_inject", {"objects": [pod()], "revision": REVISION, "templates": ["unknown"]})
    assert (caught.value.code, str(caught.value)) == (
        "invalid_object",
        "api: Pod shop/page: there is no template unknown",
    )


def played(lab, tmp_path, expressions, **variables):
    """What each expression gives, or how it fails; one run of Ansible for all."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "shop.yml").write_text("---\n" + yaml.safe_dump_all([pod(), SETTINGS]) + "---\n")
    (tmp_path / "files" / "broken.yml").write_text("a: [\n")
    results = tmp_path / "results.json"
    tasks = [
        {"name": "Ask", "ansible.builtin.set_fact": {f"r{n}": text}, "register": f"t{n}", "ignore_errors": True}
        for n, text in enumerate(expressions)
    ]
    shown = ", ".join(f"(t{n}.msg if t{n}.failed else r{n})" for n in range(len(tasks)))
    kept = {"ansible.builtin.copy": {"content": f"{{{{ [{shown}] | to_json }}}}", "dest": str(results), "mode": "0600"}}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": [*tasks, {"name": "Keep", **kept}]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    environment = {**os.environ, "K8S_AUTH_KUBECONFIG": str(lab.kubeconfig), "K8S_AUTH_CONTEXT": API}
    command = ["ansible-playbook", str(tmp_path / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "Traceback" not in output
    return json.loads(results.read_text())


def test_filter_and_lookup(lab, tmp_path):
    how = f"revision='{REVISION}'"
    lookup = f"lookup('meshops.mesh.kube_inject', 'shop.yml', {how}"
    text = "lookup('ansible.builtin.file', 'shop.yml')"
    table = [
        (f"{{{{ objects | meshops.mesh.kube_inject({how}) }}}}", "sidecar"),
        (f"{{{{ objects | meshops.mesh.kube_inject({how}, templates=['gateway']) }}}}", "gateway"),
        (f"{{{{ {text} | from_yaml_all | select | meshops.mesh.kube_inject({how}) | list }}}}", "sidecar"),
        (f"{{{{ {text} | meshops.mesh.kube_inject({how}, context='{API}') | from_yaml_all | list }}}}", "sidecar"),
        (f"{{{{ {lookup}) | from_yaml_all | list }}}}", "sidecar"),
        (f"{{{{ {lookup}, templates=['sidecar', 'custom']) | from_yaml_all | list }}}}", "sidecar,custom"),
    ]
    # The name is a template; what comes from the injector looks like one, and is none.
    objects = [{**pod(), "metadata": {"name": "{{ called }}", "namespace": "shop"}}, SETTINGS]
    found = played(lab, tmp_path, [expression for expression, _ in table], objects=objects, called="page")
    for (_, used), (first, second) in zip(table, found, strict=True):
        assert images(first) == ["example.invalid/app:1", f"example.invalid/{used}:1"]
        assert first["metadata"]["name"] == "page"
        assert first["spec"]["containers"][1]["args"] == ["{{ 1 + 1 }}"]
        assert (second["data"], second["kind"]) == (SETTINGS["data"], "ConfigMap")


def test_failures_are_one_line(lab, tmp_path):
    where = f"{API}: "
    table = [
        ("{{ [] | meshops.mesh.kube_inject }}", f"{where}objects: must name at least one"),
        ("{{ {'a': 1} | meshops.mesh.kube_inject }}", f"{where}objects: must be a list, not a map"),
        ("{{ [{}] | meshops.mesh.kube_inject(revison='a') }}", "revison: is not an option (did you mean revision?)"),
        (
            "{{ objects | meshops.mesh.kube_inject(revision='gone') }}",
            f"{where}revision gone: no revision or tag of that",
        ),
        ("{{ 'a: [' | meshops.mesh.kube_inject }}", "the text:2: not YAML: "),
        ("{{ objects | meshops.mesh.kube_inject(context='gone') }}", "gone: context gone: there is no context gone"),
        (
            "{{ lookup('meshops.mesh.kube_inject', 'gone.yml') }}",
            "gone.yml: there is no such file (give a path, or put it into files/",
        ),
        ("{{ lookup('meshops.mesh.kube_inject', 'broken.yml') }}", "broken.yml:2: not YAML: "),
        (
            "{{ lookup('meshops.mesh.kube_inject', 'shop.yml', revision='gone') }}",
            f"shop.yml: {where}revision gone: no revision or tag of that name",
        ),
        ("{{ lookup('meshops.mesh.kube_inject', 'shop.yml', revison='a') }}", "revison: is not an option"),
    ]
    found = played(lab, tmp_path, [expression for expression, _ in table], objects=[pod()])
    for (expression, told), said in zip(table, found, strict=True):
        assert told in said, expression
        assert "\n" not in said
