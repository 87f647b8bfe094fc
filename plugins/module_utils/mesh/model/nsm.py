# SPDX-License-Identifier: Apache-2.0
"""Words of Network Service Mesh: labels, hops and names as its registry, its endpoints and Kubernetes take them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import checks
from .secrets import quoted

API_VERSION = "networkservicemesh.io/v1"
#: Where NSM runs; its DNS names have it, too.
NAMESPACE = "nsm-system"
#: By this label a hop is named that says no more than a word.
APP = "app"
_LONGEST_NAME = 63
#: A template of Go; what is in it is evaluated over the labels of the client.
_TEMPLATE = re.compile(r"\{\{[^{}]+\}\}")

Labels = Mapping[str, str]


def service_name(value: str) -> str | None:
    """The name of a network service; its dots are a convention (name.namespace)."""
    if len(value) > _LONGEST_NAME:
        return f"must have {_LONGEST_NAME} characters at most"
    return checks.dns_subdomain(value)


def labels(values: Labels) -> str | None:
    """Labels with which something is compared."""
    for key, value in values.items():
        if "{{" in value:
            return f"must hold no templates, and {key}={value} is one: clients are compared with the text as it stands"
    return _kubernetes_labels(values)


def some_labels(values: Labels) -> str | None:
    """The same, not empty."""
    return labels(values) if values else "must hold at least one label"


def destination(values: Labels) -> str | None:
    """Labels of an endpoint, or templates that become labels."""
    for key, value in values.items():
        left = _TEMPLATE.sub("", value)
        if "{{" in left or "}}" in left:
            return f"must hold templates that end, and {key}={value} does not"
    # Whatever a template becomes is a part of the value.
    return _kubernetes_labels({key: _TEMPLATE.sub("x", value) for key, value in values.items()}, shown=values)


def _kubernetes_labels(values: Labels, shown: Labels | None = None) -> str | None:
    """NSM itself takes anything; lists of labels for endpoints and clients break at commas, colons and ampersands."""
    for key, value in values.items():
        if checks.labels({key: value}):
            rule = "letters, digits, -, _ and . at most 63, the key perhaps after a DNS name and /"
            return f"must hold labels ({rule}), and {key}={quoted((shown or values)[key])} is none"
    return None


def hop(text: str) -> dict[str, str]:
    """The labels that a hop's text stands for; ``firewall`` is ``{"app": "firewall"}``."""
    if "=" not in text:
        return {APP: text}
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): value.strip() for key, _equals, value in pairs}


def hop_text(text: str) -> str:
    """The same hop in its shortest spelling, by which two spellings of one are told to be one."""
    found = hop(text)
    return found[APP] if found.keys() == {APP} else told(found, "")


def hops(values: list[str]) -> str | None:
    """The hops of a chain: some, each labels that an endpoint may have."""
    return "must name at least one hop" if not values else hops_if_any(values)


def hops_if_any(values: list[str]) -> str | None:
    """The same, perhaps none."""
    return next((f"must hold hops, and {quoted(text)} {flaw}" for text in values if (flaw := _flaw_of_hop(text))), None)


def _flaw_of_hop(text: str) -> str | None:
    found = hop(text)
    if "=" in text and len(found) < len(text.split(",")):
        return "has a label twice"
    wrong = checks.labels(found) is not None or not all(found.values())
    return "is neither a label's value nor labels (key=value,key=value)" if wrong else None


def fits(selector: Labels, found: Labels) -> bool:
    """Whether a selector chooses something with these labels: a label that is not there counts as empty (sdk
    pkg/tools/matchutils)."""
    return all(found.get(key, "") == value for key, value in selector.items())


def covers(selector: Labels, other: Labels) -> bool:
    """Whether all that ``other`` chooses is chosen by ``selector``, too."""
    return selector.items() <= other.items()


def told(selector: Labels, nothing: str) -> str:
    """Labels as people write them; ``nothing`` stands for none."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items())) or nothing


#: Workloads whose pods are made of a template that may change.
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")


def workloads(values: list[str]) -> str | None:
    """Names of workloads, perhaps after their kind."""
    for text in values:
        kind, slash, name = text.rpartition("/")
        if checks.dns_subdomain(name) or (slash and kind not in WORKLOADS):
            return f"must hold names, alone or after one of {', '.join(WORKLOADS)} and /, and {quoted(text)} is none"
    return None
