"""The gate through the whole path: a worse model is not served, whoever asks, until somebody forces it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from contract.settings.command_hints import as_called
from contract.settings.settings import SourceSettings
from tests.support.servers.services import Services
from trainer.sources import load as sources


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MovieLens small, as a file."""
    events = pl.concat(sources.read(SourceSettings(), tmp_path_factory.mktemp("cache")).events)
    path = tmp_path_factory.mktemp("data") / "honest.csv"
    events.rename({"user": "userID", "item": "itemID", "weight": "rating", "time": "timestamp"}).write_csv(path)
    return path


@pytest.fixture(scope="module")
def shuffled(honest: Path) -> Path:
    """The same events with their items dealt anew: as many of each, and nothing to learn from."""
    events = pl.read_csv(honest)
    order = np.random.default_rng(1).permutation(events.height)
    path = honest.with_name("shuffled.csv")
    events.with_columns(itemID=events["itemID"][order]).unique(["userID", "itemID"], maintain_order=True).write_csv(path)
    return path


@pytest.mark.long
def test_a_model_of_shuffled_items_is_refused_and_the_same_data_pass(
    services: Callable[..., Services], honest: Path, shuffled: Path
) -> None:
    stack = services(evaluate=True, evaluate_users=300)
    stack.start("worker")

    def train(data: Path, *more: str) -> tuple[int, str]:
        ran = stack.run("run", "--here", "--wait", "--interactions", str(data), *more)
        return ran.returncode, " ".join((ran.stdout + ran.stderr).split())

    assert train(honest)[0] == 0, stack.logs()
    first = stack.generations.ids()[-1]
    code, said = train(shuffled)
    refused = stack.generations.ids()[-1]
    assert code == 8
    assert f"the gate refuses generation {refused}: nDCG at 10 is 0.0" in said
    assert "gate_max_metric_drop = 0.1" in said
    pointer = stack.generations.current()
    assert pointer is not None
    assert pointer.generation == first

    by_hand = stack.run("promote", refused)
    assert by_hand.returncode == 8
    assert "gate_max_metric_drop" in by_hand.stderr

    assert train(honest)[0] == 0
    second = stack.generations.ids()[-1]
    pointer = stack.generations.current()
    assert pointer is not None
    assert pointer.generation == second
    assert pointer.previous == first

    code, said = train(shuffled, "--force")
    forced = stack.generations.ids()[-1]
    pointer, progress = stack.generations.current(), stack.generations.progress(forced)
    assert code == 0
    assert pointer is not None
    assert progress is not None
    assert pointer.generation == forced
    assert "@" in progress.forced_by
    listed = stack.run("generations")
    assert listed.returncode == 0
    for name in (first, second, refused, forced):
        assert name in listed.stdout


@pytest.mark.long
def test_a_review_stops_before_promotion_and_shows_what_would_change(services: Callable[..., Services], honest: Path) -> None:
    stack = services(interactions=honest)
    stack.start("worker")
    assert stack.run("run", "--here", "--wait").returncode == 0, stack.logs()
    first = stack.generations.ids()[0]
    ran = stack.run("run", "--here", "--review", "--similarity", "cosine")
    assert ran.returncode == 0, ran.stderr
    candidate = stack.generations.ids()[-1]
    pointer = stack.generations.current()
    assert pointer is not None
    assert pointer.generation == first
    assert as_called("promote", candidate) in " ".join(ran.stdout.split())
    assert "overlap" in ran.stdout
    assert stack.run("promote", candidate).returncode == 0
    back = stack.run("rollback")
    assert back.returncode == 0
    assert first in back.stdout
    assert "release" in back.stdout
    held = stack.run("run", "--here", "--wait")
    assert held.returncode == 5
    assert "held back" in held.stderr
    assert stack.run("release").returncode == 0
    assert stack.run("run", "--here", "--wait").returncode == 0


