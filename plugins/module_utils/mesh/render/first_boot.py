# SPDX-License-Identifier: Apache-2.0
"""Joins a new machine to the mesh. cloud-init runs this file on the machine, so it stands alone: Python 3.8 and its own
library. It reads what `user_data.py` has put beside it, and removes both in the end."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import time
import urllib.request
from typing import Any

HERE = "/var/lib/meshops"
ASKED = f"{HERE}/first_boot.json"
_TRIES, _PAUSE = 10, 6
#: Package manager -> how it installs a file.
_INSTALL = {
    "apt-get": ["--yes", "install"],
    "dnf": ["--assumeyes", "--nogpgcheck", "install"],
    "yum": ["--assumeyes", "--nogpgcheck", "install"],
}


def main() -> None:
    """Install the agent, give it its files, start it."""
    with open(ASKED, encoding="utf-8") as file:
        asked = json.load(file)
    record(asked)
    install(asked["package"])
    for item in asked["files"]:
        write(item)
    with open("/etc/hosts", encoding="utf-8") as file:
        text = file.read()
    if asked["hosts"] not in text:
        with open("/etc/hosts", "a", encoding="utf-8") as file:
            file.write(("" if not text or text.endswith("\n") else "\n") + asked["hosts"])
    run("systemctl", "daemon-reload")
    run("systemctl", "enable", "--now", "istio")
    os.unlink(ASKED)
    os.unlink(__file__)


def record(asked: dict[str, Any]) -> None:
    """What the machine was like, so that it can leave the mesh again."""
    if os.path.exists(asked["record"]):
        return
    account = {"user": known(pwd.getpwnam, asked["agent"]), "group": known(grp.getgrnam, asked["agent"])}
    paths = [path for path in (*asked["trees"], *asked["parents"]) if os.path.lexists(path)]
    directories = [standing(path) for path in paths if os.path.isdir(path) and not os.path.islink(path)]
    told = {"account": account, "package": "", "enabled": False, "paths": paths, "directories": directories}
    text = json.dumps(told, indent=4, sort_keys=True) + "\n"
    write({"path": asked["record"], "content": text, "owner": "root", "group": "root", "mode": "0600"})


def standing(path: str) -> dict[str, str]:
    """Who may do what there; owner and group by their numbers."""
    found = os.stat(path)
    return {
        "path": path,
        "mode": f"{found.st_mode & 0o7777:04o}",
        "owner": str(found.st_uid),
        "group": str(found.st_gid),
    }


def known(lookup: Any, name: str) -> bool:
    """Whether there is a user or group of that name."""
    try:
        return bool(lookup(name))
    except KeyError:
        return False


def install(package: dict[str, str]) -> None:
    """Fetch the package, check it, install it."""
    path = os.path.join(HERE, os.path.basename(package["url"]))
    for tried in range(_TRIES):
        try:
            fetch(package["url"], path)
            break
        except OSError as error:
            if tried == _TRIES - 1:
                raise SystemExit(f"{package['url']}: {error}") from None
            time.sleep(_PAUSE)
    with open(path, "rb") as file:
        found = hashlib.sha256(file.read()).hexdigest()
    if found != package["sha256"]:
        os.unlink(path)
        raise SystemExit(f"{package['url']}: has SHA-256 {found}, not {package['sha256']}")
    manager = next((name for name in _INSTALL if shutil.which(name)), None)
    if manager is None:
        raise SystemExit(f"no package manager of {', '.join(_INSTALL)} is here")
    run(manager, *_INSTALL[manager], path)
    os.unlink(path)


def fetch(url: str, path: str) -> None:
    """Download a file."""
    with urllib.request.build_opener().open(url, timeout=60) as answer, open(path, "wb") as file:
        shutil.copyfileobj(answer, file)


def write(item: dict[str, str]) -> None:
    """One file, for those eyes only that it is for."""
    directory = os.path.dirname(item["path"])
    if not os.path.isdir(directory):
        os.makedirs(directory, 0o755)
        if "directory_mode" in item:
            os.chmod(directory, int(item["directory_mode"], 8))
            shutil.chown(directory, item["owner"], item["group"])
    temporary = f"{item['path']}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(item["content"])
    shutil.chown(temporary, item["owner"], item["group"])
    os.chmod(temporary, int(item["mode"], 8))
    os.replace(temporary, item["path"])


def run(*command: str) -> None:
    """A command that must succeed."""
    environment: dict[str, str] = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    arguments: list[str] = list(command)
    subprocess.run(arguments, check=True, env=environment)


if __name__ == "__main__":
    main()
