# SPDX-License-Identifier: Apache-2.0
"""``python -m pulumi_mesh install`` makes the provider known to the engine; ``schema`` prints its schema."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from .install import install, uninstall


def _schema() -> str:
    from .provider.schema import text

    return text()


_COMMANDS: dict[str, tuple[str, Callable[[], str]]] = {
    "install": ("put a launcher of this Python's provider among the engine's plugins", lambda: f"wrote {install()}"),
    "uninstall": ("take it away again", lambda: f"removed {uninstall()}"),
    "schema": ("print the package's schema", _schema),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m pulumi_mesh", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (text, _call) in _COMMANDS.items():
        commands.add_parser(name, help=text)
    options = parser.parse_args(arguments)
    try:
        print(_COMMANDS[options.command][1](), flush=True)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"pulumi_mesh: error: {place}{error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
