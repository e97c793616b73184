"""`python -m bench plot`: seconds of each stage against the number of interactions, from the JSON of `bench pipeline`."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

STAGES = ("load", "fit", "write", "score")


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
