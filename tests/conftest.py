"""Fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from engine import kernel_cache

ML100K = "LARDER_TEST_ML100K"
kernel_cache.use(os.environ)  # before any test imports Numba
hypothesis.settings.register_profile("patient", deadline=None)  # the first example of all may compile kernels, and a machine be busy
hypothesis.settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Three of two cores: of the time of two, tests leave a fifth unused, waiting for processes. None: as xdist's own variable says."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
    return max(2, n_cores * 3 // 2)


@pytest.fixture(scope="session")
def ml100k() -> Path:
    """The folder of MovieLens 100k, which may not be redistributed: the variable LARDER_TEST_ML100K names it, else it is a skip."""
    if ML100K not in os.environ:
        pytest.skip(f"MovieLens 100k: set {ML100K} to its folder, the one that holds u.data")
    folder = Path(os.environ[ML100K]).resolve()
    if not (folder / "u.data").is_file():
        pytest.fail(f"{ML100K}={folder} holds no u.data")
    return folder
