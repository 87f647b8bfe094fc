# SPDX-License-Identifier: Apache-2.0
"""Commands are measured with everything that they start."""

from __future__ import annotations

import os
import sys
import time

import pytest

from bench.process import measure
from lab.errors import LabError

HOLD = "import time; held = bytearray(60_000_000); time.sleep(0.4)"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}], check=True)"
BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def measured(tmp_path, program, timeout=20.0, codes=(0,)):
    return measure(
        [sys.executable, "-c", program], env=dict(os.environ), log=tmp_path / "log", timeout=timeout, codes=codes
    )


def test_memory_of_the_whole_tree(tmp_path):
    found = measured(tmp_path, CHILD)
    assert 60_000_000 < found.memory < 200_000_000
    assert found.seconds >= 0.4


def test_memory_does_not_begin_with_that_of_who_measures(tmp_path):
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert measured(tmp_path, "import time; time.sleep(0.3)").memory < 100_000_000


def test_processor_time_and_output(tmp_path):
    found = measured(tmp_path, f"{BUSY}\nprint('done')")
    assert 0.3 <= found.cpu < 3
    assert found.output == "done\n"
    assert not found.timed_out


def test_too_slow_is_stopped(tmp_path):
    started = time.monotonic()
    assert measured(tmp_path, "import time; time.sleep(60)", timeout=0.5).timed_out
    assert time.monotonic() - started < 20


def test_exit_codes(tmp_path):
    assert measured(tmp_path, "raise SystemExit(1)", codes=(0, 1)).seconds
    with pytest.raises(LabError, match="exit 2"):
        measured(tmp_path, "raise SystemExit(2)")
