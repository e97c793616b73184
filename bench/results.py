"""The one shape of every bench command's result: a table for people, a JSON object for scripts; and a picture of several (`bench plot`)."""

from __future__ import annotations

import json
import platform
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contract.machine import n_cores

MIB = 2**20
STAGES = ("load", "fit", "write", "score")  # that are drawn


@dataclass(frozen=True, slots=True)
class Row:
    """One stage of one system. `seconds` and `peak_bytes` are None where it did not finish; then `note` says why."""

    system: str
    stage: str
    seconds: float | None
    peak_bytes: int | None
    n_users: int
    n_items: int
    n_interactions: int
    k: int
    note: str = ""


def machine() -> str:
    """Processor, cores and Python of this machine."""
    cpu = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")),
        platform.processor(),
    )
    flags = "AVX-512" if "avx512f" in Path("/proc/cpuinfo").read_text() else "no AVX-512"
    return f"{cpu}, {n_cores()} cores, {flags}, Python {platform.python_version()}"


def report(shape: str, rows: list[Row], ratios: dict[str, float], json_file: Path | None) -> None:
    """Print the table and the ratios; write the JSON object if a file is named."""
    table = Table("system", "stage", "seconds", "peak MiB", "note", title=f"{shape} on {machine()}")
    for row in rows:
        seconds = "-" if row.seconds is None else f"{row.seconds:.3f}"
        peak = "-" if row.peak_bytes is None else f"{row.peak_bytes / MIB:,.0f}"
        table.add_row(row.system, row.stage, seconds, peak, row.note)
    console = Console()
    console.print(table)
    for name, ratio in ratios.items():
        console.print(f"{name}: {ratio:.4g}")
    if json_file is not None:
        result = {"shape": shape, "machine": machine(), "rows": [asdict(row) for row in rows], "ratios": ratios}
        json_file.write_text(json.dumps(result, indent=2) + "\n")


def draw(files: list[Path], out: Path) -> None:
    """Write `out` (SVG or PNG): one line a stage, and what linear growth from the first point would be."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "larder"  # the same file for the same figures
    from matplotlib import pyplot

    points: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for file in files:
        for row in json.loads(file.read_text())["rows"]:
            if row["stage"] in STAGES:
                points[row["stage"]].append((row["n_interactions"], row["seconds"]))
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for stage, marker in zip(STAGES, "osD^", strict=True):
        size, seconds = zip(*sorted(points[stage]), strict=True)
        axes.plot([n / 1e6 for n in size], seconds, marker=marker, label=stage)
    axes.set(xscale="log", yscale="log", xlabel="million interactions", ylabel="seconds, two cores", title="Cost of a run by stage")
    axes.set_xticks([1, 10, 20], ["1", "10", "20"])
    axes.grid(True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)
