# SPDX-License-Identifier: Apache-2.0
"""The examples of modules for hosts, run on this machine with /etc and /run of their own."""

from __future__ import annotations

import os

import pytest

from tests.certificates import key_and_certificate
from tests.examples.documented import ON_A_HOST, examples
from tests.examples.playing import Stage, play_twice

_OWN = """
mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc && mount -t tmpfs none /run
exec "$@"
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("module", ON_A_HOST)
def test_examples_do_what_check_mode_told(module, tmp_path):
    _, root = key_and_certificate("root")
    stage = Stage(
        connection={},
        defaults={"vm_host": {"timeout": 1}},
        variables={"ansible_become_method": "su", "root_certificate": root.decode(), "token": "CANARY"},
        within=["unshare", "--mount", "sh", "-ec", _OWN, "sh"],
    )
    played = play_twice(examples(module), stage, tmp_path)
    assert [text for item in played for text in item.complaints()] == []
    assert "CANARY" not in repr(played)
    if module == "vm_files":
        assert [item.done["changed"] for item in played] == [True, True]
