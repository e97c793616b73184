"""What Spark says, without its Java."""

from __future__ import annotations

from pathlib import Path

from trainer.spark.said import said_by

PYTHON = """
An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/opt/larder/trainer/spark/tasks.py", line 47, in task
    rows = rows_of(found)
           ^^^^^^^^^^^^^^
ModuleNotFoundError: No module named 'pyarrow'

\tat org.apache.spark.api.python.BasePythonRunner$ReaderIterator.handlePythonException(PythonRunner.scala:581)
Caused by: java.io.IOException: Stream closed
"""
JAVA = """An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.
: org.apache.spark.SparkException: Only one SparkContext should be running in this JVM (see SPARK-2243).
\tat org.apache.spark.SparkContext$.assertNoOtherContextIsRunning(SparkContext.scala:2840)
"""


def test_the_last_words_of_a_task() -> None:
    assert said_by(PYTHON) == "a task failed: ModuleNotFoundError: No module named 'pyarrow'"


def test_the_first_words_of_java() -> None:
    assert said_by(JAVA) == "Only one SparkContext should be running in this JVM (see SPARK-2243)."


def test_a_killed_process() -> None:
    assert "was killed, as happens where memory ends" in said_by(
        "Job aborted: Python worker exited unexpectedly (crashed)\n\tat org.a.b(C.java:1)"
    )


def test_a_lost_executor() -> None:
    text = (
        "Job aborted due to stage failure: ExecutorLostFailure (executor 1 exited) Reason: Command exited with code 137\nDriver stacktrace:"
    )
    assert said_by(text) == "an executor was lost: Command exited with code 137"


def test_the_log_speaks_where_the_bridge_has_broken(tmp_path: Path) -> None:
    log = tmp_path / "spark.log"
    log.write_text(
        "2026-01-02T03:04:05 WARN a.B: no matter\n2026-01-02T03:04:06 ERROR a.Client: All masters are unresponsive! Giving up.\n\tat a\n"
    )
    assert said_by("Answer from Java side is empty", log) == "a.Client: All masters are unresponsive! Giving up."
    assert (
        said_by("\n[JAVA_GATEWAY_EXITED] Java gateway process exited\nmore", tmp_path / "none")
        == "[JAVA_GATEWAY_EXITED] Java gateway process exited"
    )
    assert said_by("") == "Spark ended without a word"


def test_what_is_long_is_cut() -> None:
    assert len(said_by("x" * 1000)) == 303
