"""`python -m bench objects`: how soon a worker scores what a trainer has sealed, with the artifact in an object store of this machine.

The artifact is that of a small model, and one array more that makes it as large as asked for. Trainer and worker are processes of
their own, with copies in different folders, as on two hosts; then the worker once more, with the artifact in a folder.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from bench.deployment.seaweed import Seaweed
from bench.results import machine
from contract.artifacts.object_store import address_of

GENERATION = "g1"
SOURCE = "synthetic:4000x3000x400000"
LEAST_S = 10.0
LOOK_S = 0.005
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Times of day: when the trainer's own copy was whole, and when the store had it."""

    here: float
    stored: float
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Scored:
    """Times of day, and the most memory that is no page of a file."""

    asked: float
    opened: float
    scored: float
    n_bytes: int


def run(gb: float, json_file: Path | None) -> None:
    store = Seaweed()
    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        try:
            store.start()
            os.environ.update(store.environ)
            remote = f"{store.url}/bench?cache={name}"
            sealed = _apart(_write, f"{remote}/trainer", gb)
            far = _apart(_read, f"{remote}/worker")
            again = _apart(_read, f"{remote}/worker")
            near = _apart(_read, f"file://{quote(str(address_of(f'{remote}/trainer').folder))}")
        finally:
            store.remove()
    figures = {
        "artifact, MiB": sealed.n_bytes / 2**20,
        "upload, s": sealed.stored - sealed.here,
        "download and open, s": far.opened - far.asked,
        "sealed to the first shard begun, s": sealed.stored - sealed.here + far.opened - far.asked,
        "open once more, s": again.opened - again.asked,
        "open in a folder, s": near.opened - near.asked,
        "first shard, s": near.scored - near.opened,
        "memory of the worker, MiB": far.n_bytes / 2**20,
        "memory of the worker, in a folder, MiB": near.n_bytes / 2**20,
    }
    table = Table("", "", title=machine())
    for what, figure in figures.items():
        table.add_row(what, f"{figure:,.2f}")
    Console().print(table)
    if json_file is not None:
        result = {"machine": machine(), "figures": figures, "sealed": asdict(sealed), "scored": asdict(far), "folder": asdict(near)}
        json_file.write_text(json.dumps(result, indent=2) + "\n")


def _apart(task: Callable[..., T], *arguments: object) -> T:
    """In a process of its own: what uses a store must not fork, and memory is that of the task."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments)


def _write(url: str, gb: float) -> Sealed:
    import numpy as np

    from contract.artifacts.artifact import folder_of, open_artifact
    from contract.artifacts.artifact_writer import ArtifactWriter
    from contract.settings.settings import Settings
    from engine import kernel_cache
    from trainer.run.pipeline import make_artifact
    from trainer.run.spec import RunSpec
    from trainer.sources.load import load

    kernel_cache.use(os.environ)

    with tempfile.TemporaryDirectory(prefix="larder-bench-") as name:
        settings = Settings.from_environ({}, artifacts=f"file://{name}", interactions=SOURCE, evaluate=False)
        loaded = load(settings.source, Path(name))
        manifest = make_artifact(RunSpec(GENERATION, settings), loaded.interactions, lambda *_: None)
        arrays = dict(open_artifact(settings.artifacts, GENERATION).arrays)
        missing = int(gb * 1e9) - sum(spec.n_bytes for spec in manifest.arrays.values())
        arrays["ballast"] = np.random.default_rng(1).integers(0, 256, max(0, missing), np.uint8)
        writer = ArtifactWriter(url, GENERATION)
        writer.put(arrays)
        del arrays
        finished = writer.finish(manifest)
    stored = time.time()
    here = (folder_of(url) / GENERATION / "manifest.json").stat().st_mtime
    return Sealed(here, stored, sum(spec.n_bytes for spec in finished.arrays.values()))


def _read(url: str) -> Scored:
    from contract.artifacts.artifact import open_artifact
    from engine import kernel_cache
    from worker.shard import make_shard

    kernel_cache.use(os.environ)
    ends, most = threading.Event(), [0]

    def watch() -> None:
        while not ends.wait(LOOK_S):
            fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            most[0] = max(most[0], int(fields["RssAnon"].split()[0]) * 1024)

    watching = threading.Thread(target=watch)
    watching.start()
    asked = time.time()
    artifact = open_artifact(url, GENERATION)
    opened = time.time()
    make_shard(artifact, 0)
    scored = time.time()
    ends.set()
    watching.join()
    return Scored(asked, opened, scored, most[0])
