# SPDX-License-Identifier: Apache-2.0
"""Writes image archives (OCI image layout in a tar file) without a container engine."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """A name, its layers from the bottom up (tar files), and what the container runs."""

    name: str
    layers: Sequence[Path]
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def config(self) -> dict[str, object]:
        """The `config` object of the image configuration, without empty fields."""
        values: dict[str, object] = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "Env": [f"{name}={value}" for name, value in self.env.items()],
        }
        return {name: value for name, value in values.items() if value}


def architecture() -> str:
    """This machine's architecture in OCI's words."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def write_layer(target: Path, files: Mapping[str, Path]) -> Path:
    """A layer of executables: path in the image -> file; owned by root, the same bytes for the same input."""
    directories = sorted({str(parent) for name in files for parent in Path(name).parents if str(parent) != "."})
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for directory in directories:
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, source in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = source.stat().st_size, 0o755
            with source.open("rb") as data:
                tar.addfile(entry, data)
    return target


def write_archive(target: Path, images: Sequence[Image]) -> None:
    """One archive of several images; a layer that images share is in it once."""
    digests: dict[Path, str] = {}
    manifests: list[dict[str, object]] = []
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        blobs = _Blobs(tar)
        for image in images:
            for layer in image.layers:
                if layer not in digests:
                    digests[layer] = blobs.add_file(layer)
            manifests.append(_add_image(blobs, image, digests))
        _add(tar, "index.json", _json({"schemaVersion": 2, "manifests": manifests}))
        _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))


class _Blobs:
    """Content-addressed entries of the archive, each written once."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._written: set[str] = set()

    def add_file(self, path: Path) -> str:
        with path.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
            if digest not in self._written:
                self._written.add(digest)
                data.seek(0)
                entry = tarfile.TarInfo(f"blobs/sha256/{digest}")
                entry.size = path.stat().st_size
                self._tar.addfile(entry, data)
        return f"sha256:{digest}"

    def add_json(self, value: object) -> tuple[str, int]:
        data = _json(value)
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._written:
            self._written.add(digest)
            _add(self._tar, f"blobs/sha256/{digest}", data)
        return f"sha256:{digest}", len(data)


def _add_image(blobs: _Blobs, image: Image, digests: Mapping[Path, str]) -> dict[str, object]:
    diff_ids = [digests[layer] for layer in image.layers]
    config, config_size = blobs.add_json(
        {
            "architecture": architecture(),
            "os": "linux",
            "config": image.config(),
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
    )
    layers = [{"mediaType": _LAYER, "digest": digests[layer], "size": layer.stat().st_size} for layer in image.layers]
    manifest, manifest_size = blobs.add_json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "digest": config, "size": config_size},
            "layers": layers,
        }
    )
    return {
        "mediaType": _MANIFEST,
        "digest": manifest,
        "size": manifest_size,
        "platform": {"architecture": architecture(), "os": "linux"},
        "annotations": {
            "io.containerd.image.name": image.name,
            "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
        },
    }


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
