# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab import cache


@pytest.fixture(autouse=True)
def cache_root(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "meshops-lab"


def test_key_follows_content_not_place(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("same", encoding="utf-8")
    assert cache.key(tmp_path / "a") == cache.key(tmp_path / "b") == cache.key("same")
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_directory_is_built_once_per_key():
    calls: list[Path] = []
    for digest in ("0" * 16, "0" * 16, "1" * 16):
        path = cache.directory("kind", "name", digest, calls.append)
        assert path.is_dir()
    assert len(calls) == 2


def test_failed_build_leaves_nothing(cache_root):
    def fail(into):
        (into / "half").touch()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        cache.directory("kind", "name", "0" * 16, fail)
    assert [path.name for path in (cache_root / "kind").iterdir()] == [".name.lock"]


def test_versions_unused_for_long_and_left_over_builds_are_removed(cache_root):
    old = cache.directory("kind", "name", "0" * 16, lambda into: None)
    other = cache.directory("kind", "name-of-another", "0" * 16, lambda into: None)
    leftover = cache_root / "kind" / ".name-x.tmp"
    leftover.mkdir()
    for path in (old, other):
        os.utime(path, (0, 0))
    new = cache.directory("kind", "name", "1" * 16, lambda into: None)
    assert new.exists()
    assert other.exists()
    assert not old.exists()
    assert not leftover.exists()
