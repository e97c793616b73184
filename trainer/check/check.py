"""Looks at a source as a run would read it, and says what is there, what is wrong with it, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from contract.settings.source import STDIN
from engine.fit.rows import rows_by_user
from trainer.check.advice import advice_for
from trainer.check.distributions import Distribution, of_counts, of_times, of_weights
from trainer.check.lookalikes import lookalikes
from trainer.check.tables_beside import tables_beside
from trainer.interactions import cleaning
from trainer.interactions.doubts import MANY
from trainer.interactions.interactions import Interactions
from trainer.rows.problems import Example, NoNamesError, Problems, UnknownColumnsError, shortened
from trainer.rows.row_filter import NO_ROWS
from trainer.sources import load as sources

BY_POLICY = {*cleaning.DUPLICATE.values(), cleaning.FEW_USER, cleaning.FEW_ITEM, cleaning.ROBOT}
"""Reasons to drop a row that the settings ask for: no loss."""
FEW = 50  # users or items below which recommendations mean little
ONE_ROW = "Write each on one row; several categories of an item stand on its row with a bar between them."
FEW_TWINS, MANY_TWINS = 10, 0.1  # ids that have a twin: more than so many, and than this part of all, are no accident
Verdict = Literal["usable", "usable with losses", "usable with doubts", "unusable"]
EXIT_CODES: dict[Verdict, int] = {"usable": 0, "usable with losses": 1, "usable with doubts": 1, "unusable": 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: how many rows, the first of them, and what to do."""

    what: str
    n_rows: int
    advice: str
    examples: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class CheckReport:
    source: str
    verdict: Verdict
    facts: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    distributions: Sequence[Distribution] = field(default_factory=tuple)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def check(source: SourceSettings, cache: Path) -> CheckReport:
    """Read the source in full, with the line of every row that is dropped. Never raises for what is in the data."""
    label, problems = sources.label_of(source), Problems()
    try:
        raw = sources.read(source, cache)
        problems = raw.problems
        loaded = sources.gather(raw, source, validate=True)
    except DataError as error:
        reason = str(error).removeprefix(f"{label}: ")
        refused = Finding(reason, 0, "")
        meant = _proposal(source) if isinstance(error, UnknownColumnsError | NoNamesError) or not source.header else []
        return _unusable(label, problems, refused, *meant)
    made, doubts = loaded.interactions, [Finding(doubt.what, 0, doubt.advice) for doubt in loaded.doubts]
    try:
        beside = tables_beside(source, made)
    except DataError as error:
        return _unusable(label, problems, Finding(str(error), 0, ""))
    doubts += [Finding(what, 0, ONE_ROW) for what in beside.doubtful]
    twins, many = _twins(made)
    lost_rows = [*_findings(problems), *(Finding(what, n, "") for what, n in beside.lost.items())]
    findings = [*doubts, *lost_rows, *_remarks(made, loaded.profile.copies), *twins]
    lost = bool(beside.lost) or any(reason not in BY_POLICY and reason not in NO_ROWS for reason in made.dropped)
    return CheckReport(
        label,
        "usable with losses" if lost else "usable with doubts" if doubts or many else "usable",
        [*_rows(problems), *_facts(made), *_target(made), *beside.facts],
        tuple(problems.notes),
        findings,
        _distributions(made),
    )


def _unusable(label: str, problems: Problems, *why: Finding) -> CheckReport:
    return CheckReport(label, "unusable", _rows(problems), tuple(problems.notes), (*why, *_findings(problems)))


def _proposal(source: SourceSettings) -> list[Finding]:
    from trainer.check.proposal import propose

    meant = None if source.interactions == STDIN else propose(source)  # what was sent there is gone
    if meant is None:
        return []
    instead = [f"Or, if each type of event has a weight, in place of --weight-column: {meant.kinds}"] if meant.kinds else []
    return [Finding("by what they hold, these columns may be meant", 0, "\n    ".join([*meant.evidence, *instead, meant.command]))]


def _rows(problems: Problems) -> list[tuple[str, str]]:
    return [("rows", f"{problems.n_rows:,}")] if problems.n_rows else []


