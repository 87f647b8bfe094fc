# SPDX-License-Identifier: Apache-2.0
"""Connection options to an endpoint: address, TLS, credentials. Loading is left to the kubernetes library."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from ..model.errors import MeshError
from ..model.options import Connection
from ..model.secrets import Secrets, leaves, of_url
from .libraries import Configuration, InsecureRequestWarning, YamlLoader, urllib3, yaml
from .libraries import KubeConfigLoader as untyped_loader
from .libraries import kube_config as untyped_kube_config

#: Connections kept open to one API server; the engine never has more requests in flight.
POOL_SIZE = 32

#: The loader keeps key material in files that a module-level cache names, so loads must not overlap.
_loading = threading.Lock()


@dataclass(frozen=True)
class Endpoint:
    """An API server and how to speak to it. ``authorization`` is called per request: tokens are refreshed.
    ``cautions`` say what of the connection is not protected, ``secrets`` are its credentials."""

    server: str
    pool: urllib3.PoolManager = field(repr=False)
    authorization: Callable[[], urllib3.HTTPHeaderDict] = field(repr=False)
    cautions: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


def endpoint(connection: Connection) -> Endpoint:
    """Load the configuration; raises MeshError ``cluster_config``. Nothing is sent yet.

    The order is kubeconfig, then in-cluster: a pod that runs playbooks against other clusters has both.
    """
    _refuse_content(connection)
    try:
        with _loading, tempfile.TemporaryDirectory(prefix="meshops-") as directory:
            try:
                configuration = _load(connection, directory)
                pool = _pool(configuration, _tls(configuration), connection)
            finally:
                _forget(directory)
        authorization = _authorization(configuration, connection)
        _refuse_unsendable(authorization())
    except MeshError:
        raise
    except (kube_config.ConfigException, OSError, ValueError, yaml.YAMLError, *_MISSHAPEN) as error:
        hidden = Secrets()
        hidden.learn(_given_secrets(connection))
        text = hidden.hide_strictly(complaint(error))
        raise MeshError("cluster_config", text, where=_place(connection), hint=HINT) from None
    return Endpoint(
        configuration.host.rstrip("/"),
        pool,
        authorization,
        tuple(_cautions(configuration)),
        (*_given_secrets(connection), *_loaded_secrets(configuration)),
    )


def _forget(directory: str) -> None:
    """Old versions of the library (29) would take the same data for known, and look for it in files that are gone."""
    names: dict[str, str] = getattr(kube_config.kube_config, "_temp_files", {})
    for content in [content for content, name in names.items() if os.path.dirname(name) == directory]:
        del names[content]


kube_config: Any = untyped_kube_config
KubeConfigLoader: Any = untyped_loader
#: The keys under which the kubernetes library keeps the bearer token, since version 36 and before.
_TOKENS = ("BearerToken", "authorization")
#: What the library stumbles over when a part is of another shape than it expects.
_MISSHAPEN = (AttributeError, KeyError, TypeError, IndexError)
HINT = "check kubeconfig, context and the K8S_AUTH_* variables"


def _given_secrets(connection: Connection) -> Iterator[str]:
    """Credentials as they are declared."""
    if isinstance(connection.kubeconfig, Mapping):
        yield from leaves([entry.get("user") for entry in connection.kubeconfig.get("users") or ()])
    for text in (connection.api_key, connection.proxy, connection.host):
        yield from of_url(text or "")
    yield from (connection.api_key,) if connection.api_key else ()


def _loaded_secrets(configuration: Any) -> Iterator[str]:
    """Credentials as they are used; tokens come after a prefix (``Bearer``)."""
    yield from (text.rpartition(" ")[2] for text in configuration.api_key.values())
    yield from (configuration.password,) if configuration.password else ()
    for text in (configuration.proxy, configuration.host):
        yield from of_url(text or "")


def _refuse_content(connection: Connection) -> None:
    """The text of a kubeconfig is taken for a path otherwise, and shown as one."""
    given = connection.kubeconfig
    if isinstance(given, str) and ("\n" in given or given.lstrip().startswith("{")):
        text, hint = "is the text of a kubeconfig, not a path", "make it a map with from_yaml"
        raise MeshError("cluster_config", text, where="kubeconfig", hint=hint)


def _refuse_unsendable(headers: Mapping[str, str]) -> None:
    """The HTTP library would repeat such a token in its error."""
    if not all(value.isprintable() and value.isascii() for value in headers.values()):
        text, hint = "the token or user has line breaks or other signs that no header can carry", "strip it"
        raise MeshError("cluster_config", text, where="credentials", hint=hint)


def _load(connection: Connection, directory: str) -> Any:
    configuration = type.__call__(Configuration)
    if connection.host:
        configuration.host = connection.host
    else:
        _load_kubeconfig(connection, configuration, directory)
    environment = getproxies_environment()
    # Old versions of the library do not look there.
    configuration.proxy = configuration.proxy or environment.get(urlsplit(configuration.host).scheme)
    configuration.no_proxy = configuration.no_proxy or environment.get("no")
    overrides = {
        "ssl_ca_cert": connection.ca_cert,
        "cert_file": connection.client_cert,
        "key_file": connection.client_key,
        "verify_ssl": connection.validate_certs,
        "proxy": connection.proxy,
    }
    for name, value in overrides.items():
        if value is not None:
            setattr(configuration, name, value)
    if connection.api_key:
        configuration.api_key = {_TOKENS[0]: f"Bearer {connection.api_key}"}
        configuration.refresh_api_key_hook = None
    return configuration


def files_of(path: str) -> list[str]:
    """The files of a path that may be several, joined as in KUBECONFIG."""
    return [os.path.expanduser(part) for part in path.split(os.pathsep) if part]


def _load_kubeconfig(connection: Connection, configuration: Any, directory: str) -> None:
    common = {
        "context": connection.context,
        "client_configuration": configuration,
        "persist_config": False,
        "temp_file_path": directory,
    }
    if isinstance(connection.kubeconfig, Mapping):
        if not connection.trusted:
            _refuse_local(connection.kubeconfig)
        kube_config.load_kube_config_from_dict(dict(connection.kubeconfig), **common)
        return
    path = connection.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    files = files_of(path)
    if len(files) == 1 and os.path.exists(files[0]):
        _load_file(files[0], connection, configuration, directory)
    elif any(os.path.exists(part) for part in files):
        kube_config.load_kube_config(os.pathsep.join(files), **common)
    elif connection.kubeconfig or connection.context or "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise MeshError("cluster_config", "there is no such kubeconfig file", where=path, hint=HINT)
    else:
        kube_config.load_incluster_config(client_configuration=configuration)


#: What reaches for the machine that runs us: (list of the kubeconfig, its entries' key, names there).
_LOCAL = (
    ("clusters", "cluster", ("certificate-authority",)),
    ("users", "user", ("exec", "auth-provider", "tokenFile", "client-certificate", "client-key")),
)


def _refuse_local(kubeconfig: Mapping[str, Any]) -> None:
    """A map comes from inventories, vaults and other clusters: it may hold credentials, and neither start programs
    nor read files here. A file is the operator's own, and may."""
    for entries, key, names in _LOCAL:
        for entry in kubeconfig.get(entries) or ():
            for name in names:
                if (entry.get(key) or {}).get(name):
                    raise MeshError(
                        "cluster_config",
                        "is allowed in a kubeconfig file only, not in a map",
                        where=f"kubeconfig.{entries}[{entry.get('name')}].{key}.{name}",
                        hint="put the data itself there (-data, token), or name a kubeconfig file",
                    )


