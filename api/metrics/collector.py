"""What /metrics reads from Redis when it is scraped: the generation, runs, shards and queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis

from api.lists.breaker import Breaker
from api.lists.freshness import age_s, is_stale
from api.lists.store import Store
from contract.errors import LarderError, NothingPromotedError
from contract.formats.evaluation import Evaluation, Figures
from contract.formats.manifest import Manifest
from contract.queue.names import QUEUES
from contract.settings.settings import Settings
from contract.store.condition import disk_trouble, evicting_policy, memory_of, persistence_of
from contract.store.event_stream import events_in
from contract.store.replicas.lost import told
from contract.store.runs import STATE_FIELDS, state_of
from contract.store.streams.feeds import UNKNOWN, told_of

T = TypeVar("T")


class RedisCollector(Collector):
    """A group that can't be read, such as queues that an ACL hides, is left out; `larder_store_up` says whether the store answers."""

    def __init__(self, store: Store, queue: Breaker, settings: Settings) -> None:
        self._store = store
        self._queue = queue
        self._settings = settings

    def collect(self) -> Iterable[Metric]:
        groups: list[Callable[[], Iterable[Metric]]] = [self._generation, self._progress, self._memory, self._queues]
        if self._settings.events:
            groups.insert(-1, self._events)
        is_up = True
        for group in groups:
            try:
                yield from list(group())
            except NothingPromotedError:
                continue
            except LarderError:
                is_up = is_up and group == self._queues
        yield _gauge("store_up", "1 while the store answers.", is_up)

    def _generation(self) -> Iterator[Metric]:
        pointer = self._store.pointers.follow().pointer
        info = GaugeMetricFamily("larder_generation_info", "The generation that is served.", labels=["generation"])
        info.add_metric([pointer.generation], 1)
        yield info
        yield _gauge("generation_age_seconds", "Seconds since the generation was trained.", age_s(pointer))
        yield _gauge("generation_stale", "1 when it is older than LARDER_STALE_AFTER_S.", is_stale(pointer, self._settings.stale_after_s))
        yield _gauge("generation_users", "Users with a list.", pointer.n_users)
        yield _gauge("generation_items", "Items of the model.", pointer.n_items)
        yield _gauge("generation_depth", "Items stored for a user.", pointer.depth)
        yield from self._quality(pointer.generation)

    def _quality(self, generation: str) -> Iterator[Metric]:
        """What was measured of the generation that is served, if it was."""
        key = self._store.keys.generation(generation)
        raw = cast("bytes | None", self._store.breaker.ask(lambda redis: redis.hget(key, "manifest")))
        evaluation = Figures.of(Manifest.model_validate_json(raw)).evaluation if raw else None
        if not isinstance(evaluation, Evaluation):
            return
        figures = {**evaluation.model.model_dump(), **(evaluation.beyond.model_dump() if evaluation.beyond else {})}
        family = GaugeMetricFamily("larder_generation_quality", "What the evaluation of the generation says at k.", labels=["measure"])
        for measure, figure in sorted(figures.items()):
            family.add_metric([measure], figure)
        yield family

    def _progress(self) -> Iterator[Metric]:
        keys = self._store.keys

        def read_ids(redis: Redis) -> tuple[list[bytes], list[bytes], int]:
            with redis.pipeline(transaction=False) as pipe:
                pipe.zrange(keys.generations, 0, -1)
                pipe.lrange(keys.runs, 0, -1)
                pipe.exists(keys.hold)
                return cast("tuple[list[bytes], list[bytes], int]", tuple(pipe.execute()))

        generations, runs, held = self._store.breaker.ask(read_ids)
        yield _gauge("promotions_held", "1 while a rollback holds promotions.", held)

        def read_states(redis: Redis) -> list[Any]:
            with redis.pipeline(transaction=False) as pipe:
                for run in runs:
                    pipe.hmget(keys.run(run.decode()), *STATE_FIELDS)
                for generation in generations:
                    pipe.hget(keys.generation(generation.decode()), "state")
                for generation in generations[-1:]:
                    pipe.hget(keys.generation(generation.decode()), "n_shards")
                    pipe.hlen(keys.shards(generation.decode()))
                return pipe.execute()

        answers = self._store.breaker.ask(read_states)
        states = [state_of(state.decode(), by) for state, by in answers[: len(runs)] if state is not None]
        yield _by_state("runs", "The newest 100 runs by state; the trainer's own state, without the scoring.", states)
        states = [state.decode() for state in answers[len(runs) : len(runs) + len(generations)] if state is not None]
        yield _by_state("generations", "Generations in Redis by state.", states)
        if generations:
            wanted, recorded = answers[-2:]
            yield _gauge("shards", "Shards of the newest generation.", int(wanted or 0))
            yield _gauge("shards_recorded", "Those of them that are written and recorded.", cast(int, recorded))

    def _memory(self) -> Iterator[Metric]:
        policy = evicting_policy(self._store.breaker.ask(memory_of))
        trouble = disk_trouble(self._store.breaker.ask(persistence_of))
        yield _gauge(
            "store_disk_fails", "1 where Redis could not write to its disk: it may refuse events, runs and erasures.", bool(trouble)
        )
        yield _gauge("store_evicts", "1 where Redis deletes lists when it is full: its maxmemory-policy is not noeviction.", bool(policy))
        lost = self._store.breaker.ask(lambda redis: told(redis, self._store.keys))
        yield _gauge(
            "lists_lost", "Lists of what is served that Redis has lost, and that are not made again yet.", sum(one.n for one in lost)
        )

    def _events(self) -> Iterator[Metric]:
        found = self._store.breaker.ask(lambda redis: events_in(redis, self._store.keys).waiting())
        yield _gauge("events_waiting", "Events that are in no file yet.", found.n)
        yield _gauge("events_waiting_bytes", "What they take in Redis, about.", found.n_bytes)
        yield _gauge("events_lag_seconds", "How long the oldest of them has waited.", found.oldest_s)
        yield from self._feeds()

    def _feeds(self) -> Iterator[Metric]:
        feeds = self._settings.feeds
        if not feeds:
            return
        found = self._store.breaker.ask(lambda redis: told_of(redis, self._store.keys, [feed.name for feed in feeds]))
        yield _by_feed("larder_feed_up", "1 while its server answers the trainer service.", {feed.name: feed.is_up for feed in found})
        yield _by_feed(
            "larder_feed_lag", "Messages that are not taken over yet.", {feed.name: feed.lag for feed in found if feed.lag != UNKNOWN}
        )
        yield _by_feed(
            "larder_feed_read_total", "Messages read, those that are refused among them.", {feed.name: feed.read for feed in found}
        )
        yield _by_feed("larder_feed_refused_total", "Messages that hold no event.", {feed.name: feed.refused for feed in found})

    def _queues(self) -> Iterator[Metric]:
        names = [f"{self._settings.namespace}-{queue}" for queue in QUEUES]

        def read(redis: Redis) -> list[int]:
            with redis.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.llen(f"rq:queue:{name}")
                    pipe.zcard(f"rq:wip:{name}")
                    pipe.zcard(f"rq:failed:{name}")
                return pipe.execute()

        counts = iter(self._queue.ask(read))
        jobs = GaugeMetricFamily("larder_jobs", "Jobs of each queue: waiting, running or failed.", labels=["queue", "state"])
        for queue in QUEUES:
            for state in ("queued", "running", "failed"):
                jobs.add_metric([queue, state], next(counts))
        yield jobs


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"larder_{name}", documentation, value=float(value))


def _by_state(name: str, documentation: str, states: list[str]) -> Metric:
    family = GaugeMetricFamily(f"larder_{name}", documentation, labels=["state"])
    for state, n in sorted(Counter(states).items()):
        family.add_metric([state], n)
    return family


def _by_feed(name: str, documentation: str, values: Mapping[str, int]) -> Metric:
    make = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family = make(name, documentation, labels=["feed"])
    for feed, value in values.items():
        family.add_metric([feed], value)
    return family
