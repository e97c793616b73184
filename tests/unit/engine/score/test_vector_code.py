"""Weighted sums of rows of a tile: LLVM vector code, its plain twin, and what chooses between them."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from contract.artifacts.artifact import TILE
from engine.score import plain_code, tile_sums, vector_code
from tests.support.paths import ROOT

one, two = vector_code.add_rows, vector_code.add_rows_twice


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_sums_are_those_of_numpy(n: int) -> None:
    random = np.random.default_rng(n)
    tile = random.standard_normal((400, TILE)).astype(np.float32)
    rows = random.integers(0, 400, n).astype(np.int32)
    weights = random.standard_normal((2, n)).astype(np.float32)
    out = np.full((3, TILE), np.nan, np.float32)
    one(tile, rows, weights[0], out[0])
    two(tile, rows, weights[0], weights[1], out[1], out[2])
    exact = weights.astype(np.float64) @ tile[rows].astype(np.float64)
    np.testing.assert_allclose(out[:2], exact[[0, 0]], rtol=0, atol=1e-4)
    np.testing.assert_allclose(out[2], exact[1], rtol=0, atol=1e-4)
    np.testing.assert_array_equal(out[0], out[1])


def test_small_integers_are_summed_exactly_and_nothing_beside_the_sums_is_written() -> None:
    tile = np.arange(3 * TILE, dtype=np.float32).reshape(3, TILE)
    rows, weight = np.array([2, 0, 2], np.int32), np.array([1, 3, -2], np.float32)
    out = np.full(TILE + 2, -7, np.float32)
    one(tile, rows, weight, out[1:])
    np.testing.assert_array_equal(out[1:-1], 3 * tile[0] - tile[2])
    assert (out[0], out[-1]) == (-7, -7)


@pytest.mark.parametrize("n", [0, 1, 2, 7, 300, 5000])
def test_the_plain_twin_gives_the_same_bits(n: int) -> None:
    """Sums of both signs that nearly cancel, so that another order, or a product that is rounded, would show."""
    random = np.random.default_rng(n)
    tile = random.standard_normal((400, TILE)).astype(np.float32)
    rows = random.integers(0, 400, n).astype(np.int32)
    weights = random.standard_normal((2, n)).astype(np.float32)
    out = np.full((6, TILE), np.nan, np.float32)
    for at, code in ((0, vector_code), (3, plain_code)):
        code.add_rows(tile, rows, weights[0], out[at])
        code.add_rows_twice(tile, rows, weights[0], weights[1], out[at + 1], out[at + 2])
    assert out[:3].tobytes() == out[3:].tobytes()


LISTS = """
import hashlib
import numpy as np
from tests.support.models.arrays import random_case
from engine.score import tile_sums

case = random_case(200, n_users=40)
noise = np.random.default_rng(3)
case = case.but(affinity=case.affinity * noise.random(case.affinity.shape), similarity=noise.random(case.similarity.shape))
top = case.scored("dense")
print(tile_sums.add_rows.__module__, hashlib.sha256(b"".join(part.tobytes() for part in top)).hexdigest())
"""


@pytest.mark.long
def test_the_switch_changes_the_code_and_no_bit_of_a_list() -> None:
    said = {}
    for switch in ("vector", "plain"):
        environ = {**os.environ, "LARDER_KERNELS": switch}
        code = "import os; from engine import kernel_cache; kernel_cache.use(os.environ)" + LISTS
        done = subprocess.run([sys.executable, "-c", code], env=environ, cwd=ROOT, check=True, capture_output=True, text=True)
        said[switch] = done.stdout.split()
    assert (said["vector"][0], said["plain"][0]) == ("engine.score.vector_code", "engine.score.plain_code")
    assert said["vector"][1] == said["plain"][1]


@pytest.mark.parametrize(("machine", "wanted"), [("x86_64", True), ("aarch64", False), ("arm64", False), ("riscv64", False)])
def test_the_machine_chooses_where_nobody_does(machine: str, wanted: bool) -> None:
    assert tile_sums.wants_vector_code({}, machine) == wanted
    assert tile_sums.wants_vector_code({"LARDER_KERNELS": "auto"}, machine) == wanted
    assert tile_sums.wants_vector_code({"LARDER_KERNELS": "vector"}, machine)
    assert not tile_sums.wants_vector_code({"LARDER_KERNELS": "plain"}, machine)


def test_vector_code_that_does_not_compile_is_not_chosen(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_arrays: object) -> None:
        raise TypeError("as_pointer is gone")

    monkeypatch.setattr(vector_code, "probe", broken)
    assert not tile_sums.wants_vector_code({}, "x86_64")
    assert "as_pointer is gone" in caplog.text


def test_vector_code_that_adds_up_wrongly_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_code, "probe", lambda *_arrays: None)
    assert not tile_sums.wants_vector_code({}, "x86_64")
