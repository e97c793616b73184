"""What ends a process waits until that process can hear it.

gunicorn forks a process with its own handlers in place, which the process replaces later. What is sent in between would be lost: a stop
just after a start would last for all of the graceful timeout, and end with a kill.
"""

from __future__ import annotations

import os
import signal

ENDING = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT)


def hold() -> None:
    """From now on a process that this one forks hears nothing of ENDING before `hear`; nor would a gunicorn that this one becomes by USR2,
    but for the first line."""
    hear()
    os.register_at_fork(before=lambda: _mask(signal.SIG_BLOCK), after_in_parent=hear)


def hear() -> None:
    """This process has its handlers: what came meanwhile reaches them now."""
    _mask(signal.SIG_UNBLOCK)


def _mask(how: int) -> None:
    signal.pthread_sigmask(how, ENDING)
