# SPDX-License-Identifier: Apache-2.0
"""The command line: `python -m lab COMMAND`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import native, paths, progress, providers, state, status
from lab.errors import LabError

_DEFAULT_CLUSTERS = ["onprem", "cloud"]
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except LabError as error:
        progress.say(f"lab: error: {error}")
        return 1
    except KeyboardInterrupt:
        progress.say("lab: interrupted; `python -m lab down` removes what was started, `up` goes on.")
        # Threads may wait for clusters that nobody wants any more.
        os._exit(_INTERRUPTED)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Real Kubernetes clusters on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring clusters up; what is up already is left alone")
    up.add_argument("--clusters", nargs="*", metavar="NAME", help="default: onprem cloud")
    up.add_argument("--api", action="store_true", help="also a bare API server, as cluster `api`")
    up.add_argument("--kwok", type=int, default=0, metavar="N", help="simulated nodes on the cluster `api`")
    up.add_argument("--istiod", action="store_true", help="with --kwok: istiod as a process when its pods are there")
    down = commands.add_parser("down", help="remove clusters; all when none is named")
    down.add_argument("names", nargs="*", metavar="NAME")
    commands.add_parser("env", help="print what to export")
    show = commands.add_parser("status", help="what is up")
    show.add_argument("--json", action="store_true")
    build = commands.add_parser("build", help="only build tools and images")
    build.add_argument("families", nargs="*", metavar="FAMILY")
    load = commands.add_parser("load", help="import image archives into the running clusters")
    load.add_argument("archives", nargs="+", type=Path, metavar="ARCHIVE")
    return parser


def _up(options: argparse.Namespace) -> None:
    names = _DEFAULT_CLUSTERS if options.clusters is None else options.clusters
    provider = providers.choose()
    lab = provider.up(providers.Request(names, api=options.api, kwok_nodes=options.kwok, istiod=options.istiod))
    progress.say(f"up in {progress.elapsed():.1f} s: {', '.join(entry.name for entry in lab.clusters)}")
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


def _load(options: argparse.Namespace) -> None:
    providers.choose().load(options.archives)


_COMMANDS = {"up": _up, "down": _down, "env": _env, "status": _status, "build": _build, "load": _load}

if __name__ == "__main__":
    sys.exit(main())
