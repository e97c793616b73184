"""From a finished artifact to a generation that is being scored: for a run, and for a generation that is cooked again."""

from __future__ import annotations

from contract.artifacts.artifact import Artifact, open_artifact
from contract.errors import ErasedMeanwhileError
from contract.formats.manifest import Manifest
from contract.formats.verdict import Verdict
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.item_revisions import ItemsPointer
from trainer.erasure.scrub import popular_counts, scrub
from trainer.run import shards as dispatch
from trainer.run.named_lists import write_lists


def begin(
    settings: Settings,
    generations: Generations,
    erasure: Erasure,
    generation: str,
    verdict: Verdict,
    *,
    token: int | None,
    items: ItemsPointer | None = None,
) -> Manifest:
    """Open the generation of an artifact, with nobody in it who has been erased by then; the manifest that says so.

    `token`: of the right to train. `items`: the revision of the items that is served from its promotion on. Raises as
    `Generations.begin`, and ArtifactError.
    """
    while True:
        revision = erasure.revision()
        scrub(settings.artifacts, generation, erasure)
        artifact = open_artifact(settings.artifacts, generation)
        write_named(generations, artifact)
        try:
            generations.begin(artifact.manifest, verdict, revision=revision, token=token, items=items)
        except ErasedMeanwhileError:
            continue
        return artifact.manifest


def write_named(generations: Generations, artifact: Artifact) -> None:
    """Write what is no user's and no item's: the popular list, and the named ones."""
    popular = dict(zip(artifact["popular"].tolist(), popular_counts(artifact), strict=True))
    dispatch.write_popular(generations, artifact.manifest.generation, artifact.ids("item_ids"), popular)
    write_lists(generations, artifact)
