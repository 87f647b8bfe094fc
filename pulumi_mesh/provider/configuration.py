# SPDX-License-Identifier: Apache-2.0
"""The provider's configuration: how to reach the cluster, in the words of kubernetes.core."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.model.errors import MeshError
from .._core.model.options import Connection
from .naming import camel
from .properties import Secret, Unknown, known, plain, secret_texts


@dataclass(frozen=True)
class Option:
    """One property of the configuration: its type in the schema, what it is, where else it is looked for."""

    type: str
    doc: str
    environment: tuple[str, ...] = ()
    secret: bool = False


#: By the name of the connection's field.
OPTIONS: dict[str, Option] = {
    "kubeconfig": Option(
        "string",
        "Path or content of a kubeconfig; may be another resource's output, such as that of a new cluster.",
        ("K8S_AUTH_KUBECONFIG",),  # the core looks at KUBECONFIG itself, which may list several files
    ),
    "context": Option("string", "Context of the kubeconfig; its current one without it.", ("K8S_AUTH_CONTEXT",)),
    "host": Option("string", "URL of the API server, instead of a kubeconfig's.", ("K8S_AUTH_HOST",)),
    "api_key": Option("string", "Bearer token.", ("K8S_AUTH_API_KEY",), secret=True),
    "ca_cert": Option("string", "File with the API server's authority.", ("K8S_AUTH_SSL_CA_CERT",)),
    "validate_certs": Option("boolean", "Whether the API server's certificate is checked.", ("K8S_AUTH_VERIFY_SSL",)),
    "client_cert": Option("string", "File with a client certificate.", ("K8S_AUTH_CERT_FILE",)),
    "client_key": Option("string", "File with the client certificate's key.", ("K8S_AUTH_KEY_FILE",)),
    "proxy": Option("string", "HTTP proxy on the way to the API server.", ("K8S_AUTH_PROXY",)),
    "impersonate_user": Option("string", "User to act as.", ("K8S_AUTH_IMPERSONATE_USER",)),
    "impersonate_groups": Option("array", "Groups to act as.", ("K8S_AUTH_IMPERSONATE_GROUPS",)),
}


@dataclass(frozen=True)
class Configuration:
    """What was configured; ``connection`` is None while some of it is not known."""

    connection: Connection | None
    secrets: tuple[str, ...] = ()


def configure(properties: Mapping[str, Any], environment: Mapping[str, str]) -> Configuration:
    """The configuration from decoded properties. Raises MeshError ``cluster_config``."""
    if not known(dict(properties)):
        return Configuration(None)
    return Configuration(connection(plain(dict(properties)), environment), tuple(secret_texts(dict(properties))))


def connection(properties: Mapping[str, Any], environment: Mapping[str, str]) -> Connection:
    """How to reach the cluster."""
    values = {name: _value(name, option, properties, environment) for name, option in OPTIONS.items()}
    # As pulumi-kubernetes does, and as clusters of clouds need it: their kubeconfigs start a program for the token.
    return Connection(trusted=True, **{name: value for name, value in values.items() if value is not None})


def _value(name: str, option: Option, properties: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    given = properties.get(camel(name))
    if given is None:
        given = next((environment[key] for key in option.environment if environment.get(key)), None)
    if given is None:
        return None
    if option.type == "boolean":
        return _boolean(given, camel(name))
    if option.type == "array":
        return tuple(_listed(given, camel(name)))
    if name == "kubeconfig":
        return _kubeconfig(given)
    return str(given)


def _boolean(given: Any, name: str) -> bool:
    """Configuration of a stack arrives as text."""
    told = str(given).lower()
    if told not in ("true", "false", "1", "0", "yes", "no"):
        raise MeshError("cluster_config", "must be true or false", where=name)
    return told in ("true", "1", "yes")


def _listed(given: Any, name: str) -> list[str]:
    if isinstance(given, str) and given.startswith("["):
        try:
            given = json.loads(given)
        except ValueError:
            raise MeshError("cluster_config", "is no list in JSON", where=name) from None
    items = [item for item in given.split(",") if item] if isinstance(given, str) else given
    return [str(item) for item in items]


def _kubeconfig(given: Any) -> Any:
    """A map, the text of one, or a path."""
    if isinstance(given, str) and _is_content(given):
        from .._core.kube.libraries import yaml

        try:
            content = yaml.safe_load(given)
        except yaml.YAMLError:
            content = None
        if not isinstance(content, dict):
            raise MeshError("cluster_config", "is neither a path nor the content of a kubeconfig", where="kubeconfig")
        return content
    return given


def problems(properties: Mapping[str, Any], environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """What is wrong with the configuration, as ``(property, reason)``."""
    known_names = {camel(name) for name in OPTIONS} | _ENGINES
    unknown = [(name, "is not an option of the provider") for name in properties if name not in known_names]
    try:
        configure(properties, environment)
    except MeshError as error:
        return [*unknown, (error.where, error.msg)]
    return unknown


#: What the engine adds to every provider's configuration.
_ENGINES = frozenset({"version", "pluginDownloadURL", "__internal"})


def protected(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The same with credentials marked secret, whoever wrote them down and in whatever language."""
    return {name: Secret(value) if _is_secret(name, value) else value for name, value in properties.items()}


def _is_secret(name: str, value: Any) -> bool:
    if isinstance(value, (Secret, Unknown)):
        return False
    marked = any(option.secret and camel(key) == name for key, option in OPTIONS.items())
    return marked or (name == "kubeconfig" and (not isinstance(value, str) or _is_content(value)))


def _is_content(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith("{")


def moved(before: Mapping[str, Any], after: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether another cluster is meant: what is on the old one is then another provider's. Addresses of one cluster may
    change, so both are asked who they are. An old one that does not answer is taken for the same; raises MeshError when
    the new one does not, as what is there could not be told from what is on the old one later."""
    old, new = (configure(properties, environment).connection for properties in (before, after))
    if old is None or new is None or _server(old) == _server(new):
        return False
    expected = _identity(new)
    try:
        return _identity(old) != expected
    except MeshError:
        return False


def _server(wanted: Connection) -> str:
    """Address of the API server; empty where that cannot be told."""
    from .._core.kube.config import endpoint

    try:
        return endpoint(wanted).server
    except MeshError:
        return ""


def _identity(wanted: Connection) -> str:
    """What tells a cluster from all others: the uid of a namespace that nobody can delete. Raises MeshError."""
    from .._core.kube.cluster import connect

    cluster = connect(wanted)
    try:
        found = cluster.get("v1", "Namespace", "", "kube-system")
    finally:
        cluster.close()
    return str(found["metadata"]["uid"]) if found else ""
