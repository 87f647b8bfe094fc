# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m lab COMMAND`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lab import native, paths, progress, providers, state, status
from lab.domains import lifecycle as domains
from lab.errors import LabError
from lab.hosts import control, lifecycle
from lab.request import Request

_DEFAULT_CLUSTERS = ["onprem", "cloud"]
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options) or 0
    except LabError as error:
        progress.say(f"lab: error: {error}")
        return 1
    except KeyboardInterrupt:
        progress.say("lab: interrupted; `python -m lab down` removes what was started, `up` goes on.")
        # Threads may wait for clusters that nobody wants any more.
        os._exit(_INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Real Kubernetes clusters on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring clusters up; what is up already is left alone")
    up.add_argument("--clusters", nargs="*", metavar="NAME", help="default: onprem cloud")
    up.add_argument("--api", action="store_true", help="also a bare API server, as cluster `api`")
    up.add_argument("--kwok", type=int, default=0, metavar="N", help="simulated nodes on the cluster `api`")
    up.add_argument("--istiod", action="store_true", help="with --kwok: istiod as a process when its pods are there")
    up.add_argument("--hosts", type=int, default=0, metavar="N", help="hosts with systemd and sshd: vm1, vm2, ...")
    up.add_argument("--rpm", nargs="+", default=(), metavar="HOST", help="of them those that take rpms, by dnf")
    up.add_argument(
        "--domains", type=int, default=0, metavar="N", help="domains of Network Service Mesh: domain1, domain2, ..."
    )
    down = commands.add_parser("down", help="remove clusters, hosts and domains; all when none is named")
    down.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("env", help="print what to export")
    show = commands.add_parser("status", help="what is up")
    show.add_argument("--json", action="store_true")
    build = commands.add_parser("build", help="only build tools, images, packages and the base of hosts")
    build.add_argument("families", nargs="*", metavar="FAMILY")
    load = commands.add_parser("load", help="import image archives into the running clusters")
    load.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    _add_host_commands(commands.add_parser("host", help="reboot a host, run a command in it, pull its network cable"))
    return parser


def _add_host_commands(host: argparse.ArgumentParser) -> None:
    actions = host.add_subparsers(dest="action", required=True)
    reboot = actions.add_parser("reboot", help="reboot it and wait until users can log in")
    execute = actions.add_parser("exec", help="run a command in it as root, with its exit code: host exec vm1 -- ls")
    link = actions.add_parser("link", help="pull its network cable out, or plug it in")
    for command in (reboot, execute, link):
        command.add_argument("name", metavar="HOST")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    link.add_argument("state", choices=["up", "down"])


def _up(options: argparse.Namespace) -> None:
    names = _DEFAULT_CLUSTERS if options.clusters is None else options.clusters
    provider = providers.choose()
    request = Request(
        clusters=names,
        api=options.api,
        kwok_nodes=options.kwok,
        istiod=options.istiod,
        hosts=options.hosts,
        rpm=options.rpm,
        domains=options.domains,
    )
    lab = provider.up(request)
    names = [cluster.name for cluster in lab.clusters]
    names += [host.name for host in lab.hosts] + [domain.name for domain in lab.domains]
    progress.say(f"up in {progress.elapsed():.1f} s: {', '.join(names)}")
    progress.say(f"export KUBECONFIG={shlex.quote(lab.kubeconfig)}")


def _down(options: argparse.Namespace) -> None:
    providers.choose().down(options.names)
    progress.say(f"down in {progress.elapsed():.1f} s")


def _env(_: argparse.Namespace) -> None:
    lab = state.load()
    print(f"export KUBECONFIG={shlex.quote(lab.kubeconfig)}")
    print(f"export PATH={shlex.quote(str(paths.BIN))}:$PATH")
    print(f"export LAB_STATE={shlex.quote(str(paths.STATE_FILE))}")


def _status(options: argparse.Namespace) -> None:
    print(status.as_json() if options.json else status.as_table())


def _build(options: argparse.Namespace) -> None:
    native.build(options.families)
    if not options.families:
        lifecycle.build(rpm=True)
        domains.build()


def _load(options: argparse.Namespace) -> None:
    providers.choose().load(options.archives)


def _host(options: argparse.Namespace) -> int:
    name = options.name
    if options.action == "exec":
        words = options.words[1:] if options.words[:1] == ["--"] else options.words
        return control.interact(name, *(words or ["bash"]))
    if options.action == "reboot":
        control.reboot(name)
        progress.say(f"{name} is back after {progress.elapsed():.1f} s")
    else:
        control.set_link(name, up=options.state == "up")
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int | None]] = {
    "up": _up,
    "down": _down,
    "env": _env,
    "status": _status,
    "build": _build,
    "load": _load,
    "host": _host,
}

if __name__ == "__main__":
    sys.exit(main())
