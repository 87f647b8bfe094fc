# SPDX-License-Identifier: Apache-2.0
"""Tasks that are given canaries wherever a secret may be, and how each must end."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .canaries import Canaries

CHARTS = Path(__file__).parent / "charts"
#: Nobody listens on this port.
NOBODY = "127.0.0.1:1"
#: Cases that also run as modules, each in a process of its own, which takes a while. (What is in `environment` is then
#: on the command line of Ansible's own shell: docs/security.md.)
AS_MODULES = frozenset(
    {
        "created",
        "updated",
        "foreign",
        "refused by a policy",
        "objects as text",
        "control plane",
        "refused by the chart",
        "wrong key",
        "wrong token",
        "kubeconfig as text",
        "proxy that is away",
    }
)
KEY = ("gateway.tls_secrets.key",)
#: A task's outcome: unchanged, changed, or a code of docs/errors.md.
Outcome = str
_PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\n{core}{padding}\n-----END PRIVATE KEY-----\n"
#: Signs that stand in headers and addresses.
_PLAIN = "t{core}{padding}"


@dataclass(frozen=True)
class Case:
    """One task. ``covers``: the fields of specs in whose place it has canaries."""

    name: str
    module: str
    arguments: dict[str, Any]
    ends: Outcome
    #: How it ends in check mode, where that differs.
    checked: Outcome = ""
    covers: tuple[str, ...] = ()
    #: Keywords of the task.
    task: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """The cluster: its address, its certificate authority, who may do everything there, and a namespace."""

    server: str
    authority: Path
    kubeconfig: str
    context: str
    namespace: str


def secret(name: str, **fields: Any) -> dict[str, Any]:
    """A Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, **fields}


def encoded(text: str) -> str:
    """As Secrets hold it."""
    return base64.b64encode(text.encode()).decode()


def cases(canaries: Canaries, place: Place) -> Iterator[Case]:
    """All of them, in order: later ones change what earlier ones made."""
    ours = {"kubeconfig": place.kubeconfig, "context": place.context}
    yield from _sets(canaries, {**ours, "namespace": place.namespace})
    yield from _charts(canaries, {**ours, "namespace": place.namespace})
    yield from _connections(canaries, place)


def _sets(canaries: Canaries, common: Mapping[str, Any]) -> Iterator[Case]:
    def declared(name: str, *objects: Any, **more: Any) -> dict[str, Any]:
        return {**common, "name": name, "objects": list(objects), "wait": False, **more}

    first = secret(
        "made",
        data={"password": encoded(canaries.make("data")), "key": encoded(canaries.make("data, a key", _PRIVATE_KEY))},
        stringData={"token": canaries.make("stringData")},
    )
    listed = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [secret("listed", data={"a": encoded(canaries.make("List"))})],
    }
    covers = ("config_set.objects",)
    yield Case("created", "config_set", declared("made", first, listed), "changed", covers=covers)
    second = {**first, "stringData": {"token": canaries.make("stringData, changed")}}
    yield Case("updated", "config_set", declared("made", second, listed, validate="server"), "changed")
    yield Case("unchanged", "config_set", declared("made", second, listed), "unchanged", checked="changed")
    yield Case("foreign", "config_set", declared("kubectl", secret("kubectl", data={})), "foreign_owner")
    adopted = secret("kubectl", data={"password": encoded(canaries.make("adopted, new"))})
    yield Case("adopted", "config_set", declared("kubectl", adopted, adopt=True, force=True), "changed")
    nested = secret("refused", data={"password": {"nested": canaries.make("data that is no text")}})
    yield Case("refused by the schema", "config_set", declared("refused", nested), "invalid_object")
    garbled = secret("refused", data={"password": canaries.make("data that is not base64")})
    yield Case("refused by the type", "config_set", declared("refused", garbled), "invalid_object")
    policed = secret("policed", data={"password": encoded(canaries.make("refused by a policy"))})
    yield Case("refused by a policy", "config_set", declared("policed", policed), "invalid_object")
    warned = secret("warned", data={"password": encoded(canaries.make("warned of by a policy"))})
    yield Case("warned of by a policy", "config_set", declared("warned", warned), "changed")
    text = json.dumps(secret("text", data={"password": encoded(canaries.make("objects as text"))}))
    yield Case("objects as text", "config_set", {**declared("text"), "objects": text}, "invalid_option")
    silent = secret("silent", data={"password": encoded(canaries.make("no_log"))})
    yield Case("silent", "config_set", declared("silent", silent), "changed", task={"no_log": True})
    gone = declared("warned", warned, state="absent")
    yield Case("removed", "config_set", gone, "changed", checked="unchanged")
    pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    tls = {"name": "tls", "certificate": pem, "key": canaries.make("gateway.tls_secrets.key", _PRIVATE_KEY)}
    edge = {key: common[key] for key in ("kubeconfig", "context", "namespace")}
    edge |= {"name": "edge", "tls_secrets": [tls], "charts": {"path": "/nowhere"}}
    yield Case("key of a gateway", "gateway", edge, "missing_dependency", checked="chart_unavailable", covers=KEY)
    inject = {key: common[key] for key in ("kubeconfig", "context", "namespace")}
    shown = secret("shown", stringData={"password": canaries.make("kube_inject.objects")})
    inject["objects"] = [{"apiVersion": "v1", "kind": "List", "items": [shown]}]
    yield Case("not to be shown", "kube_inject", inject, "invalid_option", covers=("kube_inject.objects",))
    pasted = secret("pasted", stringData={"password": canaries.make("network_service.manifest")})
    service = {key: common[key] for key in ("kubeconfig", "context", "namespace")}
    service |= {"name": "pasted", "manifest": pasted}
    covers = ("network_service.manifest",)
    yield Case("the wrong manifest", "network_service", service, "invalid_option", covers=covers)
    other = secret("least", data={"password": encoded(canaries.make("rbac.declarations"))})
    declarations = [{"config_set": {"name": "least", "namespace": common["namespace"], "objects": [other]}}]
    connection = {key: common[key] for key in ("kubeconfig", "context")}
    least = {**connection, "name": "least", "declarations": declarations}
    yield Case("least permissions", "rbac", least, "unchanged", covers=("rbac.declarations",))


