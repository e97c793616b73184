"""The last lines of a run's log, kept beside its state when it fails: what a person looks at first."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from contract.errors import LarderError, RunCancelledError
from contract.store.runs import Runs

LINES = 40
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LastLines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter(_FORM))
        self.lines: deque[str] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def last_words(runs: Runs, run_id: str) -> Iterator[None]:
    """What goes wrong within goes on as it was; an error that is none of Larder's own is kept with where it happened."""
    handler, root = LastLines(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    except RunCancelledError:
        raise
    except Exception as error:
        own = isinstance(error, LarderError)
        where = [f"{type(error).__name__}: {error}"] if own else traceback.format_exc().splitlines()[-LINES:]
        try:
            runs.keep_log(run_id, "\n".join([*handler.lines, *where]))
        except RedisError:
            logging.getLogger("larder.trainer").warning("the last lines of run %s could not be kept", run_id)
        raise
    finally:
        root.removeHandler(handler)
