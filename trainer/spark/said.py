"""What Spark says of a failure, in a sentence without its Java: the last words of a task's Python, or the first of an exception."""

from __future__ import annotations

import re
from pathlib import Path

_LONGEST = 300
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*^(?P<said>[\w.]+(?:: .*)?)$", re.MULTILINE)
_LOST = re.compile(r"ExecutorLostFailure[^\n]*Reason: (?P<said>[^\n]*)")
_JAVA = re.compile(r"^(?:Caused by: |: )?(?:[a-z_]\w*\.)+(?P<kind>\w+(?:Exception|Error)): (?P<said>[^\n]+)$", re.MULTILINE)
_CRASHED = "Python worker exited unexpectedly"


def said_by(text: str, log: Path | None = None) -> str:
    """`text`: what was raised. `log`: Spark's own, asked where the bridge to Java has only broken."""
    if _CRASHED in text:
        return "a task's Python process was killed, as happens where memory ends: give executors more, or fewer cores, by LARDER_SPARK_CONF"
    if found := _last(_TRACEBACK, text):
        return f"a task failed: {found}"
    if found := _last(_LOST, text):
        return f"an executor was lost: {found}"
    if found := _last(_JAVA, text):
        return found
    if log is not None and log.is_file():
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if " ERROR " in line]
        if lines:
            return _short(lines[-1].partition(" ERROR ")[2])
    return _short(next((line for line in text.strip().splitlines() if line.strip()), "Spark ended without a word"))


def _last(pattern: re.Pattern[str], text: str) -> str:
    found = list(pattern.finditer(text))
    return _short(found[-1]["said"]) if found else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
