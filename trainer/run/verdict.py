"""The gate in a run: what is measured before the fit, and the verdict with which its generation is begun."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from contract.artifacts.artifact import folder_of, open_artifact
from contract.errors import ArtifactError
from contract.experiments.arms import arms_of
from contract.experiments.moves import Experiments
from contract.formats.evaluation import Evaluation, Figures
from contract.formats.manifest import Manifest, Pointer
from contract.formats.verdict import Verdict
from contract.machine import n_cores
from contract.settings.settings import Settings
from contract.store.generations import Generations
from engine.arrays import Report
from trainer.evaluation import gate
from trainer.evaluation.drift.profiles import drifted
from trainer.evaluation.drift.reading import Reading, changed
from trainer.evaluation.drift.same_table import Pairs, another, compare, matched
from trainer.evaluation.drift.same_values import other_values
from trainer.evaluation.findings import Found
from trainer.evaluation.known_items import Known, known_items
from trainer.evaluation.side_by_side import Served
from trainer.interactions.interactions import Interactions
from trainer.run.spec import RunSpec
from trainer.spark.cluster import Cluster

log = logging.getLogger("larder.trainer")


def served_to(generations: Generations, arm: str) -> Pointer | None:
    """What users of the arm get now, with which a generation for it is compared; "", or before it has one: what is served."""
    served = Experiments(generations).served()
    arms = arms_of(served) if served and arm else None
    return (arms.named(arm) if arms else None) or served


def served_by(generations: Generations, arm: str) -> Served | None:
    """The model that is served now, or to users of an arm."""
    pointer = served_to(generations, arm)
    if pointer is None or generations.progress(pointer.generation) is None:
        return None
    return Served(pointer.generation, generations.manifest(pointer.generation).settings)


def measure(
    settings: Settings, interactions: Interactions, report: Report, served: Served | None, spark: Cluster | None = None
) -> dict[str, Any]:
    """What trainer.evaluation.evaluate says of a model with these settings on these interactions, as a manifest carries it."""
    from trainer.evaluation.evaluate import evaluate  # recommenders' splitters and metrics take a second to import

    found = evaluate(
        interactions,
        settings.model_settings,
        k=settings.k,
        sample_users=settings.evaluate_users,
        threads=n_cores(),
        limit_bytes=settings.max_memory_gb * 2**30,
        report=report,
        scratch=folder_of(settings.artifacts),
        served=served,
        spark=spark,
    )
    if isinstance(found, Evaluation) and (cost := found.exploration) is not None:
        said = f"{cost.new:.4f} with it, {cost.old:.4f} without: {cost.difference:+.4f} ± {2 * cost.standard_error:.4f}"
        log.info("nDCG@%d of lists that explore by --explore %g is %s", cost.depth, settings.explore, said)
    return found.model_dump(mode="json")


def judge(settings: Settings, generations: Generations, manifest: Manifest, order: RunSpec) -> Verdict:
    """The verdict on the generation of `manifest`, against the one that is current now; of an arm's, against that which the arm has now."""
    pointer = served_to(generations, order.arm)
    current = generations.progress(pointer.generation) if pointer else None
    served = generations.manifest(pointer.generation) if pointer and current else None
    old = Figures.of(served, current.mean_listed) if served and current else None
    new = _beside(Figures.of(manifest), served)
    known = _known(settings, manifest.generation, served) if served else None
    found = gate.judge(new, old, settings.gate, datetime.now(UTC), known)
    reading = Reading.of(manifest)
    if served and pointer:
        before = Reading.of(served)
        comparable = manifest.settings == served.settings and not _window_moved(reading, before)
        drift = [*drifted(reading, before, settings.gate), *_other_table(settings, order.run, pointer, comparable=comparable)]
        failures = (*changed(reading, before), *found.failures, *(finding for severity, finding in drift if severity == "refuse"))
        warnings = (*found.warnings, *(finding for severity, finding in drift if severity == "warn"))
        found = found.model_copy(update={"failures": failures, "warnings": warnings})
    return Verdict(
        passed=found.passed,
        because=found.because,
        doubt=found.doubt,
        warnings=(*reading.doubts, *(warning.message for warning in found.warnings)),
        compared=found.compared,
        against=pointer.generation if pointer else "",
        min_listed=gate.minimums(old, settings.gate, manifest.settings.stored_depth).min_items_listed,
        review=order.review,
        forced_by=order.forced_by,
    )


def _window_moved(new: Reading, old: Reading) -> bool:
    oldest = [one.profile.oldest if one.profile else None for one in (new, old)]
    return oldest[0] is not None and oldest[1] is not None and oldest[0] > oldest[1]


def _other_table(settings: Settings, run: str, pointer: Pointer, *, comparable: bool) -> Iterator[Found]:
    """What the artifacts say of the users, the items and their pairs. Nothing where that of the current generation is gone."""
    new, old, before = (_pairs(settings, generation) for generation in (run, pointer.generation, pointer.previous))
    if new and old:
        match = matched(new, old)
        yield from another(compare(new, old, match), new, old, settings.gate, before)
        yield from other_values(new, old, match, comparable=comparable, before=before)


def _pairs(settings: Settings, generation: str) -> Pairs | None:
    try:
        return Pairs.of(open_artifact(settings.artifacts, generation)) if generation else None
    except ArtifactError:
        return None


def _beside(new: Figures, served: Manifest | None) -> Figures:
    """`new` without what was measured beside a model that is served no more."""
    measured = new.evaluation
    if not isinstance(measured, Evaluation) or measured.against is None or (served and measured.against.generation == served.generation):
        return new
    return new.model_copy(update={"evaluation": measured.model_copy(update={"against": None})})


def _known(settings: Settings, generation: str, served: Manifest) -> Known | None:
    """None where an artifact is not here, as when only Redis was moved."""
    try:
        return known_items(open_artifact(settings.artifacts, generation), open_artifact(settings.artifacts, served.generation))
    except ArtifactError:
        return None
