"""What is kept of old generations, in Redis and on disk. Nothing grows with the number of retrains."""

from __future__ import annotations

import re
import shutil

from contract.artifacts.artifact import artifacts_in, folder_of, has_artifact, remove_artifact
from contract.artifacts.object_store import is_remote
from contract.experiments.moves import Experiments
from contract.formats.states import GONE, SETTLED, GenerationState, RunState
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from contract.store.progress import leader_of
from contract.store.removal import retire
from contract.store.runs import Runs

_PARTIAL = re.compile(r"\.(?P<run>.+)\.\d+\.partial")


def prune(generations: Generations, runs: Runs, settings: Settings, *, artifacts: bool = True) -> list[str]:
    """Retire what is not to be kept; ids of the generations of which nothing is left. Revisions of the items that were left go, too.

    Kept are the current and the previous generation, what is being scored, the newest `keep_generations` that were served before,
    and the newest `keep_waiting` that wait for a person (refused, held, under review), until a later one is promoted; and, besides,
    those that are arms of the experiment that runs, or would be if a generation that is kept were promoted.
    """
    progress = {name: found for name in generations.ids() if (found := generations.progress(name))}
    experiments = Experiments(generations)
    arms, leaders = experiments.fixed(), {name: leader_of(generations.redis, generations.keys, name) for name in progress}
    alone = {name for name, found in progress.items() if found.promoted_at_ms or not leaders[name]}
    complete = {name: found for name, found in progress.items() if found.state == GenerationState.COMPLETE and name in alone - arms}
    served = [name for name, found in complete.items() if found.promoted_at_ms]
    pointer = generations.current()
    newest = pointer.newest if pointer else 0
    waiting = [name for name, found in complete.items() if not found.promoted_at_ms and found.sequence > newest]
    kept = {*served[len(served) - min(len(served), settings.keep_generations) :], *waiting[-settings.keep_waiting :]}
    if experiments.served_models():
        going = {name for name, found in progress.items() if found.state not in SETTLED}
        kept |= {name for name in progress.keys() - alone if leaders[name] in kept | going}
    settled = [name for name, found in progress.items() if found.state in SETTLED and name not in kept | arms]
    gone = [name for name in settled if retire(generations, name, settings.grace_s, settings.job_timeout_s)]
    Catalogue(generations.redis, generations.keys).prune(settings.grace_s, settings.job_timeout_s)
    if artifacts:
        _remove_artifacts(generations, runs, settings)
    return gone


def _remove_artifacts(generations: Generations, runs: Runs, settings: Settings) -> None:
    """Delete the artifacts of generations that failed or were pruned, and of runs that failed before they had one."""
    url = settings.artifacts
    for name in artifacts_in(url):
        state, status = generations.state(name), runs.get(name)
        failed = status is not None and status.state in (RunState.FAILED, RunState.CANCELLED) and state == ""
        unfinished = is_remote(url) and status is None and state == "" and not has_artifact(url, name)  # its upload was cut short
        if state in GONE or failed or unfinished:
            remove_artifact(url, name)
    folder = folder_of(url)
    for path in folder.iterdir() if folder.is_dir() else ():
        if partial := _PARTIAL.fullmatch(path.name):
            status = runs.get(partial["run"])
            over = status is not None and status.state in (RunState.FAILED, RunState.CANCELLED, RunState.DISPATCHED)
            if over or generations.state(partial["run"]) in GONE:
                shutil.rmtree(path, ignore_errors=True)
