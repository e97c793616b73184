"""What makes arms differ by more than their lists, told when an experiment begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from contract.experiments.definition import Experiment
from contract.formats.manifest import Pointer
from contract.settings.settings import Settings


def warnings(settings: Settings, found: Experiment, now: datetime) -> Iterator[str]:
    """By settings of this process: those of the API may be others."""
    fixed = [arm.pointer for arm in found.arms if arm.pointer is not None]
    if found.stop_when_worse and fixed and not settings.fallback_chain:
        yield (
            "LARDER_FALLBACK is not set here. If the API has none either, users whom an arm does not know are shown nothing and count in "
            "no arm; once that shows, there is no verdict, and the experiment does not end by itself. Set LARDER_FALLBACK for the API"
        )
    for pointer in fixed if settings.events and settings.fresh else []:
        until = _knows_until(pointer)
        if (days := (now - until).days) >= settings.fresh_days:
            yield (
                f"arm {pointer.generation} knows events until {until:%Y-%m-%d}, {days} days ago, and LARDER_FRESH_DAYS is "
                f"{settings.fresh_days} here: what users bought soon after is in their lists again. Stop the experiment, set "
                "LARDER_FRESH_DAYS for the API and the workers to more days than an experiment is to run, train the arm anew, and begin "
                "again"
            )


def _knows_until(pointer: Pointer) -> datetime:
    """When the newest event came that the generation was made of; where it has read none, when it was trained."""
    if pointer.events_until:
        return datetime.fromtimestamp(int(pointer.events_until.partition("-")[0]) / 1000, UTC)
    return datetime.fromisoformat(pointer.trained_at).astimezone(UTC)
