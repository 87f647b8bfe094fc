# SPDX-License-Identifier: Apache-2.0
"""Checks for option values. Each returns what is wrong, as the end of a sentence, or None."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from .secrets import of_object, quoted, without_userinfo

#: RFC 1123 label, as Kubernetes requires for namespaces and Istio for revisions (at most 63 characters).
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
#: RFC 1123 subdomain, as Kubernetes requires for most object names.
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL.pattern}(\.{_LABEL.pattern})*")
#: Kubernetes label value.
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
#: Chart versions and image tags are semantic versions without a leading v.
_VERSION = re.compile(r"\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
#: Any scheme: helm has plugins for more than it fetches itself.
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]\S*")
#: Part of an image reference; charts put it between quotation marks that it must not end.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
#: Istio splits its annotation at commas, and at nothing else.
_TEMPLATE = re.compile(r"[^\s,]+")
_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{64}")
_KEY = "PRIVATE KEY-----"
#: A hundred years.
_DAYS = 36500


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str | None]:
    return lambda value: None if pattern.fullmatch(value) else f"must be {what}"


dns_label = _matching(_LABEL, "a DNS label (lower-case letters, digits and -, at most 63)")
dns_subdomain = _matching(_SUBDOMAIN, "a DNS subdomain (lower-case letters, digits, - and .)")
label_value = _matching(_LABEL_VALUE, "a Kubernetes label value (letters, digits, -, _ and ., at most 63)")
name = _matching(_SUBDOMAIN, "a name of an object (lower-case letters, digits, - and ., at most 253)")
version = _matching(_VERSION, "a full version such as 1.31.0")
image = _matching(_IMAGE, "an image, or a part of its name (letters, digits and ._-:/@)")


def url(value: str) -> str | None:
    """An address without credentials: helm would get them as arguments, which everybody on the machine can read."""
    if not _URL.fullmatch(value):
        return "must be a URL such as https://charts.example.com"
    return None if value == without_userinfo(value) else "must not hold credentials; helm registry login keeps them"


def positive(value: int) -> str | None:
    """A number of seconds or of things that cannot be zero."""
    return None if value > 0 else "must be more than 0"


def days(value: int) -> str | None:
    """A number of days from today on; calendars end."""
    return positive(value) or (None if value <= _DAYS else f"must be {_DAYS} at most")


def dns_labels(values: list[str]) -> str | None:
    """A list of namespace names."""
    return next((f"must hold DNS labels only, and {quoted(v)} is none" for v in values if dns_label(v)), None)


def some_dns_labels(values: list[str]) -> str | None:
    """The same, not empty."""
    return some(values) or dns_labels(values)


def object_names(values: list[str]) -> str | None:
    """A list of names of objects."""
    return next((f"must hold names of objects, and {quoted(v)} is none" for v in values if dns_subdomain(v)), None)


def placed_names(values: list[str]) -> str | None:
    """A list of names of objects, each alone or after its namespace."""
    what = "names of objects, alone or as namespace/name"
    return next((f"must hold {what}, and {quoted(v)} is none" for v in values if not _is_placed(v)), None)


def _is_placed(value: str) -> bool:
    namespace, slash, name = value.rpartition("/")
    return not dns_subdomain(name) and not (slash and dns_label(namespace))


def template_names(values: list[str]) -> str | None:
    """A list of names of injection templates."""
    return next(
        (f"must hold names of templates, and {quoted(v)} is none" for v in values if not _TEMPLATE.fullmatch(v)), None
    )


def digests(values: dict[str, str]) -> str | None:
    """A map of SHA-256 digests."""
    wrong = (f"must hold SHA-256 digests, and that of {name} is none" for name, v in values.items())
    return next((text for text, v in zip(wrong, values.values(), strict=True) if not _DIGEST.fullmatch(v)), None)


digest = _matching(_DIGEST, "a SHA-256 digest (64 hexadecimal digits)")


def certificate(value: str) -> str | None:
    """A certificate, or a chain of them, as PEM."""
    if _KEY in value:
        return "must hold no private key"
    return None if "-----BEGIN CERTIFICATE-----" in value else "must be a certificate in PEM form"


def private_key(value: str) -> str | None:
    """A private key as PEM."""
    return None if _KEY in value else "must be a private key in PEM form"


def some(values: list[Any]) -> str | None:
    """A list that is not empty."""
    return None if values else "must name at least one"


def shown_objects(values: list[dict[str, Any]]) -> str | None:
    """Objects that come back in a result, where anybody may read them: some, and no filled Secret among them."""
    secret = next((index for index, obj in enumerate(values) if any(of_object(obj))), None)
    if secret is None:
        return some(values)
    return f"must hold no Secrets, as the result is shown, and [{secret}] is or has one"


def port(value: int) -> str | None:
    """A port of TCP or UDP."""
    return None if 0 < value < 65536 else "must be a port (1 to 65535)"


def port_list(values: list[int]) -> str | None:
    """A list of ports."""
    return next((f"must hold ports (1 to 65535), and {v} is none" for v in values if port(v)), None)


def ports(values: dict[str, int]) -> str | None:
    """Ports by name."""
    wrong = (f"must hold ports by name, and {name}: {v} is none" for name, v in values.items() if port(v) or not name)
    return next(wrong, None)


def ip_address(value: str) -> str | None:
    """An IPv4 or IPv6 address."""
    return None if _is_ip(value) else "must be an IP address"


def address(value: str) -> str | None:
    """An IP address or a DNS name."""
    numeric = re.fullmatch(r"[\d.]+|.*:.*", value)
    return None if _is_ip(value) or not (numeric or dns_subdomain(value)) else "must be an IP address or a DNS name"


def addresses(values: list[str]) -> str | None:
    """A list of IP addresses or ranges (CIDR)."""
    return next((f"must hold IP addresses, and {quoted(v)} is none" for v in values if not _is_range(v)), None)


def host_names(values: list[str]) -> str | None:
    """A list of DNS names; the first label may be a wildcard."""
    names = ((v, v.removeprefix("*.")) for v in values)
    return some(values) or next(
        (f"must hold DNS names, and {quoted(v)} is none" for v, rest in names if address(rest)), None
    )


def labels(values: dict[str, str]) -> str | None:
    """Labels as Kubernetes has them."""
    wrong = (f"must hold labels, and {key}={v} is none" for key, v in values.items() if not _is_label(key, v))
    return next(wrong, None)


def _is_label(key: str, value: str) -> bool:
    prefix, slash, name_ = key.rpartition("/")
    return bool(name_) and not label_value(name_) and not label_value(value) and not (slash and dns_subdomain(prefix))


def _is_ip(value: str) -> bool:
    try:
        return bool(ipaddress.ip_address(value))
    except ValueError:
        return False


def _is_range(value: str) -> bool:
    try:
        return bool(ipaddress.ip_network(value, strict=False))
    except ValueError:
        return False


def placed_name(value: str) -> str | None:
    """The name of an object after its namespace."""
    return None if "/" in value and _is_placed(value) else "must be a name after its namespace (namespace/name)"


def token_seconds(value: int) -> str | None:
    """The life of a token; API servers refuse less than ten minutes."""
    return None if value >= 600 else "must be 600 at least"
