# SPDX-License-Identifier: Apache-2.0
"""Who listens on which TCP port, and by which port the person or program that looks came in."""

from __future__ import annotations

import os
import re
from typing import Any, Iterable, NamedTuple

from .running import run, text_of

#: Ports that the agent and its proxy take (istio.io, "Application requirements").
AGENT_PORTS = (15000, 15001, 15004, 15006, 15020, 15021, 15053, 15090)
#: Programs that are an SSH server.
_SSH = ("sshd", "dropbear")
_LISTENING = "0A"  # TCP_LISTEN in /proc/net/tcp


class Listener(NamedTuple):
    """A listening socket."""

    port: int
    inode: str


def listeners(*tables: str) -> list[Listener]:
    """Of the texts of /proc/net/tcp and tcp6."""
    rows = (line.split() for table in tables for line in table.splitlines()[1:])
    return [
        Listener(int(row[1].rpartition(":")[2], 16), row[9]) for row in rows if len(row) > 9 and row[3] == _LISTENING
    ]


def owners(inodes: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Inode of a socket -> pid and name of a process that has it open, as far as one may see."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, tuple[int, str]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for target in _open_files(pid):
            if target in wanted and wanted[target] not in found:
                found[wanted[target]] = (int(pid), text_of(f"/proc/{pid}/comm").strip())
    return found


def _open_files(pid: str) -> list[str]:
    directory = f"/proc/{pid}/fd"
    try:
        return [_target(os.path.join(directory, number)) for number in os.listdir(directory)]
    except OSError:  # gone, or of others
        return []


def _target(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def session_port(pid: int | None = None) -> int | None:
    """The port on this host of the SSH session in which the process runs. ``sudo`` takes SSH_CONNECTION out of the
    environment, so that of the processes above is looked at."""
    pid = os.getpid() if pid is None else pid
    while pid > 1:
        port = connection_port(text_of(f"/proc/{pid}/environ"))
        if port:
            return port
        parent = re.search(r"^PPid:\s*(\d+)", text_of(f"/proc/{pid}/status"), re.MULTILINE)
        pid = int(parent.group(1)) if parent else 0
    return None


def connection_port(environment: str) -> int | None:
    """Of an environment's NUL-separated text the server's port of SSH_CONNECTION (client, port, server, port)."""
    for entry in environment.split("\0"):
        name, _equals, value = entry.partition("=")
        words = value.split()
        if name == "SSH_CONNECTION" and len(words) == 4 and words[3].isdigit():
            return int(words[3])
    return None


def socket_ports(shown: str) -> list[int]:
    """Of what ``systemctl show --property=Listen`` says of units of type socket."""
    return [int(port) for port in re.findall(r"^Listen=.*:(\d+) \(Stream\)$", shown, re.MULTILINE)]


def look() -> dict[str, Any]:
    """``listening``: who has the agent's ports; ``ssh_ports``: all by which SSH comes in."""
    found = listeners(text_of("/proc/net/tcp", 1 << 24), text_of("/proc/net/tcp6", 1 << 24))
    who = owners(item.inode for item in found)
    listening = {
        item.port: {
            "port": item.port,
            "pid": who.get(item.inode, (0, ""))[0],
            "process": who.get(item.inode, (0, ""))[1],
        }
        for item in found
        if item.port in AGENT_PORTS
    }
    ssh = {item.port for item in found if who.get(item.inode, (0, ""))[1] in _SSH}
    # Where systemd listens for the server (ssh.socket), it is the process that has the port.
    ssh.update(socket_ports(run(["systemctl", "show", "--property=Listen", "ssh.socket", "sshd.socket"]).out))
    session = session_port()
    return {
        "listening": [listening[port] for port in sorted(listening)],
        "ssh_ports": sorted(ssh | ({session} if session else set())),
    }
