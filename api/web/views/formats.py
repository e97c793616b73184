"""Numbers and times as people read them: filters of the templates."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

from markupsafe import Markup

from api.http.problems import sentence

NOTHING = "–"
ACRONYMS = {"ndcg": "nDCG", "map": "MAP"}
_ACRONYM = re.compile(rf"\b({'|'.join(ACRONYMS)})\b")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", re.ASCII)


def number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def figure(value: float | None) -> str:
    """A measure, with four decimals."""
    return NOTHING if value is None else f"{value:.4f}"


def change(value: float | None) -> str:
    """A difference, with its sign."""
    return NOTHING if value is None else signed(value, "+.4f")


def signed(value: float, spell: str) -> str:
    """Without a sign where nothing is left after rounding."""
    text = format(value, spell)
    return text.replace("-", "−") if any(digit in "123456789" for digit in text) else text.lstrip("+-")


def difference(before: float, after: float, decimals: int) -> str:
    """That of the two as they are shown: rounded apart, it would not fit beside them."""
    return signed(round(after, decimals) - round(before, decimals), f"+,.{decimals}f")


def gained_and_lost(gained: float, lost: float, spell: str = ",") -> str:
    """Those that are some; "none" of neither."""
    found = [(sign, format(value, spell)) for sign, value in (("+", gained), ("−", lost))]
    return " ".join(sign + text for sign, text in found if any(digit in "123456789" for digit in text)) or "none"


def percent(part: float | None) -> str:
    return NOTHING if part is None else f"{100 * part:.1f} %"


def whole_percent(part: float) -> str:
    return f"{signed(100 * part, '.0f')} %"


def size(n_bytes: float) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if n_bytes < 1024 or unit == "GiB":
            break
        n_bytes /= 1024
    return f"{n_bytes:,.0f} {unit}" if unit == "bytes" else f"{n_bytes:,.1f} {unit}"


def duration(seconds: float | None) -> str:
    """The two greatest units that say something."""
    if seconds is None:
        return NOTHING
    seconds = round(max(0.0, seconds))  # before it is cut into units, or there would be 9 min 60 s
    if seconds < 60:
        return f"{seconds:.0f} s"
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if seconds < 3600:
        parts = [(minutes, "min"), (seconds % 60, "s")]
    elif seconds < 86400:
        parts = [(hours, "h"), (minutes, "min")]
    else:
        parts = [(days, "day" if days == 1 else "days"), (hours, "h")]
    return " ".join(f"{n:,.0f} {unit}" for n, unit in parts if n)


def milliseconds(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{1000 * seconds:,.3g} ms"


def setting(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def measure(name: str) -> str:
    """A measure as people write it, from its name in a record, such as `long_tail` or `ndcg@10, time`."""
    return _ACRONYM.sub(lambda found: ACRONYMS[found[0]], name).replace("_", " ")


def findings(text: str) -> list[str]:
    """Of the gate's sentence: each thing that it finds, as a sentence of its own."""
    return [sentence(part) for part in text.split("; ") if part]


def at(ms: int | None) -> str:
    """A time of Redis' clock, as an element that a script can show in another time zone."""
    return moment(f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}") if ms else NOTHING


def when(text: str | None) -> str:
    """A time as a manifest spells it, in UTC, to the second."""
    return text[:19].replace("T", " ") if text else NOTHING


def moment(text: str | None) -> str:
    """As `at`, of a text that is a time in UTC, as a manifest or `when` spells it; other texts stay as they are."""
    shown = when(text)
    if text is None or _MOMENT.fullmatch(text) is None:
        return text or NOTHING
    return Markup(f'<time datetime="{shown.replace(" ", "T")}Z">{shown}</time>')  # noqa: S704 (digits and signs alone)


def age_of(text: str) -> float:
    """Seconds since then, by this machine's clock."""
    return time.time() - datetime.fromisoformat(text).timestamp()


def age_between(earlier: str | None, later: str) -> float | None:
    """Seconds from one time to another, both as a manifest spells them; None where the first is not known."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() if earlier else None


FILTERS = {
    "number": number, "figure": figure, "change": change, "percent": percent, "whole_percent": whole_percent, "size": size,
    "duration": duration, "milliseconds": milliseconds, "at": at, "moment": moment, "findings": findings, "measure": measure,
}  # fmt: skip
