# SPDX-License-Identifier: Apache-2.0
"""Manifests that somebody else publishes: from a file, a directory or a URL; what was fetched is kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..model.errors import MeshError
from ..model.objects import Object
from . import cache
from .manifests import parse

#: Seconds until a server must have answered, and bytes beyond which no bundle of definitions is one.
_TIMEOUT, _MOST = 30, 32 << 20
_OF_THIS_MACHINE = (("http", "127.0.0.1"), ("http", "localhost"))
#: Files of a directory that only say how to put the others together.
_NOT_OBJECTS = ("kustomization.yaml", "kustomization.yml")


class Bundle(NamedTuple):
    """Objects, and the SHA-256 of the bytes that they were read from."""

    objects: list[Object]
    checksum: str


def get(source: str, checksum: str | None) -> Bundle:
    """The objects; raises MeshError ``bundle_unavailable`` or ``bundle_checksum``, and ``invalid_object`` with file and
    line."""
    texts = _fetched(source, checksum) if "://" in source else _read(Path(source).expanduser())
    found = hashlib.sha256(b"".join(texts.values())).hexdigest()
    if checksum and checksum.removeprefix("sha256:") != found:
        hint = "check where it comes from, then correct the checksum"
        raise MeshError("bundle_checksum", f"has SHA-256 {found}", where=source, hint=hint)
    return Bundle([obj for name, text in texts.items() for obj in parse(_decoded(text, name), name)], found)


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MeshError("invalid_object", "is not UTF-8", where=where) from None


def _read(path: Path) -> dict[str, bytes]:
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    try:
        found = {str(file): _bytes(file) for file in files if file.name not in _NOT_OBJECTS}
    except OSError as error:
        raise MeshError("bundle_unavailable", str(error.strerror), where=f"source {error.filename}") from error
    if not found:
        raise MeshError("bundle_unavailable", "holds no *.yaml files", where=f"source {path}")
    return found


def _bytes(path: Path) -> bytes:
    """A device has no end."""
    with path.open("rb") as file:
        return _bounded(file.read(_MOST + 1), str(path))


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > _MOST:
        raise MeshError("bundle_unavailable", f"has more than {_MOST >> 20} MiB", where=where)
    return data


def _refuse(url: str) -> None:
    """Raise for an address that everybody on the way could answer for, or that holds a password."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise MeshError("invalid_option", f"is no URL: {error}", where="source") from None
    if "@" in parts.netloc:
        hint = "fetch it by other means, and set source to the file"
        raise MeshError("invalid_option", "must not hold credentials", where="source", hint=hint)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _OF_THIS_MACHINE:
        raise MeshError("invalid_option", "must be a path or an https URL", where="source")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Leads nowhere that could not be said as the source."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Raise MeshError for such an address."""
        _refuse(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetched(url: str, checksum: str | None) -> dict[str, bytes]:
    """By checksum from what is kept; a URL without one may say something else tomorrow, and is asked again."""
    _refuse(url)
    kept = cache.directory("bundles") / f"{(checksum or '').removeprefix('sha256:')}.yaml"
    if checksum and kept.is_file():
        return {url: kept.read_bytes()}
    try:
        # As urlopen does, in place of which the sanity tests of ansible-core 2.17 want Ansible's own.
        with urllib.request.build_opener(_Redirects).open(url, timeout=_TIMEOUT) as answer:
            data = _bounded(answer.read(_MOST + 1), url)
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        hint = "set source to a file or directory with the definitions"
        raise MeshError("bundle_unavailable", f"cannot be fetched: {reason}", where=url, hint=hint) from error
    if checksum and hashlib.sha256(data).hexdigest() == checksum.removeprefix("sha256:"):
        _keep(kept, data)
    return {url: data}


def _keep(path: Path, data: bytes) -> None:
    """A full or read-only disk only costs the next fetch."""
    with contextlib.suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
