# SPDX-License-Identifier: Apache-2.0
"""What stands at paths of the host, as far as one may tell of it."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from typing import Any

_KINDS = ((stat.S_ISLNK, "link"), (stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"))


def look(path: str) -> dict[str, Any]:
    """``{path, kind, mode, owner, group}``; symbolic links are not followed."""
    try:
        found = os.lstat(path)
    except OSError:
        return {"path": path, "kind": "absent", "mode": "", "owner": "", "group": ""}
    kind = next((name for test, name in _KINDS if test(found.st_mode)), "other")
    return {
        "path": path,
        "kind": kind,
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "owner": _name(pwd.getpwuid, found.st_uid, "pw_name"),
        "group": _name(grp.getgrgid, found.st_gid, "gr_name"),
    }


def _name(lookup: Any, number: int, field: str) -> str:
    try:
        return str(getattr(lookup(number), field))
    except KeyError:
        return str(number)