@pytest.mark.long
def test_a_reading_of_another_meaning_is_refused_and_losses_are_said(services: Callable[..., Services], tmp_path: Path) -> None:
    stack = services()
    stack.start("worker")
    pairs = [(n * 7 % 80, n * 11 % 40) for n in range(2000)]

    def train(name: str, head: str, rows: list[str], *more: str) -> tuple[int, str]:
        path = tmp_path / name
        path.write_text(head + "".join(f"{row}\n" for row in rows))
        ran = stack.run("run", "--here", "--wait", "--interactions", str(path), *more)
        return ran.returncode, " ".join((ran.stdout + ran.stderr).split())

    head, rows = "user_id,item_id,qty\n", [f"{user},{item},1" for user, item in pairs]
    assert train("first.csv", head, rows)[0] == 0, stack.logs()

    code, said = train("odd.csv", head, [*rows, "12a,7,1", *["1,2,0"] * 150])
    assert code == 0
    assert "151 of 2,151 rows (7.0 %) were left out: 150 with a weight of 0 or less" in said
    assert ", 1 with an id that is not a whole number" in said
    assert "151 of 2,151 rows" in " ".join(stack.run("status").stdout.replace("│", " ").split())

    code, said = train("texts.csv", head, [*rows, *["12a,7,1"] * 100])
    assert code == 8
    assert "user ids are texts" in said
    assert "'12a'" in said
    assert "those of the current generation are integers" in said

    code, said = train("column.csv", "user_id,item_id,score\n", rows)
    assert code == 8
    assert "the weight column is 'score', that of the current generation is 'qty'" in said
    code, said = train("stars.csv", head, [f"{user},{item},{1 + (user + item) % 5}" for user, item in pairs])
    assert code == 8
    assert "weights are 1 to 5" in said
    code, said = train("shop.csv", head, [f"{user},{(user * user + item) % 40},1" for user, item in pairs])
    assert code == 8
    assert "the same users have other items" in said
    assert train("column.csv", "user_id,item_id,score\n", rows, "--force")[0] == 0
    assert train("column.csv", "user_id,item_id,score\n", rows)[0] == 0

    def timed(weight: Callable[[int], int], at: Callable[[int], int]) -> list[str]:
        return [f"{user},{item},{weight(n % 5)},{1_700_000_000 + 5000 * at(n)}" for n, (user, item) in enumerate(pairs)]

    head = "user_id,item_id,qty,ts\n"
    assert train("timed.csv", head, timed(lambda w: 1 + w, lambda n: n), "--force")[0] == 0
    code, said = train("mirrored.csv", head, timed(lambda w: 1 + w, lambda n: 1999 - n))
    assert code == 8
    assert "the same rows have other times: the last time of" in said
    code, said = train("upside_down.csv", head, timed(lambda w: 5 - w, lambda n: n))
    assert code == 8
    assert "the same pairs have other weights" in said


@pytest.mark.long
def test_a_change_of_k_does_not_let_a_worse_model_pass(services: Callable[..., Services], honest: Path, shuffled: Path) -> None:
    stack = services(evaluate=True, evaluate_users=300)
    stack.start("worker")

    def train(data: Path, *more: str) -> tuple[int, str]:
        ran = stack.run("run", "--here", "--wait", "--interactions", str(data), *more)
        return ran.returncode, " ".join((ran.stdout + ran.stderr).split())

    def served() -> str:
        pointer = stack.generations.current()
        return pointer.generation if pointer else ""

    assert train(honest)[0] == 0, stack.logs()
    code, said = train(shuffled, "--k", "20")
    assert code == 8, said
    assert "nDCG at 10 is 0.0" in said
    assert train(honest, "--k", "20")[0] == 0
    twenty = stack.generations.ids()[-1]
    assert served() == twenty
    code, said = train(shuffled, "--k", "5")
    assert code == 8, said
    assert "nDCG at 10 is 0.0" in said
    assert served() == twenty
