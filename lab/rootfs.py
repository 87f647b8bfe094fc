# SPDX-License-Identifier: Apache-2.0
"""The base layer of the images: a minimal system of this machine's own distribution and mirror."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from lab import cache, paths, versions
from lab.commands import run
from lab.errors import LabError
from lab.oci import architecture
from lab.progress import Progress

_APT = Path("/etc/apt")
_LEFT_OUT = ("./var/cache", "./var/log", "./var/lib/apt", "./usr/share/doc", "./usr/share/locale", "./usr/share/man")


def base_layer(progress: Progress) -> Path:
    """The layer as a tar file, made once per distribution release."""
    suite = release()
    digest = cache.key(suite, architecture(), repr(versions.ROOTFS_PACKAGES), repr(_LEFT_OUT))
    return cache.directory("rootfs", suite, digest, partial(_build, suite, progress)) / "base.tar"


def _build(suite: str, progress: Progress, into: Path) -> None:
    progress.note(f"debootstrap {suite} (about a minute when cold)")
    root, log = into / "root", paths.cache() / "logs" / "debootstrap.log"
    log.unlink(missing_ok=True)
    include = ",".join(versions.ROOTFS_PACKAGES)
    # A mount namespace of its own: whatever it mounts is gone with it, even when it fails.
    run(
        ["unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={include}", suite, root, mirror(suite)],
        what=f"debootstrap of {suite}",
        log=log,
    )
    excludes = [f"--exclude={path}/*" for path in _LEFT_OUT]
    run(
        ["tar", "-C", root, "--sort=name", "--mtime=@0", *excludes, "-cf", into / "base.tar", "."],
        what="packing the base layer",
    )
    run(["rm", "-rf", "--one-file-system", root], what="removing the unpacked base system")


def release() -> str:
    """This machine's own release: the programs built here need its C library in the images."""
    found = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise LabError("/etc/os-release names no Debian or Ubuntu release; the lab's native provider needs one.")
    return found.group(1)


def mirror(suite: str, apt: Path = _APT) -> str:
    """The mirror that this machine itself installs that release from."""
    for uri, suites, components in _sources(apt):
        if suite in suites and "main" in components:
            return uri
    raise LabError(f"no APT source in {apt} offers {suite} main; add the distribution's own source and run again.")


def _sources(apt: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    for path in (apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.list"))):
        if path.exists():
            yield from _one_line(path.read_text(encoding="utf-8"))
    for path in sorted((apt / "sources.list.d").glob("*.sources")):
        yield from _deb822(path.read_text(encoding="utf-8"))


def _one_line(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line).split()
        if len(words) > 3 and words[0] == "deb":
            yield words[1], [words[2]], words[3:]


def _deb822(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {name.lower(): value.split() for name, _, value in (line.partition(":") for line in lines)}
        if "deb" in fields.get("types", []) and fields.get("uris"):
            yield fields["uris"][0], fields.get("suites", []), fields.get("components", [])
