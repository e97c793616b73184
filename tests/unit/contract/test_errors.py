"""The tree of errors, as its own docstring draws it."""

from __future__ import annotations

import re

import pytest

from contract import errors
from contract.command_exit import NO_READER, UNEXPECTED
from contract.errors import GenerationFailedError, LarderError, name_of
from contract.store.runs import RunStatus, failure
from stack.command_line import INTERRUPTED
from tests.support.paths import ROOT
from trainer.rows.problems import EmptySourceError, UnknownColumnsError

CLASSES = {name: value for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, LarderError)}


def drawn() -> dict[str, int | None]:
    """Class -> exit code, None where the drawing gives none."""
    assert errors.__doc__ is not None
    rows = re.findall(r"^[│├└─ ]*(\w+Error)\s+(\d*)", errors.__doc__, re.MULTILINE)
    return {name: int(code) if code else None for name, code in rows}


def test_the_docstring_draws_every_class() -> None:
    assert set(drawn()) == set(CLASSES)


def test_exit_codes_are_those_of_the_docstring() -> None:
    assert {name: CLASSES[name].exit_code for name, code in drawn().items() if code} == {k: v for k, v in drawn().items() if v}
    assert LarderError.exit_code == 1


def test_direct_children_have_exit_codes_of_their_own() -> None:
    codes = [cls.exit_code for cls in CLASSES.values() if cls.__base__ is LarderError]
    assert len(codes) == len(set(codes)) == 9
    assert not set(codes) & {0, 1}


@pytest.mark.parametrize(
    ("child", "parent"), [(errors.GenerationFailedError, errors.GenerationError), (errors.StoreFullError, errors.StoreError)]
)
def test_a_grandchild_exits_as_its_parent(child: type[LarderError], parent: type[LarderError]) -> None:
    assert issubclass(child, parent)
    assert child.exit_code == parent.exit_code


def test_only_a_store_that_does_not_answer_is_worth_another_try() -> None:
    assert [name for name, cls in CLASSES.items() if cls.transient] == ["StoreError", "NotReplicatedError"]


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    """And of success, of what nobody expected, of Ctrl-C, and of an output that nobody reads."""
    told = [int(code) for code in re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "commands.md").read_text(), re.MULTILINE)]
    assert told == [0, *sorted({cls.exit_code for cls in CLASSES.values()}), UNEXPECTED, INTERRUPTED, NO_READER]


@pytest.mark.parametrize(
    ("message", "code"),
    [("DataError: row 7", 3), ("StoreFullError: no room", 6), ("ZeroDivisionError: x", 5), ("killed", 5), ("LarderError: x", 1)],
)
def test_a_failed_run_ends_with_the_code_of_its_reason(message: str, code: int) -> None:
    error = failure("run r failed", RunStatus("r", "failed", "", 0, 0, message))
    assert (str(error), error.exit_code, GenerationFailedError.exit_code) == ("run r failed", code, 5)


def test_an_error_of_a_room_goes_by_the_name_that_tells_the_exit_code() -> None:
    """A run's message keeps the name; by it a command that waits for the run finds its exit code."""
    named = {kind: name_of(kind("x")) for kind in (UnknownColumnsError, EmptySourceError, errors.TakenOverError, ValueError)}
    assert list(named.values()) == ["DataError", "DataError", "TakenOverError", "ValueError"]
