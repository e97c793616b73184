from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import ROOT

_HELD = """
from contract.machine import give_large_memory_back
give_large_memory_back()
one = bytes(b"x") * 2**24
del one  # from here on glibc would keep pieces of this size
large, small = [], []
for _ in range(10):
    large.append(b"x" * 2**22)
    small.append([b"y" * 400 for _ in range(100)])  # keeps what stands before it from being given back as the end of the heap
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
before = resident()
large.clear()
print((before - resident()) // 2**22)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much a process holds")
def test_large_pieces_of_memory_are_given_back_whatever_was_freed_before() -> None:
    done = subprocess.run([sys.executable, "-c", _HELD], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 9
