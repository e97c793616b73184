"""What the gate finds: one sentence with the limit and both figures each."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Finding(BaseModel):
    """`limit`: the setting. `new`, `old`: the figures that were compared; `old` is the current generation's, or a bound."""

    model_config = ConfigDict(frozen=True)

    limit: str
    new: float | str | None
    old: float | str | None
    message: str


READING = "reading"  # the limit of what is no setting's
Found = tuple[Literal["refuse", "review", "warn"], Finding]


def finding(limit: str, new: float | None, old: float, text: str, bound: float | str) -> Finding:
    shown = bound if isinstance(bound, str) else f"{bound:g}"
    return Finding(limit=limit, new=new, old=old, message=f"{text} ({limit} = {shown})")


def reads_otherwise(text: str, new: float | str, old: float | str) -> Finding:
    """That a source reads in another way than it did for the current generation."""
    return Finding(limit=READING, new=new, old=old, message=f"{text} ({READING})")


def part(now: float, before: float) -> str:
    """How far `now` is below `before`."""
    return f"{100 * (1 - now / before):.1f} %"
