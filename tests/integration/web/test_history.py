"""The runs of the last year, and what is known of one: also of one that failed."""

from __future__ import annotations

import csv
import logging
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from contract.errors import DataError, RunCancelledError
from contract.formats.evaluation import Against
from contract.formats.keys import Keys
from contract.formats.verdict import Compared, Verdict
from contract.settings.settings import ModelSettings, Settings
from contract.store.history import History, RunRecord
from contract.store.runs import MOST_LOG, Runs
from tests.support.builders import make_manifest, promote_lists
from tests.support.generation_maker import evaluation
from trainer.run.last_words import last_words

KEYS, ADMIN = Keys(), "admin-" + "a" * 16
NOW = datetime.now(UTC)
FAILED = "20260302-000000-dead"


@pytest.fixture
def client(store_redis: Redis, redis_server: str) -> FlaskClient:
    return create_app(Settings.from_environ({"LARDER_REDIS_URL": redis_server, "LARDER_API_ADMIN_KEYS": ADMIN})).test_client()


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def _fail() -> None:
    logging.getLogger("larder.trainer").warning("1000 rows are read")
    raise DataError("nothing is left of secret-name")


def remember(redis: Redis, run: str, days: float, ndcg: float, *, passed: bool = True, **settings: Any) -> None:
    how: dict[str, Any] = {"evaluation": evaluation(ndcg, 0.1), "settings": ModelSettings(**settings)}
    manifest = make_manifest(run, trained_at=(NOW - timedelta(days=days)).isoformat(), **how)
    History(redis, KEYS).add(RunRecord.of(manifest, Verdict(passed=passed, because="" if passed else "nDCG fell"), 5.0))


def test_runs_are_drawn_listed_filtered_and_paged(client: FlaskClient, store_redis: Redis) -> None:
    assert "No run has ended yet" in text_of(client, "/history")
    for days in range(60):
        remember(store_redis, f"r{100 - days}", days, 0.2 + days / 1000, passed=days != 3)
    page = client.get("/history").text
    assert '<a href="/history/r100" aria-label="r100, ' in page
    assert "Page 1 of 3" in page
    assert "60 of 60 remembered runs" in text_of(client, "/history")
    assert "7 of 60 remembered runs" in text_of(client, "/history?days=7")
    start = int((NOW - timedelta(days=10, hours=1)).timestamp())
    assert "2 of 60 remembered runs" in text_of(client, f"/history?from={start}&to={start + 2 * 86400}")
    assert "Page 3 of 3" in text_of(client, "/history?page=99")
    refused = text_of(client, "/history?outcome=refused")
    assert "1 run, newest first" in refused
    assert "r97" in refused
    assert "The gate refused it: nDCG fell" in text_of(client, "/history/r97")


def test_a_run_shows_as_a_table_what_the_gate_compared(client: FlaskClient, store_redis: Redis) -> None:
    remember(store_redis, "r1", 2, 0.2)
    remember(store_redis, "r2", 1, 0.1, passed=False)
    assert "Beside what was served" not in text_of(client, "/history/r2")
    record = History(store_redis, KEYS).newest()[0]
    History(store_redis, KEYS).add(record.model_copy(update={"against": Against(generation="r1")}))
    text = text_of(client, "/history/r2")
    assert "Served then This run Change nDCG@10 0.2000 0.1000 −0.1000" in text
    assert "What the gate compared" not in text, "an older version did not record it"


def test_a_run_shows_each_figure_with_its_limit_and_what_is_beyond_comes_first(client: FlaskClient, store_redis: Redis) -> None:
    remember(store_redis, "r1", 2, 0.2)
    compared = (
        Compared(name="nDCG@10", limit="gate_max_metric_drop", old=0.2, new=0.19, bound=0.18),
        Compared(name="users", limit="gate_max_users_drop", old=1200, new=500, bound=600),
        Compared(name="popular items that are gone", limit="gate_max_known_items_drop", old=None, new=4, bound=4, is_most=True),
    )
    record = History(store_redis, KEYS).newest()[0]
    History(store_redis, KEYS).add(record.model_copy(update={"compared": compared}))
    text = text_of(client, "/history/r1")
    assert "Verdict Users 1,200 500 at least 600 gate_max_users_drop ✕ beyond nDCG@10 0.2000 0.1900 at least 0.1800 gate_max_metric" in text
    assert "Popular items that are gone 4 at most 4 gate_max_known_items_drop ✓ within" in text


def test_a_failed_run_says_where_and_why_and_an_admin_reads_its_last_lines(client: FlaskClient, store_redis: Redis) -> None:
    runs = Runs(store_redis, KEYS)
    runs.queued(FAILED)
    runs.set(FAILED, "running", "fit", 1, 2)
    with pytest.raises(DataError), last_words(runs, FAILED):
        _fail()
    runs.set(FAILED, "failed", message="DataError: nothing is left of secret-name")
    text = text_of(client, f"/history/{FAILED}")
    assert "Failed at “Fit the model”: DataError" in text
    assert "Fit the model ✕ failed" in text
    assert "Load interactions ✓ done" in text
    assert "secret-name" not in text, "who may not change anything sees the kind alone"
    assert "The alarm and make generations give its reason" in text, "its section of the runbook"
    client.post("/sign-in", data={"key": ADMIN, "next": "/"})
    text = text_of(client, f"/history/{FAILED}")
    assert "Failed at “Fit the model”: nothing is left of secret-name" in text
    assert "WARNING larder.trainer: 1000 rows are read DataError: nothing is left of secret-name" in text
    assert "Retry: retrain…" in text
    assert f"{FAILED} failed made no generation" in text_of(client, "/history?outcome=failed").replace("…", "")


