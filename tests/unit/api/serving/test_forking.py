"""What ends a forked process waits until the process can hear it; the one that forks hears it at once."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT

CODE = """
import os, signal
from api.serving import forking

forking.hold()
sent, told = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.read(sent[0], 1)
    signal.signal(signal.SIGTERM, lambda *_: os.write(told[1], b"heard"))
    forking.hear()
    os._exit(0)
os.kill(child, signal.SIGTERM)
os.write(sent[1], b"x")
assert os.waitpid(child, 0)[1] == 0
print(os.read(told[0], 5).decode(), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


def test_a_signal_right_after_a_fork_is_heard_later_and_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "heard set()\n"
