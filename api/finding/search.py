"""Rows of the index that a question finds, the best first. docs/api.md states the order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from api.finding.typos import neighbours
from contract.formats.packed import Array
from contract.formats.titles import Titles

MAX_LOOKED = 100_000
"""Rows that one question looks at, at the most: some 50 ms."""
MAX_SORTED = 50_000
"""More rows than these are not sorted: that many are met soon by going through all of them in their order."""


class Search:
    """One question. `words`: as words_of gives them, the last of which may be the beginning of one; none: all items.

    `is_corrected`: nothing has the words as they are, so what differs by a letter counts. `is_partial`: there are more to look at.
    """

    def __init__(self, titles: Titles, words: Sequence[str] | None, category: str | None) -> None:
        self._titles = titles
        self._words = words
        self._members = members_of(titles, category) if category is not None else None
        self._left = MAX_LOOKED
        self.is_partial = False
        self.is_corrected = False

    def rows(self) -> Iterator[int]:
        """Each once."""
        if self._words is None:
            yield from self._looked(range(len(self._titles)) if self._members is None else self._members)
            return
        seen: set[int] = set()
        for row in self._as_they_are(self._words):
            if row not in seen:
                seen.add(row)
                yield row
        if not seen and self._words and not self.is_partial:
            for row in self._by_a_letter(self._words):
                self.is_corrected = True
                yield row

    def _as_they_are(self, words: Sequence[str]) -> Iterator[int]:
        if not words:
            return
        vocabulary = self._titles.words
        begun = [vocabulary.beginning(word) for word in words]
        whole = [
            places[:1] if places and vocabulary.at(places.start) == word.encode() else places[:0]
            for word, places in zip(words, begun, strict=True)
        ]
        if not all(whole[:-1]) or not begun[-1]:
            return
        yield from self._titled(whole[:-1], begun[-1], whole[-1])
        yield from self._meeting([[places] for places in whole])
        yield from self._meeting([[places] for places in (*whole[:-1], begun[-1])])

    def _by_a_letter(self, words: Sequence[str]) -> Iterator[int]:
        vocabulary, last = self._titles.words, len(words) - 1
        alternatives: list[list[range]] = []
        for at, word in enumerate(words):
            places = vocabulary.beginning(word)
            if at < last and places:
                places = places[:1] if vocabulary.at(places.start) == word.encode() else places[:0]
            alternatives.append([*([places] if places else []), *neighbours(vocabulary, word, may_end=at == last)])
        yield from self._meeting(alternatives)

    def _titled(self, head: Sequence[range], begun: range, whole: range) -> Iterator[int]:
        """Titles that are the words, then those that begin with them."""
        titles, order, numbers = self._titles, self._titles.order, tuple(places.start for places in head)
        start = bisect_left(order, (*numbers, begun.start), key=titles.title)
        end = bisect_left(order, (*numbers, begun.stop), lo=start, key=titles.title)
        if whole:
            same = bisect_left(order, (*numbers, whole.start, 0), lo=start, hi=end, key=titles.title)
            yield from self._looked(sorted(order[start:same]))
        if end - start <= MAX_SORTED:
            yield from self._looked(sorted(order[start:end]))
            return
        n = len(numbers)
        for row in self._looked(range(len(titles))):
            title = titles.title(row)
            if title[:n] == numbers and len(title) > n and title[n] in begun:
                yield row

    def _meeting(self, alternatives: Sequence[Sequence[range]]) -> Iterator[int]:
        """Rows whose titles have a word of each of these places."""
        if not all(any(places) for places in alternatives):
            return
        titles = self._titles
        sizes = [sum(self._n_postings(places) for places in each) for each in alternatives]
        rarest = sizes.index(min(sizes))
        candidates: Iterable[int] = self._candidates(alternatives[rarest], sizes[rarest])
        if self._members is not None and len(self._members) < sizes[rarest]:
            candidates = self._members
        starts, numbers = titles.title_starts, titles.title_words
        for row in self._looked(candidates):
            title = numbers[starts[row] : starts[row + 1]]
            if all(any(word in places for word in title for places in each) for each in alternatives):
                yield row

    def _candidates(self, alternatives: Sequence[range], size: int) -> Iterable[int]:
        titles = self._titles
        if len(alternatives) == 1 and len(alternatives[0]) == 1:
            return self._postings(alternatives[0])
        if size > MAX_SORTED:
            return range(len(titles))
        return sorted({row for places in alternatives for row in self._postings(places)})

    def _postings(self, places: range) -> Array:
        starts = self._titles.posting_starts
        return self._titles.postings[starts[places.start] : starts[places.stop]]

    def _n_postings(self, places: range) -> int:
        starts = self._titles.posting_starts
        return int(starts[places.stop] - starts[places.start])

    def _looked(self, rows: Iterable[int]) -> Iterator[int]:
        """Those of the category, until too many were looked at."""
        members = self._members
        for row in rows:
            if not self._left:
                self.is_partial = True
                return
            self._left -= 1
            if members is None or _holds(members, row):
                yield row


def members_of(titles: Titles, category: str) -> Array:
    """Rows of a category; none for one that there is not."""
    number, is_there = titles.categories.place(category)
    starts = titles.category_starts
    return titles.category_rows[starts[number - 1] : starts[number]] if is_there else titles.category_rows[:0]


def _holds(rows: Array, row: int) -> bool:
    at = bisect_left(rows, row)
    return at < len(rows) and rows[at] == row
