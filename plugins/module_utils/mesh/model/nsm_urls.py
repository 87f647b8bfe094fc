# SPDX-License-Identifier: Apache-2.0
"""How a pod asks for network services: URLs in an annotation (cmd-admission-webhook-k8s and cmd-nsc of NSM v1.18).

NSM parses them as URLs and takes much for granted: a port is dropped, a name that is too long for an interface of Linux
fails in the pod, which then waits for ever.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from . import checks, nsm
from .errors import MeshError
from .secrets import quoted

#: The annotation of a pod (NSM_ANNOTATION of the webhook), and that of 2019, which nobody reads any more.
ANNOTATION, OLD_ANNOTATION = "networkservicemesh.io", "ns.networkservicemesh.io"
MECHANISMS = ("kernel", "memif", "vfio")
#: IFNAMSIZ of Linux without the end of the string.
_LONGEST_INTERFACE = 15
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
#: What a pod has by itself.
_TAKEN = ("lo", "eth0")
_URL = re.compile(
    r"(?:(?P<mechanism>[^:/?@]*)://)?(?P<host>[^/?]*)(?:/(?P<interface>[^?]*))?(?:\?(?P<query>.*))?", re.DOTALL
)
_NUMERIC = re.compile(r"[\d.]+")


@dataclass(frozen=True)
class Request:
    """One service that a pod asks for. ``interface`` is empty where a free one is to be chosen."""

    mechanism: str
    service: str
    domain: str
    interface: str
    query: str

    @property
    def text(self) -> str:
        """As NSM reads it."""
        host = f"{self.service}@{self.domain}" if self.domain else self.service
        path = f"/{self.interface}" if self.interface else ""
        return f"{self.mechanism}://{host}{path}" + (f"?{self.query}" if self.query else "")

    @property
    def labels(self) -> dict[str, str]:
        """What the client says of itself; a key that is there twice has both values."""
        found: dict[str, str] = {}
        for key, value in _pairs(self.query):
            found[key] = f"{found[key]},{value}" if key in found else value
        return found


def request(text: str) -> Request:
    """What a text asks for: a URL, the form of 2019 (``service/interface?labels``), or a service's name alone. Raises
    MeshError ``invalid_option``."""
    found = _URL.fullmatch(text)
    if "," in text or found is None:
        raise _wrong(text, "holds a comma, which NSM takes for the end of a URL: say one service at a time")
    mechanism = "kernel" if found["mechanism"] is None else found["mechanism"]
    service, at, domain = found["host"].partition("@")
    asked = Request(mechanism, service, domain, found["interface"] or "", found["query"] or "")
    flaw = _flaw(asked, bool(at))
    if flaw:
        raise _wrong(text, flaw)
    return asked


def _wrong(text: str, flaw: str) -> MeshError:
    return MeshError("invalid_option", f"{quoted(text)} {flaw}")


def _flaw(asked: Request, has_domain: bool) -> str | None:
    """What is wrong with it, by the first rule that says so."""
    if asked.mechanism not in MECHANISMS:
        return f"has the mechanism {quoted(asked.mechanism)}; there are {', '.join(MECHANISMS)}"
    if ":" in asked.service or ":" in asked.domain:
        return "has a port or an IPv6 address, of which NSM keeps no more than a part: name the domain alone"
    if nsm.service_name(asked.service):
        return f"has {quoted(asked.service)} for a service, which {nsm.service_name(asked.service)}"
    if has_domain and (checks.dns_subdomain(asked.domain) or _NUMERIC.fullmatch(asked.domain)):
        return f"has the domain {quoted(asked.domain)}, which must be a DNS name"
    return (_flaw_of_interface(asked.interface) if asked.interface else None) or _flaw_of_query(asked.query)


def _flaw_of_interface(name: str) -> str | None:
    if len(name) > _LONGEST_INTERFACE:
        return f"has an interface of {len(name)} characters, and Linux takes {_LONGEST_INTERFACE} at most"
    if name in _TAKEN:
        return f"has the interface {name}, which every pod has already"
    return None if _INTERFACE.fullmatch(name) else f"has {quoted(name)} for an interface (letters, digits, -, _ and .)"


#: Parameters that are no labels: what they must look like.
_SPECIAL = {
    "sriovToken": (re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+"), "a domain and a capability, as intel/10G"),
    "dnsName": (re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"), "a DNS name"),
}


def _flaw_of_query(query: str) -> str | None:
    for key, value in _pairs(query):
        if key in _SPECIAL:
            pattern, meant = _SPECIAL[key]
            if not pattern.fullmatch(value):
                return f"has {key}={value}, which must be {meant}"
        elif not value or checks.labels({key: value}):
            return f"has the parameter {quoted(f'{key}={value}')}, which must be a label (key=value)"
    return None


def _pairs(query: str) -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in query.split("&")) if query else ()
    return [(key, value) for key, _equals, value in parts]


def requests(values: list[str]) -> str | None:
    """A check: what pods ask for, at least one service, each on an interface of its own."""
    interfaces: set[str] = set()
    texts: set[str] = set()
    for text in values:
        try:
            asked = request(text)
        except MeshError as error:
            return f"must hold services, and {error.msg}"
        if asked.text in texts:
            return f"must hold each service once, and {quoted(text)} is there twice"
        if asked.interface in interfaces:
            return f"must give each service an interface of its own, and {asked.interface} is there twice"
        interfaces |= {asked.interface} - {""}
        texts.add(asked.text)
    return None


def listed(annotation: str) -> list[str]:
    """The URLs of an annotation."""
    return [text.strip() for text in annotation.split(",") if text.strip()]


def interface_of(text: str) -> str:
    """The interface of a URL, whoever wrote it; empty where it has none."""
    found = _URL.fullmatch(text)
    return (found["interface"] or "") if found else ""


def placed(asked: Sequence[Request], taken: Iterable[str], before: Iterable[str]) -> list[str]:
    """The URLs with an interface each: the one that they had before, else the first of nsm-1, nsm-2, ... that nobody
    has."""
    used = {*taken, *(item.interface for item in asked)}
    had = by_service(before)
    kept = {item: had[item.text] for item in asked if not item.interface and had.get(item.text, "") not in {"", *used}}
    used |= {*kept.values()}
    found = []
    for item in asked:
        name = item.interface or kept.get(item) or _free(used)
        used.add(name)
        found.append(replace(item, interface=name).text)
    return found


def by_service(texts: Iterable[str]) -> dict[str, str]:
    """Interfaces by what is asked for over them, of those URLs that can be read."""
    found = {}
    for text in texts:
        with contextlib.suppress(MeshError):
            asked = request(text)
            found[replace(asked, interface="").text] = asked.interface
    return found


def _free(used: set[str]) -> str:
    number = 1
    while f"nsm-{number}" in used:
        number += 1
    return f"nsm-{number}"
