"""The writer: payloads as the contract makes them, one HSET per bucket."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest

from contract.formats import payload
from contract.formats.keys import Id, Keys
from contract.store.generations import Generations
from engine.score.scoring import TopK
from worker.writer import BUCKETS_PER_PIPELINE, encode_lists, write_lists

KEYS = Keys("shop")


class Recorder:
    """Stands for a connection and its pipeline: keeps commands, and of each round trip how many it carried."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, dict[str, bytes]]] = []
        self.round_trips: list[int] = []
        self._waiting = 0

    def pipeline(self, *, transaction: bool) -> Self:
        assert not transaction
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._waiting == 0, "commands were left in the pipeline"

    def hset(self, key: str, *, mapping: dict[str, bytes]) -> None:
        self.commands.append((key, dict(mapping)))
        self._waiting += 1

    def __len__(self) -> int:
        return self._waiting

    def execute(self) -> None:
        self.round_trips.append(self._waiting)
        self._waiting = 0


def write(recorder: Recorder, users: Sequence[Id], payloads: Sequence[bytes], buckets: Sequence[int]) -> None:
    redis: Any = recorder
    write_lists(Generations(redis, KEYS), partial(KEYS.recs, "g1"), users, payloads, buckets)


@pytest.mark.parametrize(
    "item_ids",
    [
        [1, 2, 3, 4, -5],
        [1, 2, 3, 4, 2**31 - 1],
        [1, 2, 3, 4, 2**31],
        [-(2**31) - 1, 2, 3, 4, 2**62],
        ["a", "é", "", "054", "x" * 512],
    ],
    ids=["int32", "int32 at its end", "some int64", "int64", "text"],
)
def test_payloads_are_those_of_the_contract(item_ids: list[Id]) -> None:
    top = TopK(
        items=np.array([[4, 0, 1], [3, 2, 0], [0, 0, 0], [4, 0, 0]], np.int32),
        scores=np.array([[3.5, 0.1, 1e-30], [2, 1, 0.5], [0, 0, 0], [9, 0, 0]], np.float32),
        lengths=np.array([3, 2, 0, 1], np.int32),
    )
    expected = [
        payload.encode([item_ids[item] for item in row[:n]], scores[:n].tolist())
        for row, scores, n in zip(top.items.tolist(), top.scores, top.lengths.tolist(), strict=True)
    ]
    assert encode_lists(top, item_ids) == expected
    marks = np.array([[False, True, True], [False, False, False], [False, False, False], [True, False, False]])
    marked = [
        payload.encode([item_ids[item] for item in row[:n]], scores[:n].tolist(), np.flatnonzero(places).tolist())
        for row, scores, n, places in zip(top.items.tolist(), top.scores, top.lengths.tolist(), marks, strict=True)
    ]
    assert encode_lists(top, item_ids, marks) == marked
    assert encode_lists(top, item_ids, np.zeros_like(marks)) == expected


def test_one_hset_per_bucket() -> None:
    recorder = Recorder()
    write(recorder, [11, 12, 13, 14], [b"a", b"b", b"c", b"d"], [0, 0, 2, 5])
    assert recorder.commands == [
        ("shop:recs:g1:0", {"11": b"a", "12": b"b"}),
        ("shop:recs:g1:2", {"13": b"c"}),
        ("shop:recs:g1:5", {"14": b"d"}),
    ]


def test_pipelines_are_of_bounded_size() -> None:
    recorder, n = Recorder(), 2 * BUCKETS_PER_PIPELINE + 3
    write(recorder, list(range(n)), [b"x"] * n, list(range(n)))
    assert len(recorder.commands) == n
    assert sum(recorder.round_trips) == n
    assert max(recorder.round_trips) == BUCKETS_PER_PIPELINE
