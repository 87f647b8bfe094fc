# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab import oci
from lab.oci import Image


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(b"#!/bin/true\n")
    return path


def read(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        return {entry.name: data.read() for entry in tar if (data := tar.extractfile(entry))}


def test_layer_is_executable_rooted_and_reproducible(tmp_path, program):
    first = oci.write_layer(tmp_path / "a.layer", {"usr/bin/x": program})
    second = oci.write_layer(tmp_path / "b.layer", {"usr/bin/x": program})
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        assert [(entry.name, entry.mode, entry.uid, entry.mtime) for entry in tar] == [
            ("usr", 0o755, 0, 0),
            ("usr/bin", 0o755, 0, 0),
            ("usr/bin/x", 0o755, 0, 0),
        ]


def test_every_blob_is_named_by_its_digest_and_shared_layers_are_written_once(tmp_path, program):
    base = oci.write_layer(tmp_path / "base.layer", {"base": program})
    top = oci.write_layer(tmp_path / "top.layer", {"top": program})
    images = [Image("example.org/a:1", [base, top], entrypoint=["/top"]), Image("example.org/b:2", [base])]
    archive = tmp_path / "images.tar"
    oci.write_archive(archive, images)

    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert len(names) == len(set(names))
    content = read(archive)
    for name, data in content.items():
        if name.startswith("blobs/sha256/"):
            assert name.removeprefix("blobs/sha256/") == hashlib.sha256(data).hexdigest()
    # Two layers, and for each image a configuration and a manifest.
    assert sum(name.startswith("blobs/") for name in names) == 2 + 2 * len(images)


def test_manifest_leads_to_configuration_and_layers(tmp_path, program):
    layer = oci.write_layer(tmp_path / "x.layer", {"x": program})
    archive = tmp_path / "images.tar"
    oci.write_archive(archive, [Image("example.org/x:7", [layer], entrypoint=["/x"], user="1:1", env={"A": "b"})])
    content = read(archive)

    def blob(descriptor: dict[str, Any]) -> bytes:
        data = content["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
        assert len(data) == descriptor["size"]
        return data

    (entry,) = json.loads(content["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "example.org/x:7"
    assert entry["annotations"]["org.opencontainers.image.ref.name"] == "7"
    manifest = json.loads(blob(entry))
    assert [blob(descriptor) for descriptor in manifest["layers"]] == [layer.read_bytes()]
    config = json.loads(blob(manifest["config"]))
    assert config["config"] == {"Entrypoint": ["/x"], "User": "1:1", "Env": ["A=b"]}
    assert config["rootfs"]["diff_ids"] == [descriptor["digest"] for descriptor in manifest["layers"]]
