# SPDX-License-Identifier: Apache-2.0
"""What the module vm_files does: files, directories and names of hosts brought to what is declared, or away."""

from __future__ import annotations

import difflib
import errno
import grp
import os
import pwd
import re
from typing import Any, Mapping, NamedTuple, Sequence

from . import files, naming
from .walking import Refused, opened

HOSTS = "/etc/hosts"
_NOBODY_YET = -1
_FIRST = "make it first; istio-proxy comes with Istio's package"


class Outcome(NamedTuple):
    """What became of a path, and for people the difference, if it may be shown."""

    path: str
    action: str
    diff: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return self.action not in _STAYS


#: Actions that change nothing.
_STAYS = ("unchanged", "kept", "absent")


def present(item: Mapping[str, Any], check: bool) -> Outcome:
    """The file as declared. One without content, and one that is written but once and is there, stays as it is."""
    path = str(item["path"])
    if item["content"] is None:
        return Outcome(path, "kept")
    wanted = _standing(item, item["mode"], check)
    data = str(item["content"]).encode()
    found = _look(path)
    if found is not None and item["once"]:
        return Outcome(path, "kept")
    if found is not None and found.data is not None and _SAME[item["kind"]](found, data, wanted):
        return Outcome(path, "unchanged")
    if not check:
        directory, name = _split(path)
        with opened(directory, _maker(_standing(item, item["directory_mode"], check))) as descriptor:
            files.replace(descriptor, name, data, wanted)
    return Outcome(path, "changed" if found else "created", _difference(path, found, data, item))


def _same_text(found: files.Found, data: bytes, wanted: files.Standing) -> bool:
    # With a second name, a change of its mode would be one of the other name's, too: it is written anew.
    return found.data == data and found.standing == wanted and found.links == 1


def _same_certificates(found: files.Found, data: bytes, wanted: files.Standing) -> bool:
    """All that are wanted are there, for the same owner, and nobody may do more than is wanted."""
    strict = not found.standing.mode & ~wanted.mode and found.standing.owner == wanted.owner
    return strict and found.links == 1 and set(_PEM.findall(data)) <= set(_PEM.findall(found.data or b""))


_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
#: By kind of a file what makes another one of its place as good.
_SAME = {"text": _same_text, "certificates": _same_certificates}


def absent(item: Mapping[str, Any], check: bool) -> Outcome:
    """No file."""
    path = str(item["path"])
    if _look(path) is None:
        return Outcome(path, "absent")
    if not check:
        directory, name = _split(path)
        with opened(directory) as descriptor:
            files.remove(descriptor, name)
    return Outcome(path, "removed")


def directory_present(item: Mapping[str, Any], check: bool) -> Outcome:
    """The directory with mode, owner and group as declared."""
    path, wanted = str(item["path"]), _standing(item, item["mode"], check)
    try:
        with opened(path) as descriptor:
            if files.standing(os.fstat(descriptor)) == wanted:
                return Outcome(path, "unchanged")
            if not check:
                files.set_standing(descriptor, wanted)
            return Outcome(path, "changed")
    except FileNotFoundError:
        if not check:
            with opened(path, _maker(wanted)):
                pass
        return Outcome(path, "created")


def directory_absent(item: Mapping[str, Any], check: bool) -> Outcome:
    """No directory; unless all of it is to go, one that holds something is kept. A symbolic link alone goes."""
    path = str(item["path"])
    parent, name = _split(path)
    try:
        with opened(parent) as descriptor:
            if files.look(descriptor, name) is None:
                return Outcome(path, "absent")
            if check:
                return Outcome(path, "removed" if item["whole"] or _empty(descriptor, name) else "kept")
            if item["whole"]:
                files.remove_tree(descriptor, name)
            else:
                os.rmdir(name, dir_fd=descriptor)
    except FileNotFoundError:
        return Outcome(path, "absent")
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR) and not item["whole"]:
            return Outcome(path, "kept")
        raise
    return Outcome(path, "removed")


def _empty(directory: int, name: str) -> bool:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        return not os.listdir(descriptor)
    finally:
        os.close(descriptor)


