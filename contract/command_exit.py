"""The door of every command line: an error ends it with a sentence and an exit code of its own, never with a trace of Python's.

Python itself ends with 1 where nobody catches; here 1 is an answer (`trainer check`: usable, with losses), so it must not mean a crash too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable

from contract.errors import LarderError

UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
NO_READER = 141  # as of a program that SIGPIPE ended: whoever read its output has gone
SHOWN = 200  # characters of a foreign message


def guarded(program: str, command: Callable[[], int], *, trace_to_stderr: bool = False) -> int:
    """What `command` returns, or the exit code of the error that it raises, which is said in one sentence.

    `trace_to_stderr`: for services, whose output is a log. Others leave the trace of what nobody expected in a file of its own.
    """
    try:
        return command()
    except LarderError as error:
        _say(f"{program}: {error}")
        return error.exit_code
    except (SystemExit, KeyboardInterrupt):
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes at its end
        return NO_READER
    except BaseException as error:  # noqa: BLE001 (panics of Rust code are no Exception)
        trace = "".join(traceback.format_exception(error))
        where = None if trace_to_stderr else _kept(program, trace)
        if where is None:
            _say(trace.rstrip())
        _say(f"{program}: {_sentence(error)}. The trace {f'is in {where}' if where else 'stands above'}")
        return UNEXPECTED


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the memory of this machine was not enough"
    if isinstance(error, OSError) and error.strerror:
        return "the system refused: " + (f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
    line = str(error).strip().partition("\n")[0]
    short = line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
    return f"an error that Larder does not expect, {type(error).__name__}" + (f": {short.rstrip('.')}" if short else "")


def _kept(program: str, trace: str) -> str | None:
    """The file that holds the trace now, readable for this user alone; None where none can be written."""
    try:
        number, path = tempfile.mkstemp(prefix=f"larder-{program}-", suffix=".trace")
        with open(number, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
    except OSError:
        return None
    return path


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
