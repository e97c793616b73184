"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from contract.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """`token`: of the right to train. `forced_by`: who wants it promoted whatever the gate says. `review`: wait for a person."""

    run: str
    settings: Settings
    token: int | None = None
    forced_by: str = ""
    review: bool = False
