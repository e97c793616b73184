"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from contract.formats.reports.tuned import Tuned
from contract.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class RunSpec:
    """`token`: of the right to train. `forced_by`: who wants it promoted whatever the gate says. `review`: wait for a person.

    `arm`: of the experiment that runs, for which it makes a generation; "": for what is served. `is_first`: nothing is served yet.
    `tuned`: what chose the model of `settings`, if a tune did.
    """

    run: str
    settings: Settings
    token: int | None = None
    forced_by: str = ""
    review: bool = False
    arm: str = ""
    is_first: bool = False
    tuned: Tuned | None = None
