"""The commands of people who look after generations, on a real Redis with lists that the workers' code has written."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from contract.errors import GateError, GenerationError, GenerationFailedError, LarderError, SettingsError
from contract.formats.keys import Keys, bucket_of
from contract.formats.verdict import Verdict
from contract.settings.command_hints import as_called
from contract.store.generations import Generations
from contract.store.history import History, RunRecord
from contract.store.runs import Runs
from tests.support.builders import make_manifest
from tests.support.generation_maker import SECRET, evaluation, make_generation, settings_for
from tests.support.models.samples import many
from trainer.__main__ import cli
from trainer.cli.generations import COMMANDS

REFUSED = Verdict(passed=False, because="nDCG is 0.2, and the current generation has 0.3")


class Larder:
    """Calls commands in the environment of a stack, and makes generations in it."""

    def __init__(self, redis: Redis, url: str, artifacts: str) -> None:
        self.redis, self.settings = redis, settings_for(url, artifacts)
        self.keys = Keys(self.settings.namespace)
        self.generations, self.runs = Generations(redis, self.keys), Runs(redis, self.keys)
        self._environ = {"LARDER_REDIS_URL": url, "LARDER_ARTIFACTS": artifacts, "LARDER_ERASURE_SECRET": SECRET}

    def make(self, name: str, verdict: Verdict | None = None, seed: int = 3) -> None:
        make_generation(self.redis, self.settings, name, many(seed), verdict)

    def call(self, name: str, *arguments: str, **environ: str) -> str:
        """What a command prints; what it raises is raised."""
        result = self.result(name, *arguments, **environ)
        if result.exception is not None and not (isinstance(result.exception, SystemExit) and result.exit_code == 0):
            raise result.exception
        return result.output

    def result(self, name: str, *arguments: str, **environ: str) -> Result:
        return CliRunner().invoke(cli.commands[name], arguments, env={"COLUMNS": "250", **self._environ, **environ})

    @property
    def served(self) -> str:
        pointer = self.generations.current()
        return pointer.generation if pointer else ""


@pytest.fixture
def larder(store_redis: Redis, redis_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Larder]:
    for variable in list(os.environ):
        if variable.startswith("LARDER_") and not variable.startswith("LARDER_TEST_"):
            monkeypatch.delenv(variable)
    made = Larder(store_redis, redis_server, f"file://{tmp_path}/artifacts")
    yield made
    made.redis.close()


def test_generations_lists_what_is_served_what_waits_and_why(larder: Larder) -> None:
    for name, verdict in (("a", None), ("b", None), ("c", REFUSED), ("d", Verdict(passed=False, forced_by="someone"))):
        larder.make(name, verdict)
    larder.generations.begin(larder.generations.manifest("a").model_copy(update={"generation": "e"}))
    larder.generations.fail("e", "Redis was full")
    text = larder.call("generations")
    rows = re.findall(r"^ *(●?) +(\w) +(\w+) +(\d) ", text, re.MULTILINE)
    assert [row[1:] for row in rows] == list(zip("abcde", ("complete", "previous", "complete", "current", "failed"), "12345", strict=True))
    assert [name for served, name, *_ in rows if served] == ["d"]
    for line in (f"c: refused: {REFUSED.because}", "d: forced by someone", "e: Redis was full"):
        assert line in text


def test_generations_as_json(larder: Larder) -> None:
    larder.make("a")
    (row,) = json.loads(larder.call("generations", "--json"))
    assert (row["generation"], row["state"], row["served"], row["n_users"]) == ("a", "current", True, 400)
    assert row["mean_listed"] == pytest.approx(row["listed"] / 400)
    assert (row["ndcg"], row["popularity_ndcg"]) == (None, None)


def test_the_measures_of_a_generation_are_shown(larder: Larder) -> None:
    larder.make("a")
    manifest = larder.generations.manifest("a").model_copy(update={"evaluation": evaluation(0.375, 0.25)})
    larder.redis.hset(larder.keys.generation("a"), "manifest", manifest.model_dump_json())
    text = larder.call("generations")
    assert re.search(r"0\.3750 +0\.2500", text)


def test_a_rollback_says_what_is_served_how_long_it_took_and_how_to_end_the_hold(larder: Larder) -> None:
    larder.make("a")
    larder.make("b")
    text = larder.call("rollback")
    assert re.search(r"a is served now in place of b; the move in Redis took \d+\.\d ms", text)
    assert "Promotions are held" in text
    assert f"`{as_called('release')}`" in text
    assert larder.served == "a"
    larder.make("c")
    assert larder.served == "a"
    assert "Promotions are held by " in larder.call("generations")
    assert larder.call("release") == "Runs promote again, from the next one on\n"
    assert larder.call("release") == "Nothing was held\n"
    assert "c is served now" in larder.call("promote", "c")
    with pytest.raises(GenerationError, match="no generation served before a is kept"):
        [larder.call("rollback") for _ in range(3)]


def test_what_was_changed_by_commands_is_listed(larder: Larder) -> None:
    assert "nothing is recorded" in larder.call("audit")
    for name in ("a", "b"):
        larder.make(name)
    larder.call("rollback")
    larder.call("release")
    larder.call("release")
    larder.call("erase", str(many(3)[0][0]), "--yes")
    lines = [json.loads(line) for line in larder.call("audit", "--json").splitlines()]
    assert [line["what"] for line in lines] == ["erase", "release", "rollback"]
    assert lines[2]["before"] == "b is served"
    assert lines[2]["after"].startswith("a is served, promotions are held by ")
    assert all("@" in line["by"] for line in lines)
    assert len(larder.call("audit", "--json", "--limit", "1").splitlines()) == 1
    larder.call("run", "--similarity", "cosine", "--k", "5", "--force")
    started = json.loads(larder.call("audit", "--json", "--limit", "1"))
    (run,) = [status.run for status in larder.runs.newest()]
    assert (started["run"], started["after"]) == (run, f"run {run} is queued, with its own k, similarity, forced")
    assert "LARDER_AUDIT_ENTRIES is 0" in larder.call("audit", "--limit", "9", LARDER_NAMESPACE="other", LARDER_AUDIT_ENTRIES="0")


def test_a_rollback_of_nothing(larder: Larder) -> None:
    with pytest.raises(GenerationError, match="nothing is promoted yet"):
        larder.call("rollback")


def test_promote_obeys_the_gate_unless_it_is_forced(larder: Larder) -> None:
    larder.make("a")
    larder.make("b", REFUSED)
    with pytest.raises(GateError, match="the gate refuses generation b: nDCG is"):
        larder.call("promote", "b")
    assert larder.served == "a"
    assert "b is served now" in larder.call("promote", "b", "--force")
    progress = larder.generations.progress("b")
    assert progress is not None
    assert re.fullmatch(r".+@.+", progress.forced_by)
    assert "promotions are held" in larder.call("promote", "a")
    with pytest.raises(GenerationError, match="generation z is unknown"):
        larder.call("promote", "z")


def test_prune_says_what_went_and_what_is_kept(larder: Larder) -> None:
    for name in "abcd":
        larder.make(name)
    for name in "ab":
        larder.redis.hset(larder.keys.generation(name), "retired_at_ms", 1)
    text = larder.call("prune", LARDER_KEEP_GENERATIONS="0")
    assert "a is pruned: its lists and its artifact are gone" in text
    assert "b is pruned" in text
    assert text.splitlines()[-1] == "Kept: c (previous), d (current)"
    larder.redis.hset(larder.keys.generation("a"), "pruned_at_ms", 1)
    assert "a is gone: it was pruned" in larder.call("prune", LARDER_KEEP_GENERATIONS="0")


def test_verify_of_the_current_generation_and_of_a_named_one(larder: Larder) -> None:
    larder.make("a")
    larder.make("b")
    text = larder.call("verify")
    assert "400 users" in text
    assert "200 users re-scored" in text
    assert text.splitlines()[-1] == "generation b is as it should be"
    larder.redis.delete(larder.keys.recs("a", 0))
    result = larder.result("verify", "a", "--sample", "5")
    assert isinstance(result.exception, GenerationError)
    assert result.exception.exit_code == 5
    assert "generation a is not what it should be: " in str(result.exception)
    assert "wrong: shard 0: bucket 0 of the users is gone" in result.output
    report = json.loads(larder.result("verify", "a", "--json").output)
    assert report["problems"][0].startswith("shard 0: ")


def test_diff_from_the_previous_to_the_current_or_between_two(larder: Larder) -> None:
    larder.make("a")
    with pytest.raises(GenerationError, match="nothing was served before a"):
        larder.call("diff")
    larder.make("b")
    larder.make("c", seed=4)
    same = json.loads(larder.call("diff", "a", "b", "--json"))
    assert (same["before"]["generation"], same["after"]["generation"], same["identical"]) == ("a", "b", 1.0)
    text = larder.call("diff")
    assert "rank-biased overlap" in text
    changed = json.loads(larder.call("diff", "--json"))
    assert (changed["before"]["generation"], changed["after"]["generation"]) == ("b", "c")
    assert changed["identical"] < 0.5
    with pytest.raises(GenerationError, match="generation z is unknown"):
        larder.call("diff", "z")


def test_erase_says_what_it_removed_and_what_remains(larder: Larder) -> None:
    larder.make("a")
    larder.make("b")
    text = larder.call("erase", "7", "--yes")
    rows = [[cell.strip() for cell in line.split("│")][1:-1] for line in text.splitlines() if line.startswith("│")]
    assert [row[:2] for row in rows] == [["b", "current"], ["a", "previous"]]
    assert all(int(row[2]) > 0 and int(row[3]) > 0 for row in rows)
    assert "What remains until the next run: the similarities between items" in text
    assert not larder.redis.hexists(larder.keys.recs("b", bucket_of(7, 7)), "7")
    assert larder.call("erase", "7") == "No generation that is kept holds user 7. Every later run leaves the user out\n"
    assert "holds user -5." in larder.call("erase", "-5")
    assert larder.call("verify", "b").splitlines()[-1] == "generation b is as it should be"
    with pytest.raises(SettingsError, match="LARDER_ERASURE_SECRET"):
        larder.call("erase", "8", LARDER_ERASURE_SECRET="another one")


def test_watch_follows_the_latest_run_in_plain_lines_where_there_is_no_terminal(larder: Larder) -> None:
    with pytest.raises(GenerationError, match="there is no run to watch"):
        larder.call("watch")
    larder.make("a")
    larder.runs.queued("a")
    larder.runs.set("a", "dispatched")
    text = larder.call("watch")
    assert re.search(r"^score: (\d+)/\1 shards, 400 of 400 users, 0 workers, done$", text, re.MULTILINE)
    assert text.splitlines()[-1] == "generation a is current"


@pytest.mark.parametrize(
    ("state", "error", "says"),
    [("failed", GenerationFailedError, "run r failed: no such file"), ("dispatched", GenerationError, "generation r is gone")],
)
def test_watch_ends_with_a_run_that_failed_or_is_gone(larder: Larder, state: str, error: type[LarderError], says: str) -> None:
    larder.runs.queued("r")
    larder.runs.set("r", state, message="no such file")
    with pytest.raises(error, match=says):
        larder.call("watch")


def test_watch_gives_up_in_time(larder: Larder) -> None:
    larder.runs.queued("r")
    with pytest.raises(GenerationError, match="not promoted after 0 s; it goes on"):
        larder.call("watch", "--timeout-s", "0")


def test_what_runs_were_worth_is_listed_when_their_generations_are_gone(larder: Larder) -> None:
    manifest = make_manifest("gone", n_users=1234, evaluation=evaluation(0.25, 0.125))
    History(larder.redis, larder.keys).add(RunRecord.of(manifest, REFUSED, 12.34))
    assert re.search(r"gone +refused +1,234 +1 +1 +12\.3 +0\.2500 +0\.1250 +0\.2500 +4\.50 +sar", larder.call("runs", "--history"))
    (record,) = json.loads(larder.call("runs", "--history", "--json"))
    assert (record["run"], record["model"]["gini"], record["because"]) == ("gone", 0.75, REFUSED.because)
    larder.runs.queued("r")
    assert re.search(r"r +queued", larder.call("runs"))


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_stops_at_an_unknown_setting(larder: Larder, name: str) -> None:
    needed = {
        "experiment": ["stop"],
        "promote": ["a"],
        "erase": ["1"],
        "export": ["--to", "-"],
        "backup": ["a.larder"],
        "restore": ["a.larder"],
    }
    arguments = needed.get(name, [])
    with pytest.raises(SettingsError, match="LARDER_NEIGHBOURS is not a setting"):
        larder.call(name, *arguments, LARDER_NEIGHBOURS="5")
