# SPDX-License-Identifier: Apache-2.0
"""Files on a host: whole or not at all, readable for nobody else at any moment, and never where a link leads."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest
from _vm import files, placing
from _vm.walking import Refused, opened

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
NOBODY = 65534


def item(path, content: str | None = "new\n", **options):
    me, group = str(os.geteuid()), str(os.getegid())
    default = {
        "kind": "text",
        "secret": False,
        "once": False,
        "mode": "0640",
        "owner": me,
        "group": group,
        "directory_mode": "0750",
    }
    return {"path": str(path), "content": content, **default, **options}


def place(path, mode="0750", **options):
    return {
        "path": str(path),
        "mode": mode,
        "owner": str(os.geteuid()),
        "group": str(os.getegid()),
        "whole": False,
        **options,
    }


def mode(path):
    return f"{stat.S_IMODE(os.lstat(path).st_mode):04o}"


def test_a_file_and_its_directories_are_made_and_then_stay(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    assert placing.present(item(path), False).action == "created"
    assert (path.read_text(), mode(path), mode(path.parent), mode(path.parent.parent)) == (
        "new\n",
        "0640",
        "0750",
        "0750",
    )
    before = path.stat().st_ino
    assert placing.present(item(path), False).action == "unchanged"
    assert path.stat().st_ino == before


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_the_umask_does_not_matter(tmp_path, mask):
    old = os.umask(mask)
    try:
        placing.present(item(tmp_path / "d" / "file", mode="0600"), False)
    finally:
        os.umask(old)
    assert (mode(tmp_path / "d" / "file"), mode(tmp_path / "d")) == ("0600", "0750")


def test_a_looser_mode_is_corrected(tmp_path):
    path = tmp_path / "file"
    placing.present(item(path, mode="0600"), False)
    path.chmod(0o644)
    assert placing.present(item(path, mode="0600"), True).action == "changed"
    assert mode(path) == "0644"
    assert placing.present(item(path, mode="0600"), False).action == "changed"
    assert mode(path) == "0600"


PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("found", "mode", "action"),
    [
        (PEM.format("a") + PEM.format("b"), 0o644, "unchanged"),
        (PEM.format("b") + PEM.format("a").rstrip(), 0o600, "unchanged"),
        (PEM.format("a"), 0o600, "changed"),
        ("", 0o600, "changed"),
        (PEM.format("a") + PEM.format("b"), 0o666, "changed"),
    ],
)
def test_certificates_that_the_agent_wrote_are_as_good(tmp_path, found, mode, action):
    path = tmp_path / "root-cert.pem"
    path.write_text(found)
    path.chmod(mode)
    wanted = item(path, PEM.format("a") + PEM.format("b"), kind="certificates", mode="0644")
    assert placing.present(wanted, False).action == action
    assert placing.present(wanted, False).action == "unchanged"


def test_check_mode_writes_nothing_and_says_the_same(tmp_path):
    path = tmp_path / "a" / "file"
    wanted = [placing.present(item(path), True), placing.directory_present(place(tmp_path / "d"), True)]
    assert list(tmp_path.iterdir()) == []
    assert wanted == [placing.present(item(path), False), placing.directory_present(place(tmp_path / "d"), False)]


def test_an_owner_who_will_be_there_only_then_is_no_reason_to_fail_in_check_mode(tmp_path):
    path = tmp_path / "file"
    assert placing.present(item(path, owner="no-such-user", group="no-such-group"), True).action == "created"
    with pytest.raises(Refused, match="there is no user no-such-user"):
        placing.present(item(path, owner="no-such-user"), False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_once_or_has_no_content_stays(tmp_path):
    path = tmp_path / "file"
    assert placing.present(item(path, None), False).action == "kept"
    assert not path.exists()
    placing.present(item(path, "first", once=True), False)
    assert placing.present(item(path, "second", once=True), False).action == "kept"
    assert path.read_text() == "first"


def test_a_link_in_the_place_of_a_file_is_replaced(tmp_path):
    elsewhere, path = tmp_path / "shadow", tmp_path / "file"
    elsewhere.write_text("secret of others")
    path.symlink_to(elsewhere)
    outcome = placing.present(item(path), False)
    assert (outcome.action, path.is_symlink(), path.read_text()) == ("changed", False, "new\n")
    assert elsewhere.read_text() == "secret of others"
    assert "secret of others" not in outcome.diff


def test_a_second_name_of_somebody_elses_file_does_not_get_our_mode(tmp_path):
    other, path = tmp_path / "other", tmp_path / "file"
    other.write_text("new\n")
    other.chmod(0o600)
    os.link(other, path)
    placing.present(item(path, mode="0644"), False)
    assert (mode(other), mode(path), other.stat().st_ino != path.stat().st_ino) == ("0600", "0644", True)


@ROOT
def test_a_directory_that_is_a_link_of_others_is_refused(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "theirs").symlink_to(target)
    os.lchown(tmp_path / "theirs", NOBODY, NOBODY)
    for act in (
        lambda: placing.present(item(tmp_path / "theirs" / "file"), False),
        lambda: placing.absent(item(tmp_path / "theirs" / "file"), False),
    ):
        with pytest.raises(Refused, match="theirs is a symbolic link that root does not own"):
            act()
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("target", ["target", "./target/../target", "/"])
def test_a_directory_that_is_a_link_of_ours_is_followed(tmp_path, target):
    (tmp_path / "target").mkdir()
    led = tmp_path / "target" if target != "/" else tmp_path
    (tmp_path / "ours").symlink_to(target if target != "/" else tmp_path)
    placing.present(item(tmp_path / "ours" / "file"), False)
    assert (led / "file").read_text() == "new\n"


def test_links_that_lead_in_a_circle_end(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(Refused, match="too many symbolic links"), opened(str(tmp_path / "a" / "c")):
        pass


@pytest.mark.parametrize("path", ["relative", "/", "/a/../etc/passwd", "/etc/..", ""])
def test_paths_that_lead_elsewhere_are_refused(path):
    with pytest.raises(Refused):
        placing.present(item(path), False)


def test_what_is_no_directory_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="file is no directory"):
        placing.present(item(tmp_path / "file" / "below"), False)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    """The kernel's own limit for the size of a file stands for the disk; then a real one where root may mount it."""
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write", full)
    with pytest.raises(OSError, match="No space left") as caught:
        placing.present(item(path), False)
    assert (
        placing.said(caught.value)
        == "No space left on device (the old file is as it was; free some space and run again)"
    )
    assert (path.read_text(), [entry.name for entry in tmp_path.iterdir()]) == ("old", ["file"])