def test_a_generation_that_is_served_is_known_too(client: FlaskClient, store_redis: Redis) -> None:
    promote_lists(store_redis, KEYS, {1: [(2, 1.0)]}, generation="g1")
    assert "Card of the generation" in text_of(client, "/history/g1")
    assert client.get("/history/nothing").status_code == 404
    assert client.get("/history/<script>").status_code == 404


def test_last_words_end_and_a_cancelled_run_has_none(store_redis: Redis) -> None:
    runs = Runs(store_redis, KEYS)
    with pytest.raises(RunCancelledError), last_words(runs, "r1"):
        raise RunCancelledError("by someone")
    with pytest.raises(ZeroDivisionError), last_words(runs, "r2"):
        print(1 / 0)
    assert runs.log_of("r1") == ""
    assert "1 / 0" in runs.log_of("r2"), "where it happened"
    runs.keep_log("r3", "x" * MOST_LOG + "end")
    assert (len(runs.log_of("r3")), runs.log_of("r3")[-3:]) == (MOST_LOG, "end")


def test_runs_are_sorted_by_a_heading_and_given_as_csv(client: FlaskClient, store_redis: Redis) -> None:
    for days, ndcg in ((0, 0.2), (1, 0.4), (2, 0.3)):
        remember(store_redis, f"r{9 - days}", days, ndcg, passed=days != 1)
    runs = Runs(store_redis, KEYS)
    runs.queued("r1")
    runs.set("r1", "failed", message="DataError: no rows")

    def order(address: str) -> list[str]:
        return re.findall(r'<th scope="row" class="id"><a href="/history/(\w+)">', client.get(address).text)

    assert order("/history") == ["r9", "r8", "r7", "r1"]
    assert order("/history?sort=-ndcg") == ["r8", "r7", "r9", "r1"]
    assert order("/history?sort=ndcg") == ["r9", "r7", "r8", "r1"]
    assert order("/history?sort=outcome") == ["r1", "r9", "r7", "r8"]
    page = client.get("/history?days=7&q=r&sort=-ndcg").text
    assert re.findall(r'aria-sort="(?:a|de)scending" class="n"><a class="sort" href="([^"]+)">nDCG', page) == [
        "/history?days=7&amp;q=r&amp;sort=ndcg#h-runs"
    ]
    assert '<input type="hidden" name="sort" value="-ndcg">' in page, "a filter keeps the order"
    assert 'href="/history.csv?days=7&amp;q=r&amp;sort=-ndcg"' in page

    answer = client.get("/history.csv?q=r&sort=-ndcg")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="history.csv"'
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [(row["run"], row["outcome"], row["ndcg"], row["because"]) for row in rows] == [
        ("r8", "refused", "0.4", "nDCG fell"),
        ("r7", "passed", "0.3", ""),
        ("r9", "passed", "0.2", ""),
        ("r1", "failed", "", ""),
    ]
    assert all(None not in row and None not in row.values() for row in rows), "each row has each column"


def test_columns_are_chosen_in_the_address_and_kept(client: FlaskClient, store_redis: Redis) -> None:
    remember(store_redis, "r9", 0, 0.2)
    remember(store_redis, "r8", 1, 0.4, similarity="cosine", boosts="Drama=1.2")
    runs = Runs(store_redis, KEYS)
    runs.queued("r1")
    runs.set("r1", "failed", message="DataError: no rows")

    def table(address: str) -> list[str]:
        found = client.get(address).text
        return re.findall(r'<a class="sort"[^>]*>([^<]+)', found.split("<tbody>")[0])

    assert table("/history") == ["Run", "Outcome", "nDCG", "Popularity", "Users", "Interactions", "Took", "Settings"]
    assert "similarity cosine, boosts Drama=1.2" in text_of(client, "/history")
    chosen = "/history?columns=settings.similarity,gini,trained_at&sort=-settings.similarity"
    assert table(chosen) == ["Run", "similarity", "Gini", "Trained"]
    assert table("/history?columns=settings.similarity&columns=gini&columns=trained_at") == table(chosen), "as a form gives them"
    page = client.get(chosen).text
    rows = re.findall(r'<th scope="row" class="id"><a [^>]+>(\w+)</a></th>\s*<td[^>]*>([^<]*)</td>', page)
    assert rows == [("r9", "default"), ("r8", "cosine"), ("r1", "–")]
    address = "columns=settings.similarity%2Cgini%2Ctrained_at"
    assert f'href="/history?days=7&amp;sort=-settings.similarity&amp;{address}"' in page, "a range keeps them"
    assert f'href="/history?sort=-gini&amp;{address}#h-runs"' in page, "an order keeps them"
    assert 'name="columns" value="gini" checked>' in page, "a filter keeps them"
    assert 'name="columns" value="ndcg">' in page
    assert "does not have a column" not in page
    assert "The table does not have a column &lt;b&gt;." in client.get("/history?columns=gini,<b>").text

    assert f'href="/history.csv?sort=-settings.similarity&amp;{address}"' in page
    found = client.get(f"/history.csv?sort=-settings.similarity&{address}").text.splitlines()
    assert found[0] == "run,settings.similarity,gini,trained_at"
    assert [line.split(",")[:2] for line in found[1:]] == [["r9", "default"], ["r8", "cosine"], ["r1", ""]]
