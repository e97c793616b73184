"""The benches run, and their JSON has the shape that docs/performance.md promises. No figure of time is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from contract.settings.family import ModelName
from tests.support.depth import deeper
from tests.support.paths import ROOT

FIELDS = {"system", "stage", "seconds", "peak_bytes", "n_users", "n_items", "n_interactions", "k", "note"}
pytestmark = deeper


def run(out: Path, *arguments: str) -> tuple[Any, str]:
    """What a bench writes as JSON, and what it prints."""
    command = [sys.executable, "-m", "bench", *arguments, "--json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text()), done.stdout


def bench(out: Path, *arguments: str) -> dict[str, Any]:
    """Of a bench whose JSON has rows and ratios."""
    result: dict[str, Any] = run(out, *arguments)[0]
    assert {"shape", "machine", "rows", "ratios"} == set(result)
    assert all(set(row) == FIELDS for row in result["rows"])
    return result


def test_engine_agrees_with_the_library(tmp_path: Path) -> None:
    result = bench(tmp_path / "engine.json", "engine", "--shape", "100k", "--peers", "recommenders")
    stages = {(row["system"], row["stage"]) for row in result["rows"]}
    assert {("larder, exact", "fit"), ("larder, exact", "recommend"), ("recommenders", "fit"), ("recommenders", "recommend")} <= stages
    assert result["ratios"]["users with recommenders's list, up to ties"] == 1.0
    assert result["ratios"]["greatest relative difference from recommenders's scores"] == pytest.approx(0, abs=1e-5)


def test_pipeline_measures_every_stage(tmp_path: Path) -> None:
    result = bench(tmp_path / "pipeline.json", "pipeline", "--shape", "100k", "--source", "csv")
    assert [row["stage"] for row in result["rows"]] == ["load", "evaluate", "fit", "write", "dispatch", "score", "whole"]
    assert result["ratios"]["artifact, MiB"] > 1
    assert "Redis, bytes a user" in result["ratios"]  # too few users here for a figure


def test_a_choice_is_held_against_the_whole_grid(tmp_path: Path) -> None:
    """On made-up data: that both tunes are told, and all candidates; how good the choice is, no test judges."""
    result, printed = run(tmp_path / "choosing.json", "choosing", "--interactions", "synthetic:300x80x6000", "--users", "100")
    first, again = result["tunes"]
    assert first["cut_short"] or again["cut_short"] or first["winner"]["arguments"] == again["winner"]["arguments"]
    assert len(result["grid"]) > 300
    assert result["gap"] >= 0
    assert "(chosen)" in printed


def test_every_model_is_measured(tmp_path: Path) -> None:
    """On made-up data: no figure is judged but that each is one."""
    rows, printed = run(tmp_path / "models.json", "models", "--interactions", "synthetic:300x80x6000", "--users", "100")
    assert {row["settings"].get("model", "sar") for row in rows} == set(get_args(ModelName))
    assert all(0 <= row[split]["model"]["ndcg"] <= 1 for row in rows for split in ("time", "stratified"))
    assert printed.count("\n") == 2 + len(rows)


def test_many_tenants_are_trained_and_asked_for(tmp_path: Path) -> None:
    """Four of them: that each was trained and has a list, and that every figure is one; how much they cost, no test judges."""
    found, printed = run(tmp_path / "tenants.json", "tenants", "--tenants", "4", "--seconds", "1")
    assert set(found) == {"machine", "figures"}
    figures = found["figures"]
    assert figures.pop("tenants") == 4
    assert all(figures[name] >= 0 for name in ("api_share", "trainer_share", "worker_share"))
    assert figures["api_after_mib"] > figures["api_before_mib"] > 0
    assert min(figures[name] for name in ("trained_s", "first_s", "trainer_mib", "worker_mib", "redis_mib", "api_threads")) > 0
    assert "4 tenants" in printed
