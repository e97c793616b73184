from __future__ import annotations

import json
import logging
import sys

from api.serving.logs import JsonFormatter


def test_a_trace_stays_on_one_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("api", logging.ERROR, __file__, 1, "failed: %s", ('"quoted"\n',), sys.exc_info())
    line = JsonFormatter().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == ("ERROR", "api", 'failed: "quoted"\n')
    assert told["trace"].endswith("ValueError: two\nlines")
