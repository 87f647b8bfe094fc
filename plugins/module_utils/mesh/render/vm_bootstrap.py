# SPDX-License-Identifier: Apache-2.0
"""The files by which a host joins the mesh, as `istioctl x workload entry configure` writes them (Istio 1.31)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, annotations_of
from ..model.sets import suffix
from ..model.specs.vm_bootstrap import VmBootstrapSpec
from .manifests import documents
from .values import merged

try:
    import yaml
except ImportError:  # Ansible loads this file on hosts that need not have PyYAML
    yaml = None  # type: ignore[assignment]

ISTIOD_PORT = 15012
#: sshd, Envoy's metrics, the agent's health; `istioctl` excludes no more.
_EXCLUDED = (22, 15090, 15021)
_STATUS_PORT = 15020
_PROXY_CONFIG = "proxy.istio.io/config"


@dataclass(frozen=True)
class Joining:
    """What a cluster has for hosts of one group: the group, the revision that serves it, its configuration and root."""

    group: Object
    revision: str
    namespace: str
    mesh: Mapping[str, Any]
    cluster: str
    root: str

    @property
    def service_account(self) -> str:
        """Whose identity the hosts have."""
        return str(self._template.get("serviceAccount") or "default")

    @property
    def trust_domain(self) -> str:
        """As the mesh's configuration says, or as istiod assumes."""
        return str(self.mesh.get("trustDomain") or "cluster.local")

    @property
    def network(self) -> str:
        """The hosts' network; empty for the cluster's."""
        return str(self._template.get("network") or "")

    @property
    def istiod(self) -> str:
        """The name under which the agent knows istiod, and that is in istiod's certificate."""
        return f"istiod{suffix(self.revision)}.{self.namespace}.svc"

    @property
    def _template(self) -> Mapping[str, Any]:
        return self.group["spec"].get("template") or {}

    @property
    def ports(self) -> dict[str, int]:
        """Ports by name that are captured; none for all."""
        return self._template.get("ports") or {}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of a host, those by which telemetry names it included."""
        said = {
            **((self.group["spec"].get("metadata") or {}).get("labels") or {}),
            **(self._template.get("labels") or {}),
        }
        return {**said, **{label: _first(said, keys, self._assumed[label]) for label, keys in _CANONICAL.items()}}

    @property
    def _assumed(self) -> dict[str, str]:
        return {_SERVICE: self.group["metadata"]["name"], _REVISION: "latest"}


_SERVICE, _REVISION = "service.istio.io/canonical-name", "service.istio.io/canonical-revision"
#: Labels -> where their values come from, the first that is there.
_CANONICAL = {
    _SERVICE: (_SERVICE, "app.kubernetes.io/name", "app"),
    _REVISION: (_REVISION, "app.kubernetes.io/version", "version"),
}


def _first(labels: Mapping[str, str], keys: Sequence[str], assumed: str) -> str:
    return next((labels[key] for key in keys if labels.get(key)), assumed)


def files(spec: VmBootstrapSpec, joining: Joining, addresses: Sequence[str]) -> dict[str, str]:
    """Name -> content of what is not secret. Raises MeshError for what must not reach a shell."""
    config = proxy_config(spec, joining)
    environment = {**config["proxyMetadata"], **_overrides(spec, joining, config)}
    _refuse(environment, f"WorkloadGroup {spec.namespace}/{spec.group}", own=False)
    _refuse(spec.environment, "environment", own=True)
    return {
        "cluster.env": shell_lines({**environment, **spec.environment}),
        "mesh.yaml": yaml.safe_dump({"defaultConfig": config}, sort_keys=True),
        "root-cert.pem": joining.root,
        "hosts": "".join(f"{address} {joining.istiod}\n" for address in addresses),
    }


def proxy_config(spec: VmBootstrapSpec, joining: Joining) -> dict[str, Any]:
    """The ProxyConfig of a host: the mesh's, what the group's annotations say, and who the host is."""
    config = copy.deepcopy(dict(joining.mesh.get("defaultConfig") or {}))
    if suffix(joining.revision) and not config.get("discoveryAddress"):
        config["discoveryAddress"] = f"{joining.istiod}:{ISTIOD_PORT}"
    for said in _annotated(joining.group):
        config = merged(config, said)
    _refuse_shapes(config, f"WorkloadGroup {spec.namespace}/{spec.group}, or the mesh: proxy configuration")
    probe = joining.group["spec"].get("probe")
    if probe:
        config["readinessProbe"] = probe
    metadata = {**(config.get("proxyMetadata") or {}), **_identity(spec, joining, config)}
    return {**config, "proxyMetadata": {key: str(value) for key, value in metadata.items()}}


def _refuse_shapes(config: Mapping[str, Any], where: str) -> None:
    """Raise for what is looked into here and is something else; the agent refuses the rest itself."""
    if not isinstance(config.get("proxyMetadata") or {}, Mapping):
        raise MeshError("invalid_object", "proxyMetadata must be a map", where=where)
    port = config.get("statusPort") or _STATUS_PORT
    if not isinstance(port, int) or isinstance(port, bool):
        raise MeshError("invalid_object", "statusPort must be a number", where=where)


def _annotated(group: Object) -> Iterator[dict[str, Any]]:
    """What annotations of the group, and then of its hosts, say of the proxies."""
    where = (
        f"WorkloadGroup {group['metadata'].get('namespace')}/{group['metadata']['name']}: annotation {_PROXY_CONFIG}"
    )
    for said in (annotations_of(group), annotations_of(group["spec"])):
        if _PROXY_CONFIG in said:
            yield mapping(said[_PROXY_CONFIG], where)


def mapping(text: str, where: str) -> dict[str, Any]:
    """A map in YAML; raises MeshError for what is none."""
    found = documents(text, where)
    if len(found) != 1 or not isinstance(found[0], dict):
        raise MeshError("invalid_object", "is no map in YAML", where=where)
    return found[0]


def _identity(spec: VmBootstrapSpec, joining: Joining, config: Mapping[str, Any]) -> dict[str, str]:
    """Proxy metadata: which workload of which cluster and network the host is."""
    labels = joining.labels
    ports = [{"name": name, "containerPort": port, "protocol": ""} for name, port in sorted(joining.ports.items())]
    return {
        "CANONICAL_SERVICE": labels[_SERVICE],
        "CANONICAL_REVISION": labels[_REVISION],
        "POD_NAMESPACE": spec.namespace,
        "SERVICE_ACCOUNT": joining.service_account,
        "TRUST_DOMAIN": str(joining.mesh.get("trustDomain") or ""),
        "ISTIO_META_CLUSTER_ID": joining.cluster,
        "ISTIO_META_MESH_ID": str(config.get("meshId") or ""),
        "ISTIO_META_NETWORK": joining.network,
        "ISTIO_META_WORKLOAD_NAME": spec.group,
        "ISTIO_METAJSON_LABELS": _json(dict(sorted(labels.items()))),
        **({"ISTIO_META_POD_PORTS": _json(ports)} if ports else {}),
        **({"ISTIO_META_DNS_CAPTURE": "true"} if spec.capture_dns else {}),
        **({"ISTIO_META_AUTO_REGISTER_GROUP": spec.group} if spec.auto_register else {}),
    }


def _overrides(spec: VmBootstrapSpec, joining: Joining, config: Mapping[str, Any]) -> dict[str, str]:
    """Variables beside the proxy's metadata."""
    address = spec.internal_address or spec.external_address
    excluded = dict.fromkeys((*_EXCLUDED, config.get("statusPort") or _STATUS_PORT, *spec.exclude_inbound_ports))
    return {
        "ISTIO_INBOUND_PORTS": ",".join(map(str, sorted(joining.ports.values()))) or "*",
        "ISTIO_LOCAL_EXCLUDE_PORTS": ",".join(map(str, excluded)),
        "ISTIO_NAMESPACE": spec.namespace,
        "ISTIO_SERVICE": f"{spec.group}.{spec.namespace}",
        "ISTIO_SERVICE_CIDR": "*",
        "SERVICE_ACCOUNT": joining.service_account,
        **({"CA_ADDR": f"{joining.istiod}:{ISTIOD_PORT}"} if suffix(joining.revision) else {}),
        **({"ISTIO_SVC_IP": address} if address else {}),
        **({"REWRITE_PROBE_LEGACY_LOCALHOST_DESTINATION": "true"} if spec.external_address else {}),
    }


