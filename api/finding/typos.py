"""Words that differ from a word by one letter: one too many, one that is missing, another one, or two neighbours that were swapped."""

from __future__ import annotations

from collections.abc import Iterator

from contract.formats.columns import Words

LEAST_LETTERS = 4
"""Shorter words have too many neighbours."""
MAX_LETTERS = 64
"""That are tried at one place of a word: alphabets have fewer, and scripts with thousands of signs are bounded by it."""


def neighbours(words: Words, word: str, *, may_end: bool) -> list[range]:
    """Places of words that differ from `word` by one letter, and where it may be the beginning of one, of those that begin so.

    No word is spelled out that none begins like: up to the place of the letter, all of it is known, so few letters can stand there.
    """
    if len(word) < LEAST_LETTERS:
        return []
    found = {(places.start, places.stop) for text in _spelled(words, word) if (places := _places(words, text, may_end=may_end))}
    return [range(*pair) for pair in sorted(found)]


def _places(words: Words, text: str, *, may_end: bool) -> range:
    places = words.beginning(text)
    if may_end or not places:
        return places
    return places[:1] if words.at(places.start) == text.encode() else places[:0]


def _spelled(words: Words, word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        known = words.beginning(head)
        if not known:
            return
        if tail:
            yield head + tail[1:]
            if len(tail) > 1:
                yield head + tail[1] + tail[0] + tail[2:]
        for letter in _letters(words, known, head):
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def _letters(words: Words, known: range, head: str) -> Iterator[str]:
    """Letters that come after `head` in the words at `known`, which all begin so."""
    at = known.start
    for _ in range(MAX_LETTERS):
        if at < known.stop and len(text := words.at(at).decode()) == len(head):
            at += 1
        if at >= known.stop:
            return
        text = words.at(at).decode()
        yield text[len(head)]
        at = words.beginning(text[: len(head) + 1]).stop
