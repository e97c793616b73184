"""A diff for people."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from contract.formats.keys import Id
from contract.formats.reports.diff import Diff, Distribution

_LEVELS = " ▁▂▃▄▅▆▇█"


def diff_table(diff: Diff) -> Table:
    """What changed, with a bar for each tenth of a distribution: users with nothing in common at the left, with the same at the right."""
    before, after = diff.before, diff.after
    table = Table("", before.generation, after.generation, "change", title="What changed for users", title_justify="left")
    table.columns[0].no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("trained at", _time(before.trained_at), _time(after.trained_at))
    table.add_row("data until", _time(before.data_until), _time(after.data_until))
    table.add_row("users", f"{before.n_users:,}", f"{after.n_users:,}", _users(diff))
    table.add_row("items", f"{before.n_items:,}", f"{after.n_items:,}", _signed(after.n_items - before.n_items, 0))
    table.add_row(
        "items in a list, mean",
        f"{before.mean_listed:.2f}",
        f"{after.mean_listed:.2f}",
        difference(before.mean_listed, after.mean_listed, 2),
    )
    items = gained_and_lost(diff.items_gained, diff.items_lost)
    table.add_row(f"items in a first {diff.k}", f"{before.items_listed:,}", f"{after.items_listed:,}", items)
    table.add_row("... of the catalogue", *_percents(before.coverage, after.coverage))
    table.add_row("places of the top 1 %", *_percents(before.head_share, after.head_share))
    table.add_row("places of other items", "", "", f"{diff.moved:.1%}")
    for name in sorted(before.metrics.keys() & after.metrics.keys()):
        table.add_row(escape(name), *_figures(before.metrics[name], after.metrics[name]))
    table.add_section()
    table.add_row(f"first {diff.k} unchanged", "", "", f"{diff.identical:.1%} of users")
    _add_distribution(table, f"overlap, first {diff.k}", diff.overlap)
    _add_distribution(table, "rank-biased overlap", diff.rbo)
    table.caption = _caption(diff)
    table.caption_justify = "left"
    return table


def _users(diff: Diff) -> str:
    if not diff.sampled:
        return gained_and_lost(diff.users_gained, diff.users_lost)
    return gained_and_lost(diff.users_gained / max(1, diff.after.users_read), diff.users_lost / max(1, diff.before.users_read), ".1%")


def gained_and_lost(gained: float, lost: float, spell: str = ",") -> str:
    """Those that are some; "none" of neither."""
    found = [(sign, format(value, spell)) for sign, value in (("+", gained), ("−", lost))]
    return " ".join(sign + text for sign, text in found if _shows(text)) or "none"


def difference(before: float, after: float, decimals: int) -> str:
    """That of the two as they are shown: rounded apart, it would not fit beside them."""
    return _signed(round(after, decimals) - round(before, decimals), decimals)


def _signed(value: float, decimals: int) -> str:
    text = f"{value:+,.{decimals}f}"
    return text if _shows(text) else text.lstrip("+-")


def _shows(text: str) -> bool:
    """Whether something is left after rounding."""
    return any(digit in "123456789" for digit in text)


def _time(text: str | None) -> str:
    """To the minute, so that columns are narrow; "" for data without times."""
    return (text or "")[:16].replace("T", " ")


def _figures(before: float, after: float) -> tuple[str, str, str]:
    return f"{before:.4f}", f"{after:.4f}", difference(before, after, 4)


def _percents(before: float, after: float) -> tuple[str, str, str]:
    return f"{before:.1%}", f"{after:.1%}", f"{difference(100 * before, 100 * after, 1)} points"


def _add_distribution(table: Table, name: str, found: Distribution | None) -> None:
    if found is None:
        table.add_row(name, "", "", "no user in common")
        return
    table.add_row(name, f"0 {bars(found.bins)} 1", f"median {found.median:.2f}", f"mean {found.mean:.3f}")
    table.add_row("... of a tenth of users", f"below {found.p10:.2f}", f"above {found.p90:.2f}", "")


def bars(counts: tuple[int, ...]) -> str:
    """A character for each count, as high as its part of the greatest; any count at all is seen."""
    most = max(counts, default=0) or 1
    return "".join(_LEVELS[-(-count * (len(_LEVELS) - 1) // most)] for count in counts)


def _caption(diff: Diff) -> str:
    lines = [f"A place is one of the first {diff.k} of a list; the top 1 % are the items of the catalogue that have most of them"]
    for what, items in (("gained", diff.most_gained), ("lost", diff.most_lost)):
        if items:
            lines.append(f"Most listed of the items {what}: {_ids(items)}")
    if diff.sampled:
        read = f"{diff.before.users_read:,} and {diff.after.users_read:,} users"
        lines.append(
            f"A sample was read of users gained and lost, items, places and overlaps: the same {read} at every call, in whole buckets"
        )
    return "\n".join(lines)


def _ids(items: tuple[Id, ...]) -> str:
    return escape(", ".join(map(str, items)))
