"""Days of an experiment: which of them count, and for how long they can be counted. Needs no polars, so that the service may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contract.experiments.definition import Experiment
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.event_stream import events_in
from contract.store.streams.impressions import impressions_in

DAY_MS = 86_400_000


def closes_ms(settings: Settings, experiment: Experiment, day: int) -> int:
    """When a day is over, with the windows of all its users; the first is day 0."""
    return experiment.began_at_ms + (day + 1) * DAY_MS + settings.outcomes_window_s * 1000


def closed_days(settings: Settings, experiment: Experiment, now: datetime) -> int:
    """How many days are over so."""
    return max(0, (int(now.timestamp() * 1000) - closes_ms(settings, experiment, -1)) // DAY_MS)


def counts_from(settings: Settings, experiment: Experiment) -> datetime:
    """When the first day counts."""
    return datetime.fromtimestamp(closes_ms(settings, experiment, 0) / 1000, UTC)


def written_until(larder: Larder) -> datetime:
    """Up to when all that people were shown and did is in files: what waits in Redis would change days that were counted without it."""
    streams = events_in(larder.store, larder.keys), impressions_in(larder.store, larder.keys)
    return datetime.now(UTC) - timedelta(seconds=max(stream.waiting().oldest_s for stream in streams))


def too_old(settings: Settings, experiment: Experiment, now: datetime) -> str:
    """Why it can't be judged any more, and what to do; "" where it can.

    Without the files of its first days a user whom they had would count again, on a later day, and days that were looked at would change.
    """
    kept = [(settings.impressions_keep_days, "LARDER_IMPRESSIONS_KEEP_DAYS"), (settings.events_keep_days, "LARDER_EVENTS_KEEP_DAYS")]
    days, name = min(one for one in kept if one[0])
    began = datetime.fromtimestamp(experiment.began_at_ms / 1000, UTC).date()
    if (now.astimezone(UTC).date() - began).days < days:
        return ""
    return (
        f"experiment {experiment.id} began on {began}, and files of its first days are deleted by now ({name}={days}): what is left would "
        f"count users anew, so there is no verdict, and nothing ends it. End it by what was seen before; for a longer one set {name} to "
        "more days than it is to run, then begin it"
    )