def _json(value: Any) -> str:
    """As Go writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


# -- cluster.env ----------------------------------------------------------------------------------------------------

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Characters that need no quotes, as the library sees it that istioctl quotes with.
_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
#: istio-start.sh puts these into a line that a second shell reads.
_READ_TWICE = frozenset({"EXEC_USER", "ISTIO_BIN_BASE", "ISTIO_LOG_DIR", "ISTIO_NAMESPACE", "ISTIO_SVC_IP", "POD_NAME"})
#: They change what root runs on the host, which who may write a group or the mesh's configuration must not.
_ROOTS_OWN = re.compile(
    r"PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|LD_.*|GCONV_PATH|EXEC_USER|ISTIO_BIN_BASE|ISTIO_LOG_DIR|ISTIO_AGENT_FLAGS|"
    r"ISTIO_(SIDECAR|CLUSTER)_CONFIG|ISTIO_CUSTOM_IP_TABLES"
)


def shell_lines(variables: Mapping[str, str]) -> str:
    """``KEY='value'`` lines, sorted by bytes."""
    return "\n".join(sorted(f"{name}={_quoted(value)}" for name, value in variables.items())) + "\n"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\"'\"'") + "'"


def _refuse(variables: Mapping[str, str], where: str, *, own: bool) -> None:
    """Raise for what a shell that reads the file would take for more than a value."""
    for name, value in variables.items():
        wrong = _wrong(name, value, own)
        if wrong:
            raise MeshError(
                "invalid_object" if not own else "invalid_option", f"variable {name!r} {wrong}", where=where
            )


def _wrong(name: str, value: str, own: bool) -> str:
    if not _NAME.fullmatch(name):
        return "has no name that a shell takes"
    if not own and _ROOTS_OWN.fullmatch(name):
        return "changes what root runs on the host, and may only be set by the option environment"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return "has control characters in its value"
    if name in _READ_TWICE and not _PLAIN.fullmatch(value):
        return "has characters in its value that a shell would read"
    return ""