def _facts(made: Interactions) -> list[tuple[str, str]]:
    n_users, n_items, n = len(made.user_ids), len(made.item_ids), int(made.weight.size)
    pairs = _n_pairs(made)
    facts = [
        ("interactions", f"{n:,}"),
        ("users", f"{n_users:,}, such as {made.user_ids[0]!r}"),
        ("items", f"{n_items:,}, such as {made.item_ids[0]!r}"),
        ("repeated pairs", f"{n - pairs:,} interactions" if n > pairs else "none"),
        ("density", f"{pairs / n_users / n_items:.3%} of all pairs of a user and an item"),
        ("weights", f"{made.weight.min():g} to {made.weight.max():g}"),
    ]
    if made.time is None:
        return [*facts, ("times", "none")]
    first, last = (datetime.fromtimestamp(int(second), UTC) for second in (made.time.min(), made.time.max()))
    return [*facts, ("times", f"{first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC")]


def _target(made: Interactions) -> list[tuple[str, str]]:
    """Of what types the rows are, where one of them is the target; and how many users and items it has."""
    if made.target is None:
        return []
    types = ", ".join(f"{name[:40]} {n:,}" for name, n in made.reading["events"].items())
    users, items = (np.unique(positions[made.target]).size for positions in (made.user_idx, made.item_idx))
    return [("types", types), ("target", f"{made.reading['target'][:40]}, of {users:,} users and {items:,} items")]


def _n_pairs(made: Interactions) -> int:
    """Distinct pairs of a user and an item. np.unique takes fifty times as long."""
    _, _, indptr = rows_by_user(made.user_idx, made.item_idx, len(made.user_ids))
    return int(indptr[-1])


def _findings(problems: Problems) -> list[Finding]:
    return [
        Finding(reason, n, advice_for(reason), tuple(problems.examples.get(reason, ())))
        for reason, n in sorted(problems.dropped.items(), key=lambda pair: -pair[1])
        if n
    ]


def _remarks(made: Interactions, copies: int) -> list[Finding]:
    """What is no loss, and yet worth a look."""
    remarks = []
    n_users, n_items = len(made.user_ids), len(made.item_ids)
    for what, n in (("users", n_users), ("items", n_items)):
        if n < FEW:
            remarks.append(Finding(f"only {n} {what}", 0, "Recommendations from so few mean little; is this the right column?"))
    if MANY > int(made.weight.size) == n_users > 1:  # of more, it is a doubt
        remarks.append(
            Finding("every user has one interaction", 0, "Nothing can be learned from that; is the user column an id of events?")
        )
    if copies > 1:
        advice = "Was a file read twice, or a table joined with more than one row of another? --duplicates last counts a pair once."
        remarks.append(Finding(f"every row stands {copies:,} times", 0, advice))
    return remarks


def _twins(made: Interactions) -> tuple[list[Finding], bool]:
    """Ids that look the same to people, and are others; and whether they are so many that each may be written in two ways."""
    found, many = list[Finding](), False
    for what, ids in (("users", made.user_ids), ("items", made.item_ids)):
        seen = lookalikes(ids)
        many |= seen.n > max(FEW_TWINS, MANY_TWINS * len(ids))
        if seen.n:
            pairs = "; ".join(", ".join(ascii(shortened(one)) for one in group[:4]) for group in seen.groups)
            advice = f"They are kept apart. Such as {pairs}"
            found.append(
                Finding(
                    f"{seen.n:,} {what} differ only in case, spaces, Unicode form, invisible characters, codes (%20, &amp;) "
                    "or letters that look alike",
                    0,
                    advice,
                )
            )
        if seen.none:
            advice = "If they stand for none, name them with --missing."
            found.append(Finding(f"{what} are called {', '.join(map(repr, seen.none[:5]))}", 0, advice))
    return found, many


def _distributions(made: Interactions) -> list[Distribution]:
    found = [
        of_counts("Activity: users by number of interactions", "users", np.bincount(made.user_idx)),
        of_counts("Popularity: items by number of interactions", "items", np.bincount(made.item_idx)),
        of_weights(made.weight),
    ]
    return found if made.time is None else [*found, of_times(made.time)]