def _charts(canaries: Canaries, common: Mapping[str, Any]) -> Iterator[Case]:
    def values(name: str) -> dict[str, Any]:
        return {
            "registry": {"user": "robot", "password": canaries.make(f"{name}: values.registry.password")},
            "license": canaries.make(f"{name}: a value that a Secret holds"),
            "signing": canaries.make(f"{name}: values with a private key", _PRIVATE_KEY),
            "meshConfig": {"defaultConfig": {"apiKey": canaries.make(f"{name}: values, deeper")}},
        }

    source = {"charts": {"path": str(CHARTS)}}
    plane = {**common, **source, "wait": False, "values": values("control_plane")}
    mesh_config = {"extensionProviders": [{"name": "x", "authToken": canaries.make("mesh_config")}]}
    covers = ("control_plane.values", "control_plane.mesh_config")
    yield Case("control plane", "control_plane", {**plane, "mesh_config": mesh_config}, "changed", covers=covers)
    plane = {
        **plane,
        "mesh_config": mesh_config,
        "values": {**plane["values"], "license": canaries.make("license, new")},
    }
    yield Case("another license", "control_plane", plane, "changed")
    environment = {"K8S_AUTH_API_KEY": canaries.make("K8S_AUTH_API_KEY", _PLAIN)}
    yield Case(
        "key in the environment",
        "control_plane",
        {**plane, "values": {**plane["values"], "mode": "b"}},
        "changed",
        task={"environment": environment},
    )
    disliked = {**plane, "values": {**plane["values"], "refuse": True}}
    yield Case("refused by the chart", "control_plane", disliked, "render_failed")
    pinned = {**plane, "values": {**plane["values"], "pinToken": canaries.make("a value of another pattern")}}
    yield Case("refused by the schema of the chart", "control_plane", pinned, "render_failed")
    gateway = {**common, **source, "name": "edge", "wait": False, "values": values("gateway")}
    # In check mode it is planned; else it lacks a revision that injects.
    yield Case("gateway", "gateway", gateway, "missing_dependency", checked="changed", covers=("gateway.values",))
    with_password = f"https://robot:{canaries.make('charts.repository', _PLAIN)}@{NOBODY}/charts"
    repository = {**common, "version": "1.31.0", "charts": {"repository": with_password}}
    yield Case("repository with a password", "control_plane", repository, "invalid_option")


def _connections(canaries: Canaries, place: Place) -> Iterator[Case]:
    made = {"name": "never", "namespace": place.namespace, "objects": []}
    authority = {"ca_cert": str(place.authority)}

    def kubeconfig(**user: str) -> dict[str, Any]:
        cluster = {"server": place.server, "certificate-authority-data": encoded(place.authority.read_text())}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": user}],
        }

    def case(name: str, ends: Outcome, module: str = "config_set", covers: str = "", **connection: Any) -> Case:
        data = made if module == "config_set" else {}
        return Case(name, module, {**data, **connection}, ends, covers=(covers,) if covers else ())

    key = canaries.make("api_key", _PLAIN)
    yield case("wrong key", "unauthorized", host=place.server, api_key=key, covers="connection.api_key", **authority)
    yield case("wrong key of a query", "unauthorized", "mesh_info", host=place.server, api_key=key, **authority)
    broken = canaries.make("api_key of two lines", "t{core}\n{padding}")
    yield case("key of two lines", "cluster_config", host=place.server, api_key=broken, **authority)
    token = kubeconfig(token=canaries.make("token", _PLAIN))
    yield case("wrong token", "unauthorized", kubeconfig=token, covers="connection.kubeconfig")
    password = kubeconfig(username="u", password=canaries.make("password"))
    yield case("wrong password", "forbidden", kubeconfig=password)  # nobody, as API servers know no passwords
    private = encoded(canaries.make("client-key-data", _PRIVATE_KEY))
    certificate = encoded(place.authority.read_text())
    keyed = kubeconfig(**{"client-certificate-data": certificate, "client-key-data": private})
    yield case("broken key", "cluster_config", kubeconfig=keyed)
    # A blank makes it text for Ansible too, which takes what looks like JSON for what it says.
    text = "# mine\n" + json.dumps(kubeconfig(token=canaries.make("kubeconfig as text", _PLAIN)))
    yield case("kubeconfig as text", "cluster_config", kubeconfig=text)
    proxy = f"http://u:{canaries.make('proxy', _PLAIN)}@{NOBODY}"
    proxied = {"host": place.server, "proxy": proxy, **authority}
    yield case("proxy that is away", "cluster_unreachable", covers="connection.proxy", **proxied)
    misspelled = {
        "host": place.server,
        "proxy": f"http://u:{canaries.make('misspelled proxy', _PLAIN)}@[x",
        **authority,
    }
    yield case("misspelled proxy", "cluster_config", **misspelled)
    address = f"https://u:{canaries.make('host', _PLAIN)}@{NOBODY}"
    yield case("server that is away", "cluster_unreachable", host=address, api_key=key, covers="connection.host")
