# SPDX-License-Identifier: Apache-2.0
"""The checks of this directory can fail: what is planted is found, in every channel and spelling."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from urllib.parse import quote

import pytest

from .canaries import Canaries
from .cases import Case, encoded
from .observing import Observer
from .playing import play
from .test_runs import in_the_cluster

SPELLINGS = {
    "raw": lambda value: value,
    "most of it": lambda value: value[:-10],
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": value})),
    "URL-encoded": lambda value: quote(value, safe=""),
    "base64": encoded,
    "base64 of more, 1 off": lambda value: encoded(f"x{value}y"),
    "base64 of more, 2 off": lambda value: encoded(f"xx{value}"),
    "base64 of base64": lambda value: encoded(encoded(value)),
    "hexadecimal": lambda value: value.encode().hex(),
    "SHA-256": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "SHA-256 in base64": lambda value: base64.b64encode(hashlib.sha256(value.encode()).digest()).decode(),
    "length": lambda value: f"data.password ({len(value)} characters)",
    "length, as helm says it": lambda value: f"at '/password': maxLength: got {len(value):,}, want 5",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_found(spelling):
    canaries = Canaries()
    values = [canaries.make(f"number {number}") for number in range(3)]
    shown = f"a: {SPELLINGS[spelling](values[1])}, b"
    assert {found.partition(":")[0] for found in canaries.found(shown.encode())} == {"number 1"}
    assert canaries.found(json.dumps({"unrelated": "text", "digits": 1733}).encode()) == set()


#: A program that shows its last argument, or its environment, or a file for the wink of an eye.
_SHOWN = {
    "cmdline": "import time; time.sleep(0.5)",
    "environ": "import time; time.sleep(0.5)",
    "file": (
        "import pathlib, sys, time; path = pathlib.Path(sys.argv[1]); path.write_text(sys.stdin.read()); "
        "time.sleep(0.5); path.unlink()"
    ),
}


@pytest.mark.parametrize("channel", _SHOWN)
def test_what_is_there_for_a_moment_is_seen(channel, tmp_path):
    canaries = Canaries()
    value = canaries.make("planted", "t{core}{padding}")
    code = _SHOWN[channel]
    shell = ["sh", "-c", 'echo started; "$@"; echo done', "sh", sys.executable, "-c", code, str(tmp_path / "planted")]
    command = [*shell, value] if channel == "cmdline" else shell
    environment = {"PLANTED": value} if channel == "environ" else {}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, text=True, stdout=subprocess.DEVNULL)
    observer = Observer(canaries, process.pid, [tmp_path])
    observer.start()
    process.communicate(value if channel == "file" else "", timeout=60)
    observer.stop()
    assert {place for place, _ in observer.seen if channel in place}
    assert not list(tmp_path.iterdir())


def test_what_ansible_shows_is_seen(canaries, player, place):
    """Standard output, the log, callbacks and results on disk, by a task that shows what it should not."""
    value = canaries.make("shown on purpose")
    case = Case("shown", "mesh_info", {value: 1}, "")
    played = player(play([case]), {"given": {"shown": case.arguments}}, "-vvvv")
    places = " ".join(place for place, what in played.seen if what.startswith("shown on purpose"))
    for part in ("/stdout", "/ansible.log", "/junit/"):
        assert part in places


def test_what_the_cluster_has_is_seen(canaries, cluster, place):
    value = canaries.make("in a label", "l{core}")
    metadata = {"name": "planted", "namespace": place.namespace, "labels": {"planted": value}}
    cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}, "planter")
    assert {found.partition(":")[0] for found in in_the_cluster(cluster, canaries, place.namespace)} == {
        "Secret planted"
    }
