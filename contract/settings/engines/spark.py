"""Settings of the engine spark: which cluster fits, and where its parts lie."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

from contract.text import words

MASTERS = re.compile(r"^(local(\[(\*|\d+)(,\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|(spark|k8s)://\S+|yarn)$")


class SparkSettings(BaseModel):
    """Read where LARDER_ENGINE is spark (docs/spark.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spark_master: str = Field(
        "local[*]",
        description="Where the engine spark fits: local[*], this machine's cores; spark://host:7077, yarn or k8s://..., a cluster.",
    )
    spark_folder: str = Field(
        "",
        description="Folder that the trainer and all executors of Spark see under this name, for the parts of a fit; empty: beside the "
        "artifacts, which a cluster on other hosts does not see.",
    )
    spark_conf: str = Field(
        "",
        description="Settings of Spark's own, with commas between, as in spark.executor.memory=4g,spark.executor.instances=8.",
    )

    @field_validator("spark_master")
    @classmethod
    def _known_master(cls, value: str) -> str:
        if not MASTERS.match(value):
            raise ValueError("expected local[*], local[N], local-cluster[N,CORES,MB], spark://HOST:PORT, yarn or k8s://...")
        return value

    @field_validator("spark_folder")
    @classmethod
    def _absolute_folder(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("expected a folder from / on, as in /mnt/shared/larder, under which the executors see it too")
        return value

    @field_validator("spark_conf")
    @classmethod
    def _named_values(cls, value: str) -> str:
        _pairs(value)
        return value

    @property
    def spark(self) -> SparkSettings:
        """These alone."""
        return SparkSettings(**{name: getattr(self, name) for name in SparkSettings.model_fields})

    @property
    def spark_pairs(self) -> Mapping[str, str]:
        """spark_conf, parsed."""
        return _pairs(self.spark_conf)


def _pairs(text: str) -> Mapping[str, str]:
    found = {}
    for part in words(text):
        name, sign, value = part.partition("=")
        if not (sign and value and re.match(r"^spark\.[\w.-]+$", name)):
            raise ValueError(f"{name[:40]!r} is not spark.NAME=VALUE, as in spark.executor.memory=4g")
        found[name] = value
    return found
