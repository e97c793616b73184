"""CONTRIBUTING.md against the code: every file, function, folder and target that it names is there."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ANSWERS = re.findall(r"^\| (.+\?) \| `([\w/]+\.\w+)`(?:, `(\w+)`)? \|$", TEXT, re.MULTILINE)


def test_there_are_twenty_questions_at_least() -> None:
    assert len(ANSWERS) >= 20


@pytest.mark.parametrize(("question", "module", "name"), ANSWERS, ids=[question for question, *_ in ANSWERS])
def test_the_answer_to_where_it_is(question: str, module: str, name: str) -> None:
    text = (ROOT / module).read_text(encoding="utf-8")
    assert not name or re.search(rf"^ *(?:def|class) {name}\b", text, re.MULTILINE), question


def test_every_path_is_there() -> None:
    named = set(re.findall(r"`((?:api|bench|contract|engine|stack|tests|tools|trainer|worker)/[\w/.]*)`", TEXT))
    assert len(named) > 40
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_target_is_there() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z0-9-]+)", re.sub(r"^[^`]*$", "", TEXT, flags=re.MULTILINE)))
    assert len(named) > 10
    assert named <= targets


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("contract/settings/model.py", ["Similarity ="]),
        ("engine/fit/similarity_kernels.py", ["SIMILARITIES =", "def similarities"]),
        ("engine/models/family.py", ["MODELS:"]),
        ("contract/settings/family.py", ["ModelName ="]),
        ("trainer/sources/tables/open.py", ["def _open("]),
        ("api/app.py", ["def all_routes("]),
        ("contract/store/removal.py", ["def keys_of_lists(", "def sweep("]),
        ("trainer/cli/generations.py", ["COMMANDS = "]),
        ("api/lists/store.py", ["def user_list("]),
        ("api/answers/selection.py", ["def select("]),
    ],
)
def test_the_names_in_its_steps(module: str, names: list[str]) -> None:
    text = (ROOT / module).read_text(encoding="utf-8")
    assert f"`{module}`" in TEXT
    assert [name for name in names if name not in text] == []
