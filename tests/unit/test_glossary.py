"""GLOSSARY.md: one term a row, each once, each in the file that the row names."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

LINES = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").splitlines()
ROWS = [line for line in LINES if line.startswith("| ") and not line.startswith("| word ")]
TERMS = [match.groups() for line in ROWS if (match := re.fullmatch(r"\| ([^,;|]+) \| ([^|]+) \| `([\w./]+)` \|", line))]


def test_one_term_a_row() -> None:
    assert len(ROWS) > 60
    assert len(TERMS) == len(ROWS), [line for line in ROWS if not any(f"| {word} |" in line for word, *_ in TERMS)]
    words = [word for word, *_ in TERMS]
    assert sorted(set(words)) == sorted(words)


@pytest.mark.parametrize(("word", "meaning", "path"), TERMS, ids=[word for word, *_ in TERMS])
def test_the_word_is_in_the_code(word: str, meaning: str, path: str) -> None:
    text = re.sub(r"[^a-z0-9]+", " ", (ROOT / path).read_text(encoding="utf-8").lower())
    missing = [part for part in re.findall(r"[a-z0-9]+", word) if part not in text]
    assert missing == [], f"{path} does not say {word}"
