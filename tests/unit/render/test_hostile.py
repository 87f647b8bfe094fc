# SPDX-License-Identifier: Apache-2.0
"""What comes out of charts and archives, made to do harm; and disks that take nothing more."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
from mesh.model.errors import MeshError
from mesh.model.specs.common import Charts
from mesh.render import cache
from mesh.render.charts import get
from mesh.render.helm import Helm
from mesh.render.manifests import parse

ROOT = Path(__file__).resolve().parents[3]
OBJECT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("!!python/object/apply:os.system ['touch /nonexistent/x']", "could not determine a constructor"),
        (OBJECT + "data: {a: 1, a: 2}\n", "a key is there twice"),
        (OBJECT + "kind: Secret\n", "a key is there twice"),
        (BOMB, "has no apiVersion"),
        ("[" * 20_000, "nested too deeply"),
        ("- " * 20_000 + "x", "nested too deeply"),
    ],
    ids=["tag", "twice", "kind-twice", "aliases", "brackets", "dashes"],
)
def test_hostile_manifests_are_refused_in_no_time(text, complaint):
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    with pytest.raises(MeshError, match=complaint) as caught:
        parse(text, "chart x")
    assert caught.value.code == "invalid_object"
    assert time.monotonic() - started < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "KiB"


def test_merged_keys_are_not_there_twice():
    (obj,) = parse(OBJECT + "data: {<<: {a: '1', b: '2'}, a: '3'}\n", "x")
    assert obj["data"] == {"a": "3", "b": "2"}


def test_many_brackets_are_no_depth():
    (obj,) = parse(OBJECT + f"items: [{'[], ' * 12_000}]\n", "x")
    assert len(obj["items"]) == 12_000


_MEASURE = """
import resource, sys
from mesh.render.manifests import parse
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
part = "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a%d}\\ndata:\\n" + "".join(
    f"  key{i}: some text that is neither long nor short, as it goes\\n" for i in range(80)) + "---\\n"
text = "".join(part % i for i in range(int(sys.argv[1])))
before = peak()
print(len(text), len(parse(text, "x")), peak() - before)
"""


def test_five_megabytes_of_manifests_stay_small():
    """In a process of its own, as its peak counts: less than a fork of a controller is given in all (100 MB)."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, "1000"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={"PYTHONPATH": str(ROOT / "plugins" / "module_utils")},
    )
    size, objects, grown = (int(number) for number in done.stdout.split())
    assert (size > 5_000_000, objects) == (True, 1000)
    assert grown < 100_000, "KiB"


def archive(directory, members):
    """An archive thing-1.2.3.tgz with Chart.yaml and these members."""
    path = directory / "thing-1.2.3.tgz"
    with tarfile.open(path, "w:gz") as file:
        manifest = tarfile.TarInfo("thing/Chart.yaml")
        data = b"apiVersion: v2\nname: thing\nversion: 1.2.3\n"
        manifest.size = len(data)
        file.addfile(manifest, io.BytesIO(data))
        for member in members:
            file.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name, **fields):
    made = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(made, field, value)
    return made


@pytest.mark.parametrize(
    "hostile",
    [
        member("../../escaped", size=1),
        member("/tmp/escaped-by-a-chart", size=1),
        member("thing/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("thing/hard", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        member("thing/pipe", type=tarfile.FIFOTYPE),
    ],
    ids=["up", "absolute", "symlink", "hardlink", "pipe"],
)
def test_archives_are_read_and_never_unpacked(tmp_path, monkeypatch, hostile):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    charts = tmp_path / "charts"
    charts.mkdir()
    archive(charts, [hostile])
    assert get(Charts(path=str(charts)), "thing", None, Helm("/bin/false")).version == "1.2.3"
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in left if not name.endswith(".json")} == {"thing-1.2.3.tgz"}
    assert not Path("/tmp/escaped-by-a-chart").exists()


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(monkeypatch, home):
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    kept = cache.directory("rendered") / "x.json"
    cache.write(kept, {"a": 1})
    assert cache.read(kept) is None


@pytest.mark.parametrize("home", ["/proc/nowhere", "/dev/null"])
def test_charts_that_cannot_be_kept_say_what_to_do(monkeypatch, home):
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    with pytest.raises(MeshError) as caught:
        get(Charts(repository="https://charts.invalid"), "thing", "1.2.3", Helm("/bin/false"))
    assert caught.value.code == "chart_unavailable"
    assert caught.value.msg.startswith("chart thing 1.2.3 cannot be kept: ")
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_without_a_home_the_cache_is_not_in_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.chdir(tmp_path)
    cache.write(cache.directory("rendered") / "x.json", {"a": 1})
    assert list(tmp_path.iterdir()) == []