def read_file(path: str) -> dict[str, Any]:
    """The content of one kubeconfig."""
    with open(path, encoding="utf-8") as file:
        content = yaml.load(file, YamlLoader)
    if not isinstance(content, dict):
        raise MeshError("cluster_config", "is not a kubeconfig", where=path, hint=HINT)
    return content


def _load_file(path: str, connection: Connection, configuration: Any, directory: str) -> None:
    """One file, read by the fast loader: the library's own reading takes longer than all requests of an idle run."""
    loader = KubeConfigLoader(
        config_dict=read_file(path),
        config_base_path=os.path.dirname(os.path.abspath(path)),
        active_context=connection.context,
        temp_file_path=directory,
    )
    loader.load_and_set(configuration)


def _tls(configuration: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # The user switched verification off; a warning per request would bury everything else.
        warnings.filterwarnings("ignore", category=InsecureRequestWarning)
    elif configuration.assert_hostname is False:
        context.check_hostname = False
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


def _cautions(configuration: Any) -> Iterator[str]:
    if not configuration.host.lower().startswith("https://"):
        yield f"{configuration.host} has no TLS: credentials and objects can be read and changed on the way"
    elif not configuration.verify_ssl:
        yield f"the certificate of {configuration.host} is not checked: anybody on the way can answer in its place"


def _bypassed(configuration: Any) -> bool:
    """Whether NO_PROXY excepts the API server from a proxy that nobody named for it."""
    host = urlsplit(configuration.host).hostname or ""
    return bool(proxy_bypass_environment(host, {"no": configuration.no_proxy or ""}))


def _pool(configuration: Any, tls: ssl.SSLContext, connection: Connection) -> urllib3.PoolManager:
    common: dict[str, Any] = {"num_pools": 2, "maxsize": POOL_SIZE, "ssl_context": tls, "retries": False}
    if getattr(configuration, "tls_server_name", None):
        common["server_hostname"] = configuration.tls_server_name
        common["assert_hostname"] = configuration.tls_server_name
    if configuration.proxy and (connection.proxy or not _bypassed(configuration)):
        return urllib3.ProxyManager(configuration.proxy, proxy_headers=configuration.proxy_headers, **common)
    return urllib3.PoolManager(**common)


def _authorization(configuration: Any, connection: Connection) -> Callable[[], urllib3.HTTPHeaderDict]:
    impersonation = urllib3.HTTPHeaderDict()
    if connection.impersonate_user:
        impersonation.add("Impersonate-User", connection.impersonate_user)
    for group in connection.impersonate_groups:
        impersonation.add("Impersonate-Group", group)

    def headers() -> urllib3.HTTPHeaderDict:
        made = impersonation.copy()
        token = next(filter(None, map(configuration.get_api_key_with_prefix, _TOKENS)), None)
        if token:
            made["Authorization"] = token
        elif configuration.username:
            made["Authorization"] = configuration.get_basic_auth_token()
        return made

    return headers


def _place(connection: Connection) -> str:
    if connection.context:
        return f"context {connection.context}"
    return "kubeconfig" if isinstance(connection.kubeconfig, Mapping) else connection.kubeconfig or "kubeconfig"


#: The library's words for a name that the file does not define.
_UNDEFINED = re.compile(r".*Expected object with name (.+) in .*/(context|cluster|user)s list")


def complaint(error: Exception) -> str:
    """What is wrong, on one line and in words that tell people where to look."""
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    undefined = _UNDEFINED.fullmatch(text)
    if undefined:
        return f"there is no {undefined[2]} {undefined[1]} in the kubeconfig"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return f"is not YAML: {error.problem} in line {error.problem_mark.line + 1}"
    if isinstance(error, yaml.YAMLError):
        return f"is not YAML: {text}"
    if isinstance(error, ssl.SSLError):
        return f"a certificate or key cannot be read: {text}"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, _MISSHAPEN):
        return "is not a kubeconfig"
    return text.removeprefix("Invalid kube-config file. ")