def hosts(entries: Sequence[Mapping[str, str]], check: bool, path: str = HOSTS) -> Outcome:
    """Our block of /etc/hosts with these entries, or none."""
    found = _look(path)
    before = (found.data or b"").decode("utf-8", "surrogateescape") if found else ""
    after = naming.within(before, [naming.Entry(item["address"], item["name"]) for item in entries])
    if before == after:
        return Outcome(path, "unchanged")
    data = after.encode("utf-8", "surrogateescape")
    if not check:
        directory, name = _split(os.path.realpath(path))
        with opened(directory) as descriptor:
            files.replace(descriptor, name, data, found.standing if found else files.Standing(0o644, 0, 0))
    return Outcome(path, "changed", _difference(path, found, data, {"secret": False}))


def _split(path: str) -> tuple[str, str]:
    directory, name = os.path.split(path.rstrip("/"))
    if not directory.startswith("/") or name in ("", ".", "..") or ".." in directory.split("/"):
        raise Refused(f"{path}: must be an absolute path without ..")
    return directory, name


def _look(path: str) -> files.Found | None:
    directory, name = _split(path)
    try:
        with opened(directory) as descriptor:
            return files.look(descriptor, name)
    except FileNotFoundError:
        return None


def _maker(wanted: files.Standing) -> Any:
    def make(parent: int, name: str) -> None:
        os.mkdir(name, 0o700, dir_fd=parent)
        descriptor = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            files.set_standing(descriptor, wanted)
        finally:
            os.close(descriptor)

    return make


def _standing(item: Mapping[str, Any], mode: str, check: bool) -> files.Standing:
    """In check mode an owner may be one whom an earlier task would have made; nothing that is there is theirs."""
    try:
        number = int(mode, 8)
    except ValueError:
        raise Refused("{}: the mode must be octal, such as '0640', not {!r}".format(item["path"], mode)) from None
    return files.Standing(number, _user(item["owner"], check), _group(item["group"], check))


def _user(name: str, check: bool) -> int:
    try:
        return int(name) if name.isdigit() else pwd.getpwnam(name).pw_uid
    except KeyError:
        if check:
            return _NOBODY_YET
        raise Refused(f"there is no user {name} ({_FIRST})") from None


def _group(name: str, check: bool) -> int:
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        if check:
            return _NOBODY_YET
        raise Refused(f"there is no group {name} ({_FIRST})") from None


def _difference(path: str, found: files.Found | None, data: bytes, item: Mapping[str, Any]) -> str:
    """For people; of a secret only that it is another one."""
    if item["secret"]:
        return f"--- {path}\n+++ {path}\n@@ secret @@\n-(before)\n+(after)\n"
    before = (found.data or b"").decode("utf-8", "replace") if found else ""
    lines = difflib.unified_diff(before.splitlines(True), data.decode("utf-8", "replace").splitlines(True), path, path)
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


def steps(options: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Functions of this file and what each is given, in the order in which they are done."""
    named = [(hosts, options["hosts"] if options["state"] == "present" else [])] if options["hosts"] is not None else []
    if options["state"] == "present":
        made = [(directory_present, item) for item in options["directories"]]
        return [*made, *((present, item) for item in options["files"]), *named]
    gone = [(directory_absent, item) for item in options["directories"]]
    return [*named, *((absent, item) for item in options["files"]), *gone]


def told(done: Sequence[Outcome]) -> dict[str, Any]:
    """The module's result."""
    return {
        "changed": any(item.changed for item in done),
        "files": [{"path": item.path, "action": item.action} for item in done],
    }


#: What to do about errors that are nobody's fault but the host's.
_HINTS = {
    errno.ENOSPC: "the old file is as it was; free some space and run again",
    errno.EDQUOT: "the old file is as it was; free some space and run again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EACCES: "run with become, and look at the denials of SELinux or AppArmor",
    errno.EPERM: "run with become, and look for the immutable attribute (lsattr)",
}


def said(error: OSError) -> str:
    """In one line."""
    hint = _HINTS.get(error.errno or 0)
    text = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return f"{text} ({hint})" if hint else text
