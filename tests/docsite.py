# SPDX-License-Identifier: Apache-2.0
"""The collection's reference: `python -m tests.docsite build` makes a site of it in build/docs, `lint` checks it.

Both by antsibull-docs, as the documentation of all collections is made; a warning is an error.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from tests import tools
from tests.collection import COLLECTIONS, OURS, ROOT

NAME = "meshops.mesh"
SITE = ROOT / "build" / "docs"
#: What has a page each, as pages call it, and where it is.
DOCUMENTED = {
    "module": "plugins/modules",
    "filter": "plugins/filter",
    "lookup": "plugins/lookup",
    "inventory": "plugins/inventory",
    "role": "roles",
}
_GUIDE = "https://docs.ansible.com/projects/ansible/latest"
#: Labels in Ansible's own documentation: what stands there, and where.
ANSIBLES = {
    "ansible_collections.ansible.builtin.file_lookup": (
        "Lookup ansible.builtin.file",
        f"{_GUIDE}/collections/ansible/builtin/file_lookup.html",
    ),
    "ansible_configuration_settings": ("Settings", f"{_GUIDE}/reference_appendices/config.html"),
    "action_plugins": ("Action plugins", f"{_GUIDE}/plugins/action.html"),
    "common_return_values": ("Return values", f"{_GUIDE}/reference_appendices/common_return_values.html"),
}
#: Settings of Sphinx; there is no more to configure.
SETTINGS = {
    "project": NAME,
    "extensions": "sphinx_antsibull_ext",
    "html_theme": "sphinx_ansible_theme",
    "html_title": NAME,
    "html_show_copyright": "0",
}


def build(programs: Path) -> int:
    """The exit code; the site is built afresh."""
    sources, env = ROOT / "build" / "docs-sources", tools.variables(programs)
    for directory in (sources, SITE):
        shutil.rmtree(directory, ignore_errors=True)
    sources.mkdir(parents=True)
    chosen = ["--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", str(sources), NAME]
    told = subprocess.run([str(programs / "bin" / "antsibull-docs"), "collection", *chosen], env=env, check=False)
    if told.returncode:
        return told.returncode
    (sources / "of-ansible.rst").write_text(_of_ansible(), encoding="utf-8")
    settings = [f"-D{key}={value}" for key, value in SETTINGS.items()]
    strict = ["-C", "-q", "-W", "--keep-going"]
    command = [str(programs / "bin" / "sphinx-build"), *strict, *settings, str(sources), str(SITE)]
    code = subprocess.run(command, env=env, check=False).returncode
    missing = [name for name in pages() if not (SITE / name).is_file()]
    for name in missing:
        print(f"build/docs has no {name}")
    return 1 if missing else code


def _of_ansible() -> str:
    """A page for the places to which pages refer, so that none of them need be looked for on the Internet."""
    parts = [
        f".. _{label}:\n\n{title}\n{'-' * len(title)}\n\n`{title} <{url}>`__\n"
        for label, (title, url) in ANSIBLES.items()
    ]
    return "\n".join([":orphan:\n\nAnsible's documentation\n=======================\n", *parts])


def pages() -> list[str]:
    """The page of each plugin and role."""
    found = [(kind, path.stem) for kind, place in DOCUMENTED.items() for path in (ROOT / place).iterdir()]
    return sorted(f"{name}_{kind}.html" for kind, name in found if name[0] not in "._")


def lint(programs: Path) -> int:
    """The exit code; only names of options and plugins that are there may be mentioned."""
    options = ["--plugin-docs", "--validate-collection-refs", "dependent", "--disallow-unknown-collection-refs"]
    command = [str(programs / "bin" / "antsibull-docs"), "lint-collection-docs", *options, str(COLLECTIONS / OURS)]
    return subprocess.run(command, env=tools.variables(programs), check=False).returncode


def main() -> int:
    """Run one of them in the environment of requirements/tools/docs.txt."""
    actions = {"build": build, "lint": lint}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=actions)
    return actions[parser.parse_args().action](tools.environment("docs"))


if __name__ == "__main__":
    sys.exit(main())
