"""Settings of both roles of Redis, and of its replicas."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_SENTINELS = re.compile(r"sentinel://([^/]*@)?[^/@,]+(,[^/@,]+)*/[\w.-]+(/[0-9]+)?(\?.*)?", re.ASCII)  # contract/store/sentinels.py
_CLUSTER = re.compile(r"cluster://([^/]*@)?[^/@,?]+(,[^/@,?]+)*/?(\?.*)?", re.ASCII)  # contract/store/cluster/address.py


class RedisSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    redis_url: str = Field(
        "redis://localhost:6379/0",
        description="Redis that holds lists: redis://, rediss://, unix://, sentinel:// or cluster:// (docs/managed-redis.md).",
    )
    queue_url: str = Field(
        "", description="Redis that holds the RQ queues (a single node, or Sentinels; not a cluster); empty: the same as redis_url."
    )
    min_replicas: int = Field(
        0,
        ge=0,
        le=16,
        description="Replicas of Redis that must have what was written before a shard counts as done and a generation is begun or promoted "
        "(docs/managed-redis.md); 0: nobody asks.",
    )
    replica_timeout_s: float = Field(
        10.0,
        gt=0,
        le=600,
        description="How long a writer waits for LARDER_MIN_REPLICAS. Then the shard or the run is tried again, or fails.",
    )

    @field_validator("redis_url", "queue_url")
    @classmethod
    def _redis_scheme(cls, value: str) -> str:
        if value:
            try:
                if value.startswith("sentinel://"):
                    known = _SENTINELS.fullmatch(value) is not None
                elif value.startswith("cluster://"):
                    known = _CLUSTER.fullmatch(value) is not None
                else:
                    known = value.startswith(("redis://", "rediss://", "unix://")) and urlsplit(value).port != 0
            except ValueError:  # a port that is no number
                known = False
            if not known:
                raise ValueError(
                    "expected redis://host:port/db, rediss://..., unix:///path, sentinel://host:port,host:port/service/db "
                    "or cluster://host:port,host:port"
                )
        return value

    @model_validator(mode="after")
    def _queue_is_not_a_cluster(self) -> Self:
        if self.rq_url.startswith("cluster://"):
            why = "LARDER_QUEUE_URL is one" if self.queue_url else "LARDER_REDIS_URL is one, so the queues need a Redis of their own"
            raise ValueError(f"RQ can't work on a Redis Cluster, and {why}: set LARDER_QUEUE_URL to a single Redis or to Sentinels")
        return self

    @property
    def rq_url(self) -> str:
        return self.queue_url or self.redis_url
