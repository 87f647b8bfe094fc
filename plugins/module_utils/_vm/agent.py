# SPDX-License-Identifier: Apache-2.0
"""Istio's agent on the host: which one is installed, whether it runs, and whether with what is on disk now."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
from typing import Any, Mapping

from .running import program, run, text_of

BINARY = "/usr/local/bin/pilot-agent"
UNIT = "istio.service"
#: What the guard (role vm_workload) notes when the agent starts: as sha256sum(1) prints it.
STARTED = "/run/meshops/istio.started"
LOG = "/var/log/istio/istio.log"
_PROCESSES = ("pilot-agent", "envoy")
#: Proxies and agents of other meshes, which capture traffic, too; as the kernel cuts their names.
_OTHERS = ("linkerd2-proxy", "kuma-dp", "consul-dataplan", "aws-appmesh-env")
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "NRestarts", "MainPID")
_PAUSE = 0.5
_COMPLAINT = re.compile(r"^\S+\s+(?:error|warn)\s+(.*)$", re.MULTILINE)


def package_version() -> str:
    """The version of the package istio-sidecar; empty where it is not installed, or not by a package."""
    if program("dpkg-query"):
        status, _tab, version = run(
            ["dpkg-query", "-Wf", "${db:Status-Abbrev}\t${Version}", "istio-sidecar"]
        ).out.partition("\t")
        return version if status.startswith("ii") else ""
    if program("rpm"):
        ran = run(["rpm", "-q", "--qf", "%{VERSION}-%{RELEASE}", "istio-sidecar"])
        return ran.out if ran.code == 0 else ""
    return ""


def version() -> str:
    """What the agent says of itself (``client version: 1.31.0``); empty where there is none."""
    said = run([BINARY, "version", "--short"]).out.split() if os.path.exists(BINARY) else []
    return said[-1] if said else ""


def unit() -> dict[str, Any]:
    """``{exists, active, enabled, state, restarts}`` of the unit."""
    shown = run(["systemctl", "show", UNIT, "--property=" + ",".join(_PROPERTIES)]).out
    found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    return {
        "exists": found.get("LoadState") == "loaded",
        "active": found.get("ActiveState") == "active",
        "enabled": found.get("UnitFileState") == "enabled",
        "state": "{ActiveState}/{SubState} ({Result})".format(**found) if "Result" in found else "",
        "restarts": int(found.get("NRestarts") or 0),
    }


def processes() -> dict[int, str]:
    """Pid -> path of the program, of the agent and its proxy; the kernel adds `` (deleted)`` where it was replaced."""
    found = {pid: _link(f"/proc/{pid}/exe") for pid, name in _names().items() if name in _PROCESSES}
    return {pid: path for pid, path in found.items() if path}


def _names() -> dict[int, str]:
    """Pid -> name of the host's processes; those of containers on it are none of ours."""
    ours = _link("/proc/self/ns/pid")
    pids = (pid for pid in filter(str.isdigit, os.listdir("/proc")) if _link(f"/proc/{pid}/ns/pid") == ours)
    return {int(pid): text_of(f"/proc/{pid}/comm").strip() for pid in pids}


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:  # gone, or of others
        return ""


def outdated(noted: str, running: Mapping[int, str]) -> list[str]:
    """Paths that are not what the agent was started with, of the text of STARTED and of its processes."""
    lines = (line.split(None, 1) for line in noted.splitlines())
    files = [path for digest, path in (words for words in lines if len(words) == 2) if digest_of(path) != digest]
    gone = " (deleted)"
    return sorted({*files, *(path[: -len(gone)] for path in running.values() if path.endswith(gone))})


def digest_of(path: str) -> str:
    """The SHA-256 of a small file; empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def readiness(port: int = 15021, timeout: float = 3.0) -> tuple[bool, str]:
    """Whether the proxy says that it is ready, else why not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/healthz/ready")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return False, "127.0.0.1:{} does not answer: {}".format(port, getattr(error, "strerror", None) or error)
    finally:
        connection.close()
    return status == 200, "" if status == 200 else f"127.0.0.1:{port}/healthz/ready answers {status}"


def await_ready(seconds: float, port: int = 15021) -> None:
    """Return when the proxy says that it is ready, or after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not readiness(port)[0]:
        time.sleep(_PAUSE)


def complaints(log: str, most: int = 3) -> list[str]:
    """The last warnings and errors of the text of the agent's log, each once."""
    found = list(dict.fromkeys(" ".join(text.split())[:300] for text in _COMPLAINT.findall(log)))
    return found[-most:]


def look() -> dict[str, Any]:
    """``agent`` as the module vm_host documents it."""
    running = processes()
    noted = text_of(STARTED)
    ready, reason = readiness() if running else (False, "it does not run")
    return {
        "version": version(),
        "package_version": package_version(),
        "unit": unit(),
        "running": bool(running),
        "outdated": outdated(noted, running) if running else [],
        "noted": bool(noted),
        "others": sorted({name for name in _names().values() if name in _OTHERS}),
        "ready": ready,
        "reason": reason,
        "complaints": [] if ready else complaints(_end_of(LOG)),
    }


def _end_of(path: str, length: int = 1 << 16) -> str:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - length))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
