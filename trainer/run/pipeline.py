"""One run from source to dispatched shards: load → evaluate → fit → write the artifact → begin → enqueue. The workers do the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from redis import Redis

from contract.artifacts.artifact import folder_of, open_artifact
from contract.artifacts.artifact_writer import ArtifactWriter
from contract.errors import ArtifactError
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest
from contract.formats.states import HAS_LISTS
from contract.machine import n_cores
from contract.queue.jobs import enqueue_shards, score_queue
from contract.settings.settings import Settings
from contract.store.erasure import Erasure
from contract.store.generations import Generations
from contract.store.item_revisions import Catalogue
from contract.store.replicas.acknowledged import Acknowledged
from contract.store.tunings import Tunings
from engine.arrays import Array, Report
from engine.ranking.ranked import ranking_arrays
from trainer.evaluation.side_by_side import Served
from trainer.fitting.fit_model import Similar, fit_model
from trainer.interactions.interactions import Interactions
from trainer.interactions.subset import without_users
from trainer.items.new_items import with_content
from trainer.items.revision import ItemsSnapshot, snapshot_of_run, write_of_run
from trainer.items.rules import rule_arrays
from trainer.items.titles import with_titles
from trainer.plan.capacity import check_room, lists_bytes, named_bytes
from trainer.run import choice
from trainer.run.beginning import begin
from trainer.run.company import company_of
from trainer.run.named_lists import cook_lists
from trainer.run.sealing import NO_RULES, seal
from trainer.run.spec import RunSpec
from trainer.run.verdict import judge, measure, served_by
from trainer.sources import load as sources
from trainer.sources.erased_rows import ErasedRows
from trainer.spark.cluster import Cluster, cluster_of

log = logging.getLogger("larder.trainer")
Progress = Callable[[str, int, int], None]
"""Called with stage (contract.store.runs.STAGES), done, total."""


def train(order: RunSpec, store: Redis, queue_redis: Redis, progress: Progress) -> Manifest:
    """Make the artifact of a run and put its shards on the queue. A second try of the same run goes on with a finished artifact."""
    settings, run = order.settings, order.run
    keys, acknowledged = Keys(settings.namespace), Acknowledged.of(settings)
    generations = Generations(store, keys, acknowledged=acknowledged)
    erasure = Erasure(store, keys, settings.erasure_secret.get_secret_value(), acknowledged)
    if generations.state(run) in HAS_LISTS:  # a try before this one died after it had done all
        return generations.manifest(run)
    progress("load", 0, 1)
    catalogue = Catalogue(store, keys)
    revision = catalogue.begin()
    left_out = ErasedRows(settings.namespace, erasure.revision(), erasure.positions, erasure.revision)
    loaded = sources.load(settings.source, folder_of(settings.artifacts) / ".datasets", left_out)
    interactions = loaded.interactions
    snapshot, said = snapshot_of_run(catalogue, settings, loaded.items, interactions.item_ids, forced=bool(order.forced_by))
    interactions = replace(interactions, reading={**interactions.reading, "items": said} if said else interactions.reading)
    if erasure.revision():
        interactions = without_users(interactions, erasure.positions(interactions.user_ids), "erased user")
    interactions = with_content(interactions, snapshot.items, settings.model_settings)
    progress("load", 1, 1)
    order = replace(order, is_first=generations.current() is None)
    company = company_of(order, generations)
    orders = (order, *company.others)
    manifests = [_artifact_of(each, interactions, snapshot, generations, Tunings(store, keys), progress) for each in orders]
    progress("dispatch", 0, 1)
    n_bytes = lists_bytes(interactions, settings.model_settings) + named_bytes(interactions, settings)
    check_room(store, settings.redis_url, n_bytes * len(orders))
    items = write_of_run(catalogue, revision, with_titles(snapshot, settings, run))
    for each, manifest in zip(orders, manifests, strict=True):
        verdict, leads = judge(settings, generations, manifest, each), each is order
        verdict = company.leading(verdict) if leads else verdict.model_copy(update={"leader": run})
        begin(settings, generations, erasure, each.run, verdict, token=order.token, items=items if leads else None)
    progress("dispatch", 0, 1)  # who has cancelled the run before this could not see its generation
    for manifest in manifests:
        shards = generations.missing_shards(manifest.generation, manifest.n_shards)
        enqueue_shards(score_queue(queue_redis, settings), settings, manifest.generation, shards)
    progress("dispatch", 1, 1)
    return manifests[0]


def _artifact_of(
    order: RunSpec, interactions: Interactions, snapshot: ItemsSnapshot, generations: Generations, tunings: Tunings, progress: Progress
) -> Manifest:
    """Make the artifact of a generation; or find that of an earlier try."""
    if (found := _existing(order.settings, order.run)) is not None:
        return found
    if order.arm:
        log.info("run %s is made for the arm %s of the experiment, too", order.run, order.arm)
    rules = rule_arrays(snapshot, interactions.item_ids, order.settings.model_settings)
    order = choice.settled(order, interactions, tunings, _throttled(lambda done, total: progress("evaluate", done, total)))
    lists = cook_lists(order.settings, interactions, snapshot)
    manifest = make_artifact(order, interactions, progress, rules, served_by(generations, order.arm), lists)
    choice.remember(manifest, tunings)
    return manifest


def make_artifact(
    order: RunSpec,
    interactions: Interactions,
    progress: Progress,
    rules: Mapping[str, Array] = NO_RULES,
    served: Served | None = None,
    lists: Mapping[str, Array] = NO_RULES,
) -> Manifest:
    """Measure the model, beside the `served` one, fit it on all `interactions`, and write the artifact of the run.

    What is measured knows no `rules`.
    """
    with cluster_of(order.settings) as spark:
        return _made(order, interactions, progress, rules, served, lists, spark)


def _made(
    order: RunSpec,
    interactions: Interactions,
    progress: Progress,
    rules: Mapping[str, Array],
    served: Served | None,
    lists: Mapping[str, Array],
    spark: Cluster | None,
) -> Manifest:
    evaluation = None
    if order.settings.evaluate:
        progress("evaluate", 0, 1)
        report = _throttled(lambda done, total: progress("evaluate", done, total))
        evaluation = measure(order.settings, interactions, report, served, spark)
        if (other := choice.instead(order, interactions, evaluation, report)) is not None:
            order = other
            evaluation = measure(order.settings, interactions, report, served, spark)
    settings = order.settings
    writer = ArtifactWriter(settings.artifacts, order.run, order.token or 0)
    try:
        progress("fit", 0, 1)
        similarity: dict[str, Array] = {}

        def create(name: str, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Array:
            similarity[name] = writer.create(name, dtype, shape)
            return similarity[name]

        made = fit_model(
            *(interactions, settings.model_settings, create),
            threads=n_cores(),
            limit_bytes=settings.max_memory_gb * 2**30,
            report=_throttled(lambda done, total: progress("fit", done, total)),
            similar=Similar(settings.similar_depth, rules.get("excluded", np.empty(0, np.int32))),
            spark=spark,
        )
        progress("write", 0, 1)
        n_users = np.bincount(made.counted.indices, minlength=len(interactions.item_ids))
        rules = {**rules, **ranking_arrays(settings.model_settings, {**similarity, **rules}, n_users)}
        manifest = seal(order, interactions, made, evaluation, writer, rules, lists)
    except BaseException:
        writer.discard()
        raise
    progress("write", 1, 1)
    return manifest


def _existing(settings: Settings, run: str) -> Manifest | None:
    """The manifest of an earlier try of this run that had finished its artifact."""
    try:
        return open_artifact(settings.artifacts, run).manifest
    except ArtifactError:
        return None


def _throttled(report: Report) -> Report:
    """`report` at most ten times a second, and at the end: it costs a round trip."""
    last = 0.0

    def call(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > 0.1:
            last = time.monotonic()
            report(done, total)

    return call