@ROOT
def test_a_disk_that_is_really_full(tmp_path):
    """In a mount namespace of its own, a file system of one page."""
    program = """
import os, subprocess, sys
from _vm import placing
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", sys.argv[1]], check=True)
path = os.path.join(sys.argv[1], "file")
item = {"path": path, "kind": "text", "secret": False, "once": False, "mode": "0640", "directory_mode": "0750"}
item.update(owner="0", group="0")
placing.present({**item, "content": "old"}, False)
try:
    placing.present({**item, "content": "x" * 65536}, False)
except OSError as error:
    print(placing.said(error), open(path).read(), os.listdir(sys.argv[1]))
"""
    run = ["unshare", "--mount", sys.executable, "-c", program, str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(run, capture_output=True, text=True, env=env, check=True)
    assert (
        done.stdout
        == "No space left on device (the old file is as it was; free some space and run again) old ['file']\n"
    )


def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path):
    (tmp_path / ".file.meshops").write_text("half")
    placing.present(item(tmp_path / "file"), False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_nobody_can_read_a_file_before_it_has_its_mode(tmp_path, monkeypatch):
    seen = []
    write = files._write

    def watched(descriptor, data):
        seen.append(f"{stat.S_IMODE(os.fstat(descriptor).st_mode):04o}")
        write(descriptor, data)

    monkeypatch.setattr(files, "_write", watched)
    placing.present(item(tmp_path / "token", "secret", mode="0600"), False)
    assert seen == ["0600"]


def test_the_difference_of_a_secret_is_not_shown(tmp_path):
    shown = placing.present(item(tmp_path / "public", "a\nb"), True).diff
    hidden = placing.present(item(tmp_path / "token", "hush", secret=True), True).diff
    assert "+a\n+b\n" in shown
    assert "hush" not in hidden
    assert "+(after)" in hidden


def test_directories_come_and_go(tmp_path):
    path = tmp_path / "d"
    assert placing.directory_present(place(path), False).action == "created"
    path.chmod(0o755)
    assert placing.directory_present(place(path), False).action == "changed"
    assert (mode(path), placing.directory_present(place(path), False).action) == ("0750", "unchanged")
    (path / "file").write_text("")
    for check in (True, False):
        assert placing.directory_absent(place(path), check).action == "kept"
        assert placing.directory_absent(place(path, whole=True), check).action == "removed"
    assert not path.exists()
    assert placing.directory_absent(place(path), False).action == "absent"


def test_of_a_link_only_itself_goes(tmp_path):
    target = tmp_path / "target"
    (target / "below").mkdir(parents=True)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(target)
    (tmp_path / "top").symlink_to(target)
    placing.directory_absent(place(tree, whole=True), False)
    placing.directory_absent(place(tmp_path / "top", whole=True), False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["target"]
    assert (target / "below").is_dir()


def test_files_go(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    assert [placing.absent(item(path), check).action for check in (True, False, False)] == [
        "removed",
        "removed",
        "absent",
    ]
    assert placing.absent(item(tmp_path / "nowhere" / "file"), False).action == "absent"


def test_our_names_of_hosts_come_and_go(tmp_path):
    path = tmp_path / "hosts"
    path.write_bytes(b"127.0.0.1 localhost\n# caf\xe9\n")
    path.chmod(0o644)
    before = path.read_bytes()
    named = [{"address": "10.0.0.1", "name": "istiod.istio-system.svc"}]
    assert placing.hosts(named, True, str(path)).action == "changed"
    assert path.read_bytes() == before
    assert [placing.hosts(named, False, str(path)).action for _ in range(2)] == ["changed", "unchanged"]
    assert b"\n10.0.0.1 istiod.istio-system.svc\n" in path.read_bytes()
    assert mode(path) == "0644"
    placing.hosts([], False, str(path))
    assert path.read_bytes() == before


def test_steps_are_in_an_order_that_can_be_done():
    options = {"files": [1], "directories": [2], "hosts": [3]}
    present = [(placing.directory_present, 2), (placing.present, 1), (placing.hosts, [3])]
    absent = [(placing.hosts, []), (placing.absent, 1), (placing.directory_absent, 2)]
    assert placing.steps({**options, "state": "present"}) == present
    assert placing.steps({**options, "state": "absent"}) == absent
    assert placing.steps({"files": [], "directories": [], "hosts": None, "state": "absent"}) == []
