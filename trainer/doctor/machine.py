"""This machine: Python, libraries, and what its CPU can do for the kernels."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from contract.settings.command_hints import as_called
from trainer.doctor.finding import Finding, fail, ok, warn

OLDEST, NEWEST = (3, 11), (3, 14)
NEEDED: Mapping[str, str] = {"numba": "0.62", "numpy": "2", "polars": "1.30", "pydantic": "2.12", "redis": "8", "rq": "3"}
"""The oldest that pyproject.toml allows of what decides numbers and bytes."""
WANTED: Mapping[str, tuple[str, ...]] = {"x86_64": ("avx2", "fma"), "amd64": ("avx2", "fma"), "aarch64": ("neon",), "arm64": ("neon",)}


def look_at_machine() -> Iterator[Finding]:
    yield look_at_python(sys.version_info[:2])
    yield look_at_libraries({name: _installed(name) for name in NEEDED})
    yield look_at_cpu(platform.machine(), *_cpu())


def look_at_python(found: tuple[int, int]) -> Finding:
    text = ".".join(map(str, found))
    if found < OLDEST:
        return fail("Python", text, "Larder needs Python 3.11 or newer: `uv python install 3.13` gets one")
    if found > NEWEST:
        return warn("Python", f"{text}, newer than what Larder is tested with", "Use 3.11 to 3.14 if something looks odd")
    return ok("Python", platform.python_version() if found == sys.version_info[:2] else text)


def look_at_libraries(found: Mapping[str, str | None]) -> Finding:
    wrong = [f"{name} {have or 'is missing'} (needed: {NEEDED[name]})" for name, have in found.items() if _is_older(have, NEEDED[name])]
    if wrong:
        return fail("libraries", ", ".join(wrong), "Install the locked versions again: `make setup`, or build the image anew")
    return ok("libraries", ", ".join(f"{name} {have}" for name, have in found.items()))


def look_at_cpu(machine: str, name: str, features: Mapping[str, bool]) -> Finding:
    """`features`: as LLVM names them. Lists are the same bytes on all machines of one type."""
    wanted = WANTED.get(machine.lower())
    if wanted is None:
        return warn("CPU", f"{name} ({machine}), on which Larder was never measured", f"Let `{as_called('verify')}` look at a run")
    if lacking := [feature for feature in wanted if not features.get(feature)]:
        return warn(
            "CPU",
            f"{name} lacks {' and '.join(lacking)}: scoring is slower, and scores differ in the last bit from machines that have it",
            "Run all workers on one type of CPU",
        )
    return ok("CPU", f"{name}, with {' and '.join(wanted)}")


def _cpu() -> tuple[str, Mapping[str, bool]]:
    from llvmlite import binding

    return binding.get_host_cpu_name(), binding.get_host_cpu_features()


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _is_older(have: str | None, needed: str) -> bool:
    return have is None or _numbers(have) < _numbers(needed)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])
