# SPDX-License-Identifier: Apache-2.0
"""The lab's programs, built from Go modules with pinned checksums; one family is one go.mod."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lab import cache, packages, paths, versions
from lab.commands import run
from lab.errors import LabError
from lab.progress import Progress

_K8S_VERSION = "k8s.io/component-base/version"
_ISTIO_VERSION = "istio.io/istio/pkg/version"


@dataclass(frozen=True)
class Family:
    """Programs that are built together: file name -> Go package."""

    name: str
    programs: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    static: bool = False
    cgo: bool = False
    """Whether it has parts in C, so that a C compiler must be there."""
    on_request: bool = False
    """Whether clusters and hosts do without, so that it is built only for who asks for it."""
    modules: Path = paths.GO_MODULES
    """Where the directory of the family is: others than the lab have programs, too."""

    @property
    def module(self) -> Path:
        """The directory of its go.mod."""
        return self.modules / self.name

    def arguments(self) -> list[str]:
        """Flags of `go build`."""
        values = " ".join(f"-X {name}={value}" for name, value in self.variables.items())
        return ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w {values}".strip()]

    def digest(self) -> str:
        """Cache key: everything that decides what comes out."""
        sources = sorted(self.module.rglob("*.go"))
        sums = [path for path in (self.module / "go.mod", self.module / "go.sum") if path.exists()]
        return cache.key(repr(self.programs), repr(self.arguments()), str(self.static), *sums, *sources)


def _kubernetes(*names: str) -> dict[str, str]:
    return {name: f"k8s.io/kubernetes/cmd/{name}" for name in names}


_CONTAINERD = "github.com/containerd/containerd/v2/cmd"
_MAJOR, _MINOR, _ = versions.KUBERNETES.split(".")

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
        Family(
            "kubernetes",
            _kubernetes("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
            {
                f"{_K8S_VERSION}.gitVersion": f"v{versions.KUBERNETES}",
                f"{_K8S_VERSION}.gitMajor": _MAJOR,
                f"{_K8S_VERSION}.gitMinor": _MINOR,
            },
        ),
        Family(
            "containerd",
            {name: f"{_CONTAINERD}/{name}" for name in ("containerd", "containerd-shim-runc-v2", "ctr")},
        ),
        Family("coredns", {"coredns": "github.com/coredns/coredns"}),
        Family(
            "istio",
            {
                "pilot-discovery": "istio.io/istio/pilot/cmd/pilot-discovery",
                "pilot-agent": "istio.io/istio/pilot/cmd/pilot-agent",
                "istioctl": "istio.io/istio/istioctl/cmd/istioctl",
                "istio-cni": "istio.io/istio/cni/cmd/istio-cni",
                "install-cni": "istio.io/istio/cni/cmd/install-cni",
                "charts": "./charts",
            },
            {
                f"{_ISTIO_VERSION}.buildVersion": versions.ISTIO,
                f"{_ISTIO_VERSION}.buildTag": versions.ISTIO,
                f"{_ISTIO_VERSION}.buildHub": versions.ISTIO_HUB,
                f"{_ISTIO_VERSION}.buildStatus": "Clean",
            },
        ),
        Family("helm", {"helm": "helm.sh/helm/v4/cmd/helm"}),
        Family("helm3", {"helm3": "helm.sh/helm/v3/cmd/helm"}),
        Family("registry", {"registry": "github.com/distribution/distribution/v3/cmd/registry"}),
        Family("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
        Family(
            "pulumi",
            {"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
            {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{versions.PULUMI}"},
            on_request=True,
        ),
        Family(
            "spire",
            {name: f"github.com/spiffe/spire/cmd/{name}" for name in ("spire-server", "spire-agent")},
            {"github.com/spiffe/spire/pkg/common/version.gittag": versions.SPIRE},
            cgo=True,
            on_request=True,
        ),
        Family(
            "nsm",
            {
                "nsm-registry": "./registry",
                "nsm-registry-proxy": "./registry-proxy",
                "nsmgr": "./nsmgr",
                "nsmgr-proxy": "./nsmgr-proxy",
                "nsm-forwarder": "./forwarder",
                "nsm-endpoint": "./endpoint",
                "nsm-client": "./client",
            },
            static=True,
            on_request=True,
        ),
        Family("shop", {"shop": "."}, static=True),
        Family("pause", {"pause": "."}, static=True),
    )
}


_OF_THE_LAB = [family.name for family in FAMILIES.values() if not family.on_request]


def build(names: list[str] | None = None) -> dict[str, Path]:
    """Build the families (all that clusters need by default) that the cache lacks; returns every program's path by its
    name."""
    unknown = sorted(set(names or ()) - set(FAMILIES))
    if unknown:
        raise LabError(f"unknown family {', '.join(unknown)}; there are {', '.join(FAMILIES)}.")
    return build_families([FAMILIES[name] for name in names or _OF_THE_LAB])


def build_families(wanted: Sequence[Family]) -> dict[str, Path]:
    """Build what the cache lacks of these; returns every program's path by its name."""
    progress = Progress("tools", len(wanted))
    programs: dict[str, Path] = {}
    for family in wanted:
        directory = cache.directory("tools", family.name, family.digest(), partial(_compile, family, progress))
        programs.update({name: directory / name for name in family.programs})
    return programs


def _compile(family: Family, progress: Progress, into: Path) -> None:
    if shutil.which("go") is None:
        raise LabError("no Go compiler on PATH; install Go 1.26 or newer (https://go.dev/doc/install) and run again.")
    progress.note(f"building {family.name} (minutes when cold)")
    log = paths.cache() / "logs" / f"build-{family.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    environment = {"GOFLAGS": "", "GOWORK": "off"}
    if family.static:
        environment["CGO_ENABLED"] = "0"
    if family.cgo:
        packages.ensure(packages.COMPILER)
        # Else Go would leave these parts out where it finds no compiler, and the program fail when it runs.
        environment["CGO_ENABLED"] = "1"
    for name, package in family.programs.items():
        # One program at a time: linking several at once takes more memory than small machines have.
        run(
            ["go", "build", *family.arguments(), "-o", into / name, package],
            what=f"building {name} in {family.module}",
            log=log,
            env=environment,
            cwd=family.module,
        )
    progress.step(f"built {family.name}")


def link_into(directory: Path, programs: dict[str, Path]) -> None:
    """Make the programs available under one directory, for PATH."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, target in programs.items():
        link = directory / name
        if link.is_symlink() and Path(os.readlink(link)) == target:
            continue
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def module_source(family: str, module: str) -> Path:
    """Where Go keeps the source of a module that the family is built from: some of its data files are needed too."""
    found = run(
        ["go", "list", "-m", "-f", "{{.Dir}}", module],
        what=f"looking module {module} up",
        env={"GOFLAGS": "-mod=readonly", "GOWORK": "off"},
        cwd=FAMILIES[family].module,
    )
    return Path(found.strip())
