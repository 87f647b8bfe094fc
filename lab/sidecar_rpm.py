# SPDX-License-Identifier: Apache-2.0
"""Istio's package for hosts as an rpm, in all that counts as Istio's own build makes it (packaging.mk there)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from lab import rpm

# What runs after the installation is for /bin/sh, which on systems with rpm is bash: the script needs that.
_SPEC = """Name: {name}
Version: {version}
Release: 1
Summary: Istio Sidecar
License: Apache
Vendor: istio.io
Packager: istio@istio.io
URL: http://istio.io
AutoReqProv: no
Requires: iproute
Requires: iptables
Requires: sudo
Requires: hostname

%description
Istio Sidecar

%install
cp --archive "{root}/." "%{{buildroot}}"

%post
{script}
%files
%defattr(-,root,root,-)
{files}
"""


def spec(name: str, version: str, root: Path, files: Iterable[str], configuration: Sequence[str], script: Path) -> str:
    """The text of the spec, for these files below a root, of which some are configuration that an administrator may
    change, and for the script that runs when they are there."""
    lines = (f"%config(noreplace) {path}" if path in configuration else path for path in files)
    text = rpm.literal(script.read_text(encoding="utf-8"))
    return _SPEC.format(name=name, version=version, root=root, script=text, files="\n".join(lines))
