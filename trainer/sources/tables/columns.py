"""Which column of a table is what: as the settings say, or guessed from names that are well known."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows import column_names
from trainer.rows.problems import UnknownColumnsError

AUTO = "auto"
MANY = 15  # columns, as of a matrix
LIKELY_TYPO = 0.5  # how alike two names are, from 0 to 1
ROLES = ("user", "item", "weight", "time")
OWN_NAMES = {"user": "userID", "item": "itemID", "weight": "rating", "time": "timestamp"}
"""A column of exactly this name is taken, whatever else the table has."""

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "username", "userhash", "customer", "customerid", "customerno", "client", "clientid", "visitor"),
        *("visitorid", "member", "memberid", "reviewer", "reviewerid", "reader", "readerid", "buyerid", "shopperid", "accountid"),
        *("profileid", "personid", "playerid", "patientid", "studentid", "subscriberid", "listenerid", "sessionid"),
    ),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "filmid", "asin", "parentasin", "isbn", "isbn13", "product", "productid", "sku"),
        *("stockcode", "article", "articleid", "book", "bookid", "track", "trackid", "song", "songid", "artist", "artistid", "album"),
        *(
            "albumid",
            "anime",
            "animeid",
            "game",
            "gameid",
            "business",
            "businessid",
            "recipeid",
            "videoid",
            "newsid",
            "postid",
            "contentid",
        ),
        *("joke", "jokeid", "restaurantid", "venueid", "poiid", "locationid", "courseid", "jobid", "listingid", "hotelid", "showid"),
    ),
    "weight": (
        *("rating", "ratings", "score", "weight", "stars", "star", "starrating", "overall", "bookrating", "userrating", "movierating"),
        *("reviewscore", "preference", "strength", "quantity", "qty", "plays", "playcount", "listens", "watchratio", "hours"),
    ),
    "time": (
        *("timestamp", "time", "date", "datetime", "ts", "unixreviewtime", "unixtime", "eventtime", "eventtimestamp", "eventdate"),
        *("createdat", "created", "createdate", "ratingtimestamp", "ratingdate", "ratedat", "reviewdate", "invoicedate", "orderdate"),
        *("purchasedate", "transactiondate", "tdat", "timehour", "timems", "timestampms", "clicktime", "viewedat", "watchedat", "at"),
    ),
    "event": ("event", "eventtype", "action", "actiontype", "behavior", "behaviour", "interaction", "interactiontype", "behaviortype"),
}
"""Compared without regard to case, `_`, `-`, `.` and spaces."""


@dataclass(frozen=True, slots=True)
class Columns:
    """`of`: the column of each role that the table has. `notes`: what was guessed, in sentences."""

    of: dict[str, str]
    notes: tuple[str, ...]


def resolve_columns(names: Sequence[str], source: SourceSettings, where: str, *, named: bool = True) -> Columns:
    """Columns of the interactions. `named` is whether the table has names of its own. Raises DataError for none, and for several."""
    asked = {role: getattr(source, f"{role}_column") for role in ROLES}
    if source.event_weights:
        asked |= {"weight": ""}
    if source.event_weights or source.target:
        asked |= {"event": source.event_column}
    asked = {role: name for role, name in asked.items() if name}
    found = {role: _named(role, name, names, where) for role, name in asked.items() if name != AUTO}
    if not named:
        return _by_position(names, [role for role in asked if role not in found], found, where)
    notes = []
    for role in (role for role in asked if role not in found):
        guess = _guess(role, [name for name in names if name not in found.values()], where)
        if guess:
            found[role] = guess
            notes.append(
                f"the {role} column is {column_names.name(guess)}"
                if guess == OWN_NAMES.get(role)
                else f"guessed from its name: the {role} column is {column_names.name(guess)}"
            )
        elif role in ("weight", "time"):
            notes.append(f"no {role} column: {'every interaction weighs 1' if role == 'weight' else 'no decay'}")
        else:
            raise UnknownColumnsError(_no_column(role, names, where))
    if "event" not in asked and source.event_column == AUTO and (events := _candidates("event", names)):
        notes.append(f"column {column_names.name(events[0])} looks like types of events; --event-weights view=1,buy=5 would weigh them")
    order = [role for role in (*ROLES, "event") if role in found]
    _refuse_twins([name for name in names if name in found.values()], where)
    return Columns({role: found[role] for role in order}, tuple(notes))


def is_known(name: str) -> bool:
    """Whether any role knows the name: then a line that holds it is a line of names."""
    return bool(role_of(name))


def role_of(name: str) -> str:
    """The role that knows the name, or ""."""
    return next((role for role, known in KNOWN_NAMES.items() if plain_name(name) in known), "")


def plain_name(name: str) -> str:
    """A column's name as names are compared: without case, width, what nobody sees, spaces, dots, dashes and underscores."""
    if not name.isascii():
        name = "".join(letter for letter in unicodedata.normalize("NFKC", name) if unicodedata.category(letter) != "Cf")
    return re.sub(r"[\s_.\-]", "", name).casefold()


def _candidates(role: str, names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if plain_name(name) in KNOWN_NAMES[role]]


def _guess(role: str, names: Sequence[str], where: str) -> str | None:
    if OWN_NAMES.get(role) in names:
        return OWN_NAMES[role]
    found = _candidates(role, names)
    if len(found) > 1:
        raise UnknownColumnsError(f"{where}: the {role} column may be any of {column_names.names(found)}; choose one with --{role}-column")
    return found[0] if found else None


def _named(role: str, name: str, names: Sequence[str], where: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=LIKELY_TYPO)
    hint = f"Perhaps {column_names.name(near[0])}? " if near else ""
    raise DataError(
        f"{where} has no column {name!r}; it has {column_names.names(names)}. {hint}Name it with --{role}-column{_separator_hint(names)}"
    )


def _no_column(role: str, names: Sequence[str], where: str) -> str:
    known = ", ".join(KNOWN_NAMES[role][:6])
    first_row = "" if len(names) == 1 or any(map(is_known, names)) else ". If these are the values of a first row, say --no-header"
    if role == "item" and len(names) >= MANY:
        first_row += ". If each column is an item and each row a user, say --wide"
    return (
        f"{where}: no column has a known name of {role}s ({known}, ...); it has {column_names.names(names)}. "
        f"Name it with --{role}-column{_separator_hint(names)}{first_row}"
    )


def _separator_hint(names: Sequence[str]) -> str:
    return ", or set --separator" if len(names) == 1 else ""


def _by_position(names: Sequence[str], roles: Sequence[str], found: dict[str, str], where: str) -> Columns:
    """The first columns that are free, in the order user, item, weight, time."""
    free = [name for name in names if name not in found.values()]
    needed = [role for role in roles if role in ("user", "item", "event")]
    if len(free) < len(needed):
        raise DataError(f"{where} has {len(names)} columns; expected {', '.join(roles)}, in this order. Perhaps set --separator")
    chosen = {**found, **dict(zip(roles, free, strict=False))}
    without = [role for role in roles if role not in chosen]
    said = ", ".join(f"{role} is column {chosen[role]}" for role in (*ROLES, "event") if role in chosen)
    notes = [f"no names of columns: {said}"] + [f"no {role} column" for role in without]
    return Columns({role: chosen[role] for role in (*ROLES, "event") if role in chosen}, tuple(notes))


def _refuse_twins(names: Sequence[str], where: str) -> None:
    for name in names:
        if list(names).count(name) > 1 and name:
            raise DataError(f"{where} has two columns named {column_names.name(name)}; rename one, in SQL with AS")
