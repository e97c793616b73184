"""Ids that were read without a fault and yet look wrong: lists, numbers that a spreadsheet wrote, words for none, two ways to write one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from contract.formats.keys import Id
from engine.arrays import Array
from trainer.rows.doubt import Doubt

LOOKED_AT = 2000  # ids of a column
MOST = 0.5  # part of the ids that look alike
SOME = 0.01  # part of the ids that is no accident
OFTEN = 0.01  # part of the rows that is much for an id that stands for none,
USUAL = 5  # if it has so many times the rows of others
_BASKETS = "A row is one user with one item; --baskets reads a list of items a row."
_LIST = re.compile(r"\[.*\]|\{(?![0-9A-Fa-f-]{36}\}).*\}|\(.*\)", re.DOTALL)  # {6f9619ff-8b86-...} is one id, as Windows writes it
_INTEGERS = re.compile(r"(0|[1-9]\d*)([ ,|;]\s*(0|[1-9]\d*))+")
_ROUNDED = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_SPREADSHEET = re.compile(r"[+-]?\d[.,]\d+E\+\d\d")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([,.'\u2019\u00a0\u202f ]\d{3})+")
_NO_INTEGER = re.compile(rf"\+\d{{1,6}}|[+-]?\d+[.,]\d*|{_THOUSANDS.pattern}|['\"`]-?\d+['\"`]")
_INTEGER = re.compile(r"-?\d+")
_QUOTED = re.compile(r"=?\"[^\"]*\"|'[^']*'|[\u201c\u201e\u00ab].*[\u201c\u201d\u00bb]|'\d+")
_DATE = re.compile(r"(19|20)\d\d-\d\d-\d\d([ T][\d:.+Z-]*)?")
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|M\u00e4r|Mrz|Mai|Okt|Dez"
_MONTH = re.compile(rf"(\d{{1,2}}[-. ] ?({_MONTHS})|({_MONTHS})[-. ] ?\d{{2}})")
_UNSEEN = "[\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060\ufeff]"
_EDGE = re.compile(rf"{_UNSEEN}.*|.*{_UNSEEN}", re.DOTALL)
_CONTROL = re.compile(r".*[\x00-\x08\x0e-\x1f].*", re.DOTALL)
_PROGRAM = re.compile(
    r"b'.*'|b\".*\"|((np|numpy|uuid|bson|decimal|torch)\.)?(u?int(8|16|32|64)|str_|tensor|ObjectId|UUID|Decimal|array)\(.*\)"
)
_TWICE = re.compile(r".*([\u00c2\u00c3][\u0080-\u00bf\u0152-\u0178\u2018-\u2122]|\u00e2\u20ac).*", re.DOTALL)
_LOST = re.compile(r".*\ufffd.*", re.DOTALL)
_SPELLED = re.compile(r"-0|\+\d+|0+\d+|\d+\.0+|\d{1,3}([,'\u2019\u00a0\u202f ]\d{3})+")
_MEANT_AS_NUMBER = "Is this the right column? Whole numbers are written as 1234."
_MOSTLY = (
    (_LIST, "look like lists", _BASKETS),
    (
        _ROUNDED,
        "are numbers with an exponent",
        "A spreadsheet has rounded them, and different ids may have become one: export them as texts.",
    ),
    (_NO_INTEGER, "are numbers, and not written as integers", _MEANT_AS_NUMBER),
    (_INTEGERS, "look like lists", _BASKETS),
    (_QUOTED, "stand in quotation marks", "They are taken as a part of the ids; write the table without them."),
    (
        _EDGE,
        "begin or end with characters that nobody sees",
        "They are taken as a part of the ids; leave them out where the table is made.",
    ),
    (_CONTROL, "hold characters that nobody sees", "They are taken as a part of the ids; leave them out where the table is made."),
    (
        _PROGRAM,
        "are written as a program shows values",
        "Convert them where the table is made: b'7' is text in bytes, np.int64(7) the number 7.",
    ),
    (_DATE, "are dates", "Is this the right column?"),
)
_PARTLY = (
    (
        _MONTH,
        "are in part a day and a month",
        "A spreadsheet makes dates of ids such as MAR1, and different ids may have become one: export them as texts.",
    ),
    (_SPREADSHEET, "are in part numbers with an exponent", _MOSTLY[1][2]),
    (_LOST, "hold \ufffd, which stands for a letter that was lost", "Different ids may have become one: make the table anew in UTF-8."),
    (_TWICE, "look like UTF-8 that was read in another encoding", "Say --encoding utf-8, or correct them where the table is made."),
)
WORDS = (
    "undefined",
    "none",
    "null",
    "nil",
    "nan",
    "n/a",
    "unknown",
    "anonymous",
    "anon",
    "guest",
    "not set",
    "(not set)",
)
NUMBERS = (0, -1)
_ZEROS = "00000000-0000-0000-0000-000000000000"
ERRORS = ("#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!")
_ITEM_TOTALS = ("total", "totals", "grand total", "subtotal")
TOTALS = (*_ITEM_TOTALS, "sum", "gesamt", "summe", "gesamtergebnis")


def id_doubts(role: str, ids: Sequence[Id], name: str) -> Iterator[Doubt]:
    """`name`: that of the column."""
    if not isinstance(ids[0], str):
        return
    some = [str(one) for one in ids[:: max(1, len(ids) // LOOKED_AT)]]
    spelled = {one: _plain(one) for one in some if _SPELLED.fullmatch(one)}
    totals = list(_cases(TOTALS if role == "user" else _ITEM_TOTALS))
    there = _among(ids, (name, *spelled.values(), *ERRORS, *totals))
    if name and not name.isdigit() and name in there:
        yield Doubt(f"{name!r} is an id of the {role} column and its name, too", "A line of names among the rows? Take it out.")
    written = list(_written(role, some))
    yield from written
    for mark in "|;" if not written else "":
        pieces = [piece for one in some if mark in one for piece in one.split(mark)]
        if sum(mark in one for one in some) > MOST * len(some) and len(set(pieces)) < MOST * len(pieces):
            like_list = next(one for one in some if mark in one)[:40]
            yield Doubt(f"{role} ids look like lists", f"Such as {like_list!r}. {_BASKETS}")
            break
    twins = [one for one, plain in spelled.items() if plain in there]
    if len(twins) > SOME * len(some):
        advice = f"Such as {twins[0][:40]!r} beside {spelled[twins[0]][:40]!r}, which are kept apart; write all in one way."
        yield Doubt(f"{role} ids are the same numbers, written in two ways", advice)
    if error := next((error for error in ERRORS if error in there), None):
        yield Doubt(f"{error!r} is an id of the {role} column", "A formula of a spreadsheet failed; name it with --missing, or correct it.")
    if found := next((word for word in totals if word in there), None):
        yield Doubt(
            f"{'a user' if role == 'user' else 'an item'} is called as a line of totals is",
            f"It is {found!r}; take such lines out of the table.",
        )


def stand_for_none(ids: Sequence[Id], counts: Array, *, numbers: bool) -> tuple[Id, int] | None:
    """An id that is a word for none, and its rows, where it has many more than others. `numbers`: whether 0 and -1 are such words."""
    words: list[Id] = [*_cases(WORDS), _ZEROS] if isinstance(ids[0], str) else [*NUMBERS] if numbers else []
    there = _among(ids, words)
    for word in words:
        if word in there and (n := int(counts[ids.index(word)])) > max(OFTEN * counts.sum(), USUAL * counts.mean()):
            return word, n
    return None


def _written(role: str, some: Sequence[str]) -> Iterator[Doubt]:
    """How ids are written, of which `some` are looked at: what most of them look like, else some."""
    for least, kinds in ((MOST, _MOSTLY), (SOME, _PARTLY)):
        said = dict[str, Doubt]()
        for pattern, what, advice in kinds:
            like = [one for one in some if pattern.fullmatch(one)]
            if len(like) > least * len(some):
                said.setdefault(what, Doubt(f"{role} ids {what}", f"Such as {like[0][:40]!r}. {advice}"))
        yield from [*said.values()][:1]
        if said:
            return
    odd = [one for one in some if _NO_INTEGER.fullmatch(one)]
    if len(odd) > SOME * len(some) and all(_NO_INTEGER.fullmatch(one) or _INTEGER.fullmatch(one) for one in some):
        yield Doubt(f"{role} ids are numbers, and not all written as integers", f"Such as {odd[0][:40]!r}. {_MEANT_AS_NUMBER}")


def _plain(text: str) -> str:
    """The number in its usual form, of one that is spelled in another."""
    whole = re.sub(r"[,'\u2019\u00a0\u202f ]", "", re.sub(r"\.0+$", "", text))
    return whole.lstrip("+-0") or "0"


def _cases(words: Sequence[str]) -> Iterator[str]:
    for word in words:
        yield from dict.fromkeys((word, word.upper(), word.capitalize(), word.title()))


def _among(ids: Sequence[Id], some: Iterable[Id]) -> set[Id]:
    """Those of `some` that are ids. These may be in any order: users are by bucket."""
    return set(some).intersection(ids)
