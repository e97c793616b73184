"""Every Redis key, in one place. No key literal stands anywhere else.

`larder` is the namespace setting; `{ctl}` is a cluster hash tag, so that the Lua scripts find all control keys in one slot,
while lists spread over the slots. ID is a generation id, BUCKET a number from 0, REV a revision of the items: the id of the
generation that wrote them.

key                            type    TTL     written by        read by       what
larder:{ctl}:current           string  -       promote.lua       api, trainer  JSON: all that a reader needs to find a list
larder:{ctl}:promoted          list    -       promote.lua       trainer       JSON events {generation, at_ms, by}, newest 1000
larder:{ctl}:sequence          int     -       begin.lua         lua           orders generations, so that no clock decides
larder:{ctl}:generations       zset    -       begin.lua         trainer, api  id -> sequence
larder:{ctl}:gen:ID            hash    -       lua               all           state, times, counters, the manifest as JSON
larder:{ctl}:gen:ID:shards     hash    -       record_shard.lua  lua, trainer  shard -> "users lists checksum", once each
larder:{ctl}:runs              list    -       trainer           trainer, api  ids of the newest 100 runs, newest first
larder:{ctl}:run:ID            hash    7 days  trainer           trainer, api  a run's stage and progress, for people
larder:{ctl}:lease:JOB         string  lease   rq work-horses    rq workers    a job is alive while this exists
larder:{ctl}:takeover:JOB      string  lease   rq workers        rq workers    one worker at a time takes a dead job over
larder:recs:ID:BUCKET          hash    -       worker            api           user id -> list payload
larder:popular:ID              string  -       trainer           api           list payload: the fallback of a cold user
larder:items:REV:BUCKET        hash    -       trainer           api           item id -> JSON metadata (title, ...)

RQ keeps its own keys under `rq:`.
"""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

Id = int | str


def bucket_of(external_id: Id, n_buckets: int) -> int:
    """The bucket of a user or item: crc32 of the id's text, modulo `n_buckets`."""
    return crc32(str(external_id).encode()) % n_buckets


@dataclass(frozen=True, slots=True)
class Keys:
    """Key builders of one namespace: several catalogues can live in one Redis."""

    namespace: str = "larder"

    def _control(self, name: str) -> str:
        return f"{self.namespace}:{{ctl}}:{name}"

    @property
    def current(self) -> str:
        return self._control("current")

    @property
    def promoted(self) -> str:
        return self._control("promoted")

    @property
    def sequence(self) -> str:
        return self._control("sequence")

    @property
    def generations(self) -> str:
        return self._control("generations")

    @property
    def runs(self) -> str:
        return self._control("runs")

    def generation(self, generation: str) -> str:
        return self._control(f"gen:{generation}")

    def shards(self, generation: str) -> str:
        return self._control(f"gen:{generation}:shards")

    def run(self, run: str) -> str:
        return self._control(f"run:{run}")

    def lease(self, job: str) -> str:
        return self._control(f"lease:{job}")

    def takeover(self, job: str) -> str:
        return self._control(f"takeover:{job}")

    def recs(self, generation: str, bucket: int) -> str:
        return f"{self.namespace}:recs:{generation}:{bucket}"

    def popular(self, generation: str) -> str:
        return f"{self.namespace}:popular:{generation}"

    def items(self, revision: str, bucket: int) -> str:
        return f"{self.namespace}:items:{revision}:{bucket}"
