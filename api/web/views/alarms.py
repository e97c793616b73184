"""What is wrong, from one look at everything. Each alarm is a section of docs/runbook.md, named by its slug."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from api.http.problems import sentence
from api.lists.freshness import age_s, is_stale
from api.web.views.formats import duration, findings, size
from api.web.views.snapshot import Snapshot
from api.web.views.traffic import Traffic
from contract.formats.states import GenerationState, RunState, Waits
from contract.store.condition import evicting_policy

Severity = Literal["failing", "warning", "note"]
WORDS = {"starting": "Starting", "failing": "Failing", "warning": "Needs a look", "note": "Healthy", "stale": "Stale", "healthy": "Healthy"}
FEED_LATE = 100_000  # messages that wait: a minute or so of reading
EVENTS_LATE_S = 120
ERRORS, ENOUGH_ANSWERS = 0.01, 100
FULL = 0.9  # of maxmemory: a generation more may not fit


@dataclass(frozen=True, slots=True)
class Alarm:
    slug: str
    severity: Severity
    title: str
    why: str


def alarms(seen: Snapshot, stale_after_s: int, traffic: Traffic | None = None) -> list[Alarm]:
    """Gravest first."""
    found = [*_serving(seen, stale_after_s), *_answering(seen, traffic), *_making(seen), *_room(seen)]
    order: dict[Severity, int] = {"failing": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda alarm: order[alarm.severity])


def state(found: list[Alarm]) -> str:
    """One of the keys of WORDS, for all alarms together."""
    if any(alarm.severity == "failing" for alarm in found):
        return "failing"
    if any(alarm.slug == "stale" for alarm in found):
        return "stale"
    if any(alarm.severity == "warning" for alarm in found):
        return "warning"
    return "starting" if any(alarm.slug == "nothing-promoted" for alarm in found) else "healthy"


def _serving(seen: Snapshot, stale_after_s: int) -> Iterator[Alarm]:
    if seen.away:
        yield Alarm("store-away", "failing", "Redis does not answer", f"{sentence(seen.away)} No list can be served.")
    elif seen.pointer is None and seen.is_busy:
        yield Alarm("nothing-promoted", "note", "The first run is on its way", "Every request is a 503 until its lists are written.")
    elif seen.pointer is None:
        yield Alarm("nothing-promoted", "failing", "Nothing is served yet", "No generation has been promoted: every request is a 503.")
    elif is_stale(seen.pointer, stale_after_s):
        age, limit = duration(age_s(seen.pointer)), duration(stale_after_s)
        yield Alarm("stale", "warning", "The lists are stale", f"They were made {age} ago; LARDER_STALE_AFTER_S allows {limit}.")
    for lost in seen.lost:
        severity: Severity = "failing" if seen.pointer and lost.generation == seen.pointer.generation else "warning"
        how = f"They can't be made again: {sentence(lost.why)}" if lost.why else "They are made again from its artifact."
        yield Alarm("lists-lost", severity, "Redis has lost lists", f"Generation {lost.generation} lacks {lost.words}. {how}")
    current = seen.current
    if current:
        model, popularity = current.measured().get("ndcg"), current.measured("popularity").get("ndcg")
        if model is not None and popularity is not None and model < popularity:
            why = f"nDCG is {model:.4f}; popularity alone has {popularity:.4f}."
            yield Alarm("worse-than-popularity", "warning", "Popularity alone does better", why)


def _answering(seen: Snapshot, traffic: Traffic | None) -> Iterator[Alarm]:
    """Errors whose cause is not told already: without Redis or a generation every answer is one."""
    if seen.away or seen.pointer is None or traffic is None or traffic.recent < ENOUGH_ANSWERS:
        return
    if traffic.recent_errors > ERRORS * traffic.recent:
        why = f"Of the last {traffic.recent:,} answers {traffic.recent_errors:,} were a 5xx. The table of routes shows where."
        yield Alarm("errors", "failing", "More than one answer in a hundred is an error", why)


def _making(seen: Snapshot) -> Iterator[Alarm]:
    run, made = seen.run, seen.scoring
    if run and run.state == RunState.FAILED:
        yield Alarm("run-failed", "warning", "The latest run failed", f"Run {run.run}: {sentence(run.why or 'no reason is known')}")
    elif made and made.state == GenerationState.FAILED and run and run.state != RunState.CANCELLED:
        yield Alarm(
            "run-failed", "warning", "The latest run failed", f"Generation {made.generation}: {made.reason or 'no reason is known'}."
        )
    elif made and made.waits == Waits.REFUSED:
        yield Alarm("refused", "warning", "The gate refuses the latest run", f"Generation {made.generation}: {_shortly(made.because)}")
    elif made and made.waits == Waits.REVIEW:
        why = f"Generation {made.generation} is complete: {made.because}. Promote it, or leave it."
        yield Alarm("review", "note", "A generation waits for a review", why)
    elif made and made.waits == Waits.ARMS:
        why = f"Everybody keeps older lists: {made.because}."
        yield Alarm("arms", "warning", "The latest run waits for an arm of the experiment", why)
    if seen.held:
        ago = duration(seen.now.timestamp() - seen.held.at_ms / 1000)
        why = f"{seen.held.by} rolled back to {seen.held.generation} {ago} ago. Runs train, and their generations wait."
        yield Alarm("held", "warning", "Promotions are held", why)
    if seen.queue_away:
        yield Alarm("queue-away", "warning", "The job queues can't be read", sentence(seen.queue_away))
    for queue in seen.queues:
        service = "trainer" if queue.name == "train" else "worker"
        if not queue.workers:
            severity: Severity = "warning"
            yield Alarm(f"no-{service}", severity, f"No {service} responds", f"{queue.waiting:,} jobs wait on the queue “{queue.name}”.")
        told = bool(queue.name == "train" and run and run.state == RunState.FAILED)  # its job, by an alarm of its own
        if queue.failed > told:
            n, jobs = queue.failed, f"{queue.name} job{'' if queue.failed == 1 else 's'}"
            why = f"{n:,} {jobs} failed and will not be retried. {'It stays' if n == 1 else 'They stay'} listed for LARDER_FAILURE_TTL_S."
            yield Alarm("jobs-failed", "note", "Jobs have failed", why)


def _shortly(because: str) -> str:
    """The first thing that the gate finds; its run and the confirmation list all of them."""
    first, *more = findings(because)
    return f"{first} And {len(more)} more: compare it with what is served." if more else first


def _room(seen: Snapshot) -> Iterator[Alarm]:
    if seen.events and seen.events.oldest_s > EVENTS_LATE_S:
        why = f"{seen.events.n:,} events wait to be written to files, the oldest for {duration(seen.events.oldest_s)}."
        yield Alarm("events-late", "warning", "Events are not written to files", f"{why} Is a trainer alive, with LARDER_EVENTS set?")
    for feed in seen.feeds:
        told = f"{feed.read:,} messages were read of it, {feed.refused:,} of them refused"
        if not feed.is_up:
            yield Alarm("feed-away", "warning", f"No events come from {feed.name}", f"The trainer service can't read it; {told}.")
        elif feed.lag > FEED_LATE:
            yield Alarm("feed-late", "note", f"Events of {feed.name} come late", f"{feed.lag:,} messages wait there; {told}.")
    if seen.disk:
        why = f"{sentence(seen.disk)} Lists are served; it may refuse events, runs and erasures until there is room."
        yield Alarm("store-disk", "failing", "Redis can't write to its disk", why)
    if policy := evicting_policy(seen.memory):
        why = f"maxmemory-policy is {policy}: users whose lists are deleted look as if they were unknown. Runs are refused."
        yield Alarm("store-evicts", "failing", "Redis deletes lists when it is full", why)
    if seen.is_unpacked:
        why = "The server's hash-max-listpack-value or -entries is too low for them: they take about three times the memory."
        yield Alarm("lists-unpacked", "note", "Lists lie unpacked in Redis", why)
    used, most = int(seen.memory.get("used_memory", 0)), int(seen.memory.get("maxmemory", 0))
    if most and used > FULL * most:
        yield Alarm("store-full", "warning", "Redis is nearly full", f"{size(used)} of {size(most)} are used: a run may not fit.")
