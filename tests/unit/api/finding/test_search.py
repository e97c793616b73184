"""What a question finds, in which order, and that the work for one is bounded; against a search that reads every title."""

from __future__ import annotations

import random
from itertools import islice

import polars as pl
import pytest

from api.finding import search
from api.finding.search import Search
from api.finding.typos import LEAST_LETTERS, neighbours
from contract.formats.columns import Words
from contract.formats.titles import Titles, words_of
from trainer.items.items import cleaned
from trainer.items.titles import titles_of

FILMS = ("Toy Story 2", "Toy Story", "Story of a Toy", "Stories", "Tory Stay", "The Toymaker's Story", "Amélie", "Terminator")
"""The most popular first."""


def indexed(titles: list[str], categories: list[list[str]] | None = None) -> Titles:
    frame = pl.DataFrame(
        {"item": [str(at) for at in range(len(titles))], "title": titles, "categories": categories or [["all"]] * len(titles)}
    )
    return titles_of(cleaned(frame, "a test"), {})


def found(titles: Titles, text: str | None, category: str | None = None) -> list[int]:
    return list(Search(titles, None if text is None else words_of(text), category).rows())


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("toy story", [1, 0, 2]),  # the title, one that begins so, one that has both words; no word is one, of which toy is the beginning
        ("Toy  STO", [0, 1, 2]),
        ("toy", [0, 1, 2, 5]),
        ("story toy", [0, 1, 2, 5]),
        ("sto", [2, 3, 0, 1, 5]),
        ("amelie", [6]),
        ("AMÉL", [6]),
        ("t", [0, 1, 4, 5, 7, 2]),
        ("zebra", []),
        ("...", []),
        ("", []),
    ],
)
def test_the_order(text: str, rows: list[int]) -> None:
    assert found(indexed(list(FILMS)), text) == rows


@pytest.mark.parametrize("text", ["termnator", "terminatro", "terminattor", "terminatur", "xterminator", "erminator", "termni", "amelia"])
def test_one_letter_may_differ_where_nothing_has_the_words(text: str) -> None:
    asked = Search(indexed(list(FILMS)), words_of(text), None)
    assert list(asked.rows()) == [6 if text.startswith("a") else 7]
    assert asked.is_corrected


@pytest.mark.parametrize("text", ["tremnator", "trom", "zzy", "toy stxxy"])
def test_two_letters_or_short_words_may_not(text: str) -> None:
    asked = Search(indexed(list(FILMS)), words_of(text), None)
    assert (list(asked.rows()), asked.is_corrected) == ([], False)


def test_each_word_may_differ() -> None:
    assert found(indexed(list(FILMS)), "teh toymakesr sotry") == []  # codespell:ignore
    assert found(indexed(list(FILMS)), "the toymakre s sotry") == [5]  # codespell:ignore


def test_categories() -> None:
    titles = indexed(["Heat", "Heat wave", "Cold", "Heat two"], [["a"], ["b", "a"], ["b"], ["b"]])
    assert (found(titles, None, "b"), found(titles, None), found(titles, None, "c")) == ([1, 2, 3], [0, 1, 2, 3], [])
    assert (found(titles, "heat", "b"), found(titles, "heta", "a"), found(titles, "he", "c")) == ([1, 3], [0, 1], [])


def neighbours_by_hand(known: set[str], word: str) -> set[str]:
    letters = {letter for each in known for letter in each}
    cut = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    spelled = {a + b[1:] for a, b in cut if b} | {a + b[1] + b[0] + b[2:] for a, b in cut if len(b) > 1}
    spelled |= {a + letter + b for a, b in cut for letter in letters} | {a + letter + b[1:] for a, b in cut if b for letter in letters}
    return spelled & known


def test_neighbours_are_those_of_a_dumb_enumeration() -> None:
    chance = random.Random(1)
    known = sorted({"".join(chance.choices("abcé", k=chance.randint(1, 7))) for _ in range(600)})
    words = Words.of(known)
    for _ in range(300):
        word = "".join(chance.choices("abcé", k=chance.randint(LEAST_LETTERS, 7)))
        places = {at for each in neighbours(words, word, may_end=False) for at in each}
        assert {known[at] for at in places} == neighbours_by_hand(set(known), word)


def ranked(titles: list[list[str]], words: list[str]) -> list[int]:
    """docs/api.md's order, by reading every title."""

    def rank(title: list[str]) -> int | None:
        whole = set(words) <= set(title)
        begun = set(words[:-1]) <= set(title) and any(each.startswith(words[-1]) for each in title)
        n = len(words)
        if title == words:
            return 0
        if title[: n - 1] == words[:-1] and len(title) >= n and title[n - 1].startswith(words[-1]):
            return 1
        return 2 if whole else 3 if begun else None

    ranks = [(rank(title), at) for at, title in enumerate(titles)]
    return [at for _, at in sorted((rank, at) for rank, at in ranks if rank is not None)]


@pytest.mark.parametrize("most_sorted", [0, 3, 50_000])
def test_the_same_as_a_search_that_reads_every_title(most_sorted: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_SORTED", most_sorted)
    chance = random.Random(2)
    vocabulary = ["".join(chance.choices("ab", k=chance.randint(1, 4))) for _ in range(12)]
    titles = [chance.choices(vocabulary, k=chance.randint(1, 4)) for _ in range(200)]
    made = indexed([" ".join(title) for title in titles])
    for _ in range(300):
        words = [*chance.choices(vocabulary, k=chance.randint(0, 2)), chance.choice(["a", "b", "ab", *vocabulary])]
        asked = Search(made, words, None)
        rows = list(asked.rows())
        if not asked.is_corrected:
            assert rows == ranked(titles, words)


def test_the_work_for_a_question_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_LOOKED", 10)
    titles = indexed([f"film {at}" for at in range(30)])
    for text in (None, "film", "fi"):
        asked = Search(titles, None if text is None else words_of(text), None)
        assert (list(asked.rows()), asked.is_partial) == (list(range(10)), True)
        first = Search(titles, None if text is None else words_of(text), None)
        assert (list(islice(first.rows(), 5)), first.is_partial) == (list(range(5)), False)
