"""Where users in common are counted: in this process, or by tasks of Spark, which make the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from contract.settings.settings import ModelSettings
from engine.arrays import Report
from engine.fit import rows, similarity
from engine.linear.gram import Gram, Source
from trainer.spark.cluster import Cluster


class Counts(NamedTuple):
    """`similarity`: engine.fit.rows.fit_similarity, and `gram`: engine.linear.gram.Gram, or what makes the same."""

    similarity: Callable[..., similarity.Fitted]
    gram: Callable[..., Source]


def counts_of(model: ModelSettings, spark: Cluster | None, report: Report) -> Counts:
    if model.engine != "spark" or spark is None:
        return Counts(rows.fit_similarity, Gram)
    from trainer.spark.gram import SparkGram
    from trainer.spark.similarity import fit_similarity

    return Counts(partial(fit_similarity, spark), partial(SparkGram, spark, report))
