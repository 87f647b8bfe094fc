# SPDX-License-Identifier: Apache-2.0
"""Istio's package for VMs as a release ships it, and the same as plain files: agent, Envoy, unit, defaults.

As a deb and as an rpm. A second version of the same programs is there to be upgraded to. Packaging files come from
the Istio module.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from pathlib import Path

from lab import cache, rpm, sidecar_rpm, versions
from lab.commands import run
from lab.gotools import FAMILIES, module_source
from lab.images import envoy
from lab.oci import architecture
from lab.progress import Progress
from lab.state import Lab

NAME = "istio-sidecar"
_VERSIONS = (versions.ISTIO, versions.ISTIO_NEXT)
_PACKAGING = "tools/packaging"
_CONTROL = """Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: istio@istio.io
Section: default
Priority: extra
Homepage: http://istio.io
Depends: iproute2, iptables, sudo, hostname
Description: Istio Sidecar
"""
_CONFIGURATION = ("/var/lib/istio/envoy/envoy_bootstrap_tmpl.json", "/var/lib/istio/envoy/sidecar.env")


@dataclass(frozen=True)
class _File:
    source: Path
    mode: int = 0o644


def release(programs: dict[str, Path]) -> Path:
    """A directory with packages and archives of both versions, repositories of them for APT and dnf, and SHA256SUMS."""
    made_by = [Path(file) for file in (__file__, rpm.__file__, sidecar_rpm.__file__)]
    digest = cache.key(FAMILIES["istio"].digest(), versions.ENVOY, repr(_VERSIONS), architecture(), *made_by)
    return cache.directory("packages", NAME, digest, partial(_build, programs))


def link(directory: Path, source: Path) -> None:
    """Make the release available where people look for it."""
    temporary = directory.with_name(f".{directory.name}.new")
    temporary.unlink(missing_ok=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary.symlink_to(source)
    temporary.replace(directory)


def _build(programs: dict[str, Path], into: Path) -> None:
    progress = Progress("packages", len(_VERSIONS))
    packaging = module_source("istio", "istio.io/istio") / _PACKAGING
    with tempfile.TemporaryDirectory(dir=into) as work:
        root = Path(work) / "root"
        files = _files(programs, packaging)
        for name, file in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.source, root / name)
            (root / name).chmod(file.mode)
        for version in _VERSIONS:
            _archive(root, list(files), into / f"{NAME}-{version}.tar.gz")
            script, paths = packaging / "postinst.sh", [f"/{name}" for name in files]
            rpm.build(sidecar_rpm.spec(NAME, version, root, paths, _CONFIGURATION, script), into)
            _make_deb(root, script, version, into)
            for kind in _KINDS:
                _publish_as_a_release(kind, version, into)
            progress.step(f"{NAME} {version}")
    _index_debs(into)
    rpm.index(into)
    sums = [f"{_sha256(path)}  {path.name}\n" for path in sorted(into.glob(f"{NAME}*"))]
    (into / "SHA256SUMS").write_text("".join(sums), encoding="ascii")


def _files(programs: dict[str, Path], packaging: Path) -> dict[str, _File]:
    """What is where on a host."""
    common = packaging / "common"
    return {
        "usr/local/bin/pilot-agent": _File(programs["pilot-agent"], 0o755),
        "usr/local/bin/envoy": _File(envoy(), 0o755),
        "usr/local/bin/istio-start.sh": _File(common / "istio-start.sh", 0o755),
        "lib/systemd/system/istio.service": _File(common / "istio.service"),
        "var/lib/istio/envoy/sidecar.env": _File(common / "sidecar.env"),
        "var/lib/istio/envoy/envoy_bootstrap_tmpl.json": _File(common / "envoy_bootstrap.json"),
    }


def _archive(root: Path, names: Sequence[str], target: Path) -> None:
    """For a host without a package manager. No directory is in it: one would replace /lib where that is a link."""
    owner = ["--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]
    run(["tar", "-C", root, *owner, "-I", "gzip -1", "-cf", target, *names], what=f"packing {target.name}")


def published(lab: Lab, version: str = versions.ISTIO, kind: str = "deb") -> tuple[str, str]:
    """Where hosts of a lab find the package of a kind, ``deb`` or ``rpm``, and its SHA-256."""
    name = _KINDS[kind](version)
    return f"{lab.package_url}/{name}", _sha256(Path(lab.packages, name))


def _deb(version: str) -> str:
    return f"{NAME}_{version}_{architecture()}.deb"


def _rpm(version: str) -> str:
    return rpm.file_name(NAME, version)


#: By kind of a package the name of its file, of a version.
_KINDS = {"deb": _deb, "rpm": _rpm}


def _make_deb(root: Path, script: Path, version: str, into: Path) -> None:
    debian = root / "DEBIAN"
    debian.mkdir()
    control = _CONTROL.format(name=NAME, version=version, architecture=architecture())
    (debian / "control").write_text(control, encoding="utf-8")
    (debian / "conffiles").write_text("".join(f"{path}\n" for path in _CONFIGURATION), encoding="utf-8")
    shutil.copyfile(script, debian / "postinst")
    (debian / "postinst").chmod(0o755)
    package = into / _deb(version)
    run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, package], what=f"making {package.name}")
    # Of no other kind of package.
    shutil.rmtree(debian)


def _publish_as_a_release(kind: str, version: str, into: Path) -> None:
    """Under the name that a release has it by."""
    suffix = "" if architecture() == "amd64" else f"-{architecture()}"
    released = into / "releases" / version / kind / f"{NAME}{suffix}.{kind}"
    released.parent.mkdir(parents=True)
    released.symlink_to(Path("../../..") / _KINDS[kind](version))


def _index_debs(directory: Path) -> None:
    """A flat APT repository of the packages in the directory."""
    entries = []
    for package in sorted(directory.glob("*.deb")):
        control = run(["dpkg-deb", "--field", package], what=f"reading {package.name}").strip()
        digest = _sha256(package)
        entries.append(f"{control}\nFilename: ./{package.name}\nSize: {package.stat().st_size}\nSHA256: {digest}\n")
    text = "\n".join(entries).encode()
    (directory / "Packages").write_bytes(text)
    (directory / "Packages.gz").write_bytes(gzip.compress(text, mtime=0))
    lines = [f"Origin: {NAME}", f"Date: {formatdate(usegmt=True)}", "SHA256:"]
    for name in ("Packages", "Packages.gz"):
        lines.append(f" {_sha256(directory / name)} {(directory / name).stat().st_size} {name}")
    (directory / "Release").write_text("\n".join(lines) + "\n", encoding="ascii")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
