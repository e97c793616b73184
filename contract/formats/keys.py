"""Every Redis key, in one place. No key literal stands anywhere else.

`larder` is the namespace setting; `{ctl}` is a cluster hash tag, so that the Lua scripts find all control keys in one slot,
while lists spread over the slots. ID is a generation id, BUCKET a number from 0, REV a revision of the items: a number from 1
(contract/store/item_revisions.py), or, as versions before it wrote them, the id of a generation. RQ keeps its own keys under `rq:`.
key                            type    TTL     written by        read by       what
larder:{ctl}:current           string  -       lua               all           JSON: all that a reader needs to find a list; the experiment
larder:{ctl}:promoted          list    -       promote.lua       trainer, api  JSON events {generation, at_ms, by, how}, newest 1000
larder:{ctl}:hold              string  -       promote.lua       lua, all      JSON {generation, at_ms, by}: nothing is promoted by itself
larder:{ctl}:sequence          int     -       begin.lua         lua           orders generations, so that no clock decides
larder:{ctl}:generations       zset    -       begin.lua         trainer, api  id -> sequence
larder:{ctl}:gen:ID            hash    -       lua               all           state, times, counters, verdict, manifest, its items
larder:{ctl}:gen:ID:shards     hash    -       record_shard.lua  lua, trainer  shard -> what it wrote (shard_record.py), once each
larder:{ctl}:gen:ID:erased     set     -       erase.lua         lua           HMACs of users taken out of this generation
larder:{ctl}:erased            zset    -       add_erased.lua    all           HMAC of an erased user id -> revision of the list
larder:{ctl}:erasure           hash    -       trainer, lua      lua, all      revision, fingerprint of the secret, whether there is one
larder:{ctl}:training          string  lease   training.lua      trainer       "TOKEN RUN": the one run that trains, if it lives
larder:{ctl}:fence             int     -       training.lua      lua           the newest TOKEN
larder:{ctl}:scheduled:MINUTE  string  2 hours trainer           trainer       one of several trainers starts the run of a minute
larder:{ctl}:due               int     1 day   trainer           api           when the schedule starts its next run: ms since 1970
larder:{ctl}:told:NOTICE       string  2 days  trainer           trainer       one of several trainers tells a notice, once
larder:{ctl}:tuned             string  -       trainer           trainer, api  JSON: what the last tune found (reports/tuned.py)
larder:{ctl}:outcomes          string  a week  trainer           api           JSON: what became of what was shown (outcomes/report.py)
larder:{ctl}:audit             list    -       api, trainer      api, trainer  JSON: changes that were asked for (audit.py), newest first
larder:{ctl}:log_level         string  minutes trainer           all           a level of logs that somebody asks for (telemetry/level.py)
larder:{ctl}:experiment_ended  string  -       trainer           all           JSON: why the last experiment ended by itself (ending.py)
larder:{ctl}:answers:EXP       hash    a week  api               trainer, api  "ARM OUTCOME" -> answers; slots of arms (answers.py)
larder:{ctl}:broken:EXP        hash    a week  api               trainer       slots where an answer was empty or an error -> arm, order
larder:{TAG}:acknowledged      string  minute  all           nobody        last write before a wait for replicas; TAG: ctl, or of a server
larder:{ctl}:lost              hash    minutes trainer           all           ID -> JSON: what it lacks (store/replicas/lost.py)
larder:{ctl}:comparing:ID      string  1 hour  trainer           trainer       one of several trainers compares models with a generation
larder:{ctl}:runs              list    -       trainer           trainer, api  ids of the newest 100 runs, newest first
larder:{ctl}:history           hash    a year  trainer           trainer, api  run -> JSON (history.py); history:times, a zset, orders them
larder:{ctl}:run:ID            hash    7 days  trainer           trainer, api  a run's stage and progress, for people
larder:{ctl}:lease:JOB         string  lease   rq work-horses    rq workers    a job is alive while this exists
larder:{ctl}:takeover:JOB      string  lease   rq workers        rq workers    one worker at a time takes a dead job over
larder:{ctl}:items             string  -       lua               api, trainer  JSON: where the items' metadata lie, how many are unavailable
larder:{ctl}:items_sequence    int     -       trainer           trainer       numbers revisions of the items
larder:{ctl}:item_revisions    hash    -       trainer, lua      trainer       REV -> JSON {n_buckets, at_ms, state}: written, or left since
larder:{events}:NAME           of events, where NAME is
  stream                       stream  -       push_events.lua   trainer       events that are not in files yet (events.py)
  state                        hash    -       lua               lua, api      bytes that wait; counts: accepted, refused, written ...
  ids                          set     repeat  push_events.lua   lua           digests of ids, by which repeats are known; a key a window
  due                          zset    -       api               worker        user -> us: users whose lists are to be made anew
  feeds                        hash    -       trainer           api           name of a feed and what is told of it -> number (feeds.py)
  active                       zset    -       api, worker       worker        user -> us: users who did something within the last days
larder:{impressions}:NAME      of lists that were shown, where NAME is
  stream                       stream  -       push_impr...lua   trainer       impressions that are not in files yet (events.py)
  state                        hash    -       lua               lua, api      bytes that wait; counts: accepted, refused, written
larder:fresh:USER              hash    days    api, worker   api           what a user did since then (contract/formats/freshness.py)
larder:did:USER                hash    days    api           worker        id of an event -> JSON [us, place, event]
larder:recs:ID:BUCKET          hash    -       worker            api           user id -> list payload
larder:similar:ID:BUCKET       hash    -       worker            api           item id -> list payload of similar items
larder:why:ID:BUCKET           hash    -       worker            api           user id -> what made each item of the list (opt-in)
larder:popular:ID              string  -       trainer           api           list payload: the fallback of a cold user
larder:lists:ID                hash    -       trainer           api           named lists: list and chunk -> list payload (lists.py)
larder:names:ID                zset    -       worker            api           ids of users, by text: who is found by a beginning (opt-in)
larder:audience:ID:BUCKET      hash    -       trainer           api           item id -> list payload of users: for whom it is (opt-in)
larder:items:REV:BUCKET        hash    -       trainer           api           item id -> JSON metadata (title, ...)
larder:alike:REV               hash    -       trainer           api           item id -> list payload: what new items are like
larder:columns:REV             hash    -       trainer           api           column -> typed arrays (columns.py), "": rows; of the filters
larder:titles:REV              hash    -       trainer           api           the index by which items are found, in parts (titles.py)
larder:unavailable:REV         string  -       trainer           api, trainer  JSON array of ids that are in no answer; none: no key
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast
from zlib import crc32

Id = int | str
IDS_PER_BUCKET = 64  # at about so many entries Redis keeps a hash as one compact block


def bucket_of(external_id: Id, n_buckets: int) -> int:  # crc32 of the id's text, modulo `n_buckets`
    return crc32(str(external_id).encode()) % n_buckets


class _ControlKey(property):  # of which a namespace has one
    def __init__(self, name: str) -> None:
        super().__init__(lambda keys: keys._control(name))

    def __get__(self, instance: object, owner: type | None = None) -> str:  # type: ignore[override]
        return cast(str, super().__get__(instance, owner))


@dataclass(frozen=True, slots=True)
class Keys:
    """Key builders of one namespace: several catalogues can live in one Redis."""

    namespace: str = "larder"
    current = _ControlKey("current")
    promoted = _ControlKey("promoted")
    hold = _ControlKey("hold")
    erased = _ControlKey("erased")
    erasure = _ControlKey("erasure")
    training = _ControlKey("training")
    fence = _ControlKey("fence")
    sequence = _ControlKey("sequence")
    generations = _ControlKey("generations")
    runs = _ControlKey("runs")
    history = _ControlKey("history")
    items_pointer = _ControlKey("items")
    items_sequence = _ControlKey("items_sequence")
    item_revisions = _ControlKey("item_revisions")
    tuned = _ControlKey("tuned")
    outcomes = _ControlKey("outcomes")
    audit = _ControlKey("audit")
    lost = _ControlKey("lost")
    experiment_ended = _ControlKey("experiment_ended")
    log_level = _ControlKey("log_level")
    due = _ControlKey("due")

    def _control(self, name: str) -> str:
        return f"{self.namespace}:{{ctl}}:{name}"

    def generation(self, generation: str) -> str:
        return self._control(f"gen:{generation}")

    def shards(self, generation: str) -> str:
        return self._control(f"gen:{generation}:shards")

    def erased_of(self, generation: str) -> str:
        return self._control(f"gen:{generation}:erased")

    def scheduled(self, minute: str) -> str:
        return self._control(f"scheduled:{minute}")

    def told(self, notice: str) -> str:
        return self._control(f"told:{notice}")

    def comparing(self, generation: str) -> str:
        return self._control(f"comparing:{generation}")

    def arm_answers(self, experiment: str) -> str:
        return self._control(f"answers:{experiment}")

    def broken_slots(self, experiment: str) -> str:
        return self._control(f"broken:{experiment}")

    def run(self, run: str) -> str:
        return self._control(f"run:{run}")

    def lease(self, job: str) -> str:
        return self._control(f"lease:{job}")

    def takeover(self, job: str) -> str:
        return self._control(f"takeover:{job}")

    def acknowledged_in(self, tag: str) -> str:
        return f"{self.namespace}:{{{tag}}}:acknowledged"

    def events(self, name: Literal["stream", "state", "ids", "due", "active", "feeds"]) -> str:
        return f"{self.namespace}:{{events}}:{name}"

    def impressions(self, name: Literal["stream", "state"]) -> str:
        return f"{self.namespace}:{{impressions}}:{name}"

    def did(self, user: Id) -> str:
        return f"{self.namespace}:did:{user}"

    def fresh(self, user: Id) -> str:
        return f"{self.namespace}:fresh:{user}"

    def recs(self, generation: str, bucket: int) -> str:
        return f"{self.namespace}:recs:{generation}:{bucket}"

    def popular(self, generation: str) -> str:
        return f"{self.namespace}:popular:{generation}"

    def lists(self, generation: str) -> str:
        return f"{self.namespace}:lists:{generation}"

    def items(self, revision: str, bucket: int) -> str:
        return f"{self.namespace}:items:{revision}:{bucket}"

    def alike(self, revision: str) -> str:
        return f"{self.namespace}:alike:{revision}"

    def columns(self, revision: str) -> str:
        return f"{self.namespace}:columns:{revision}"

    def titles(self, revision: str) -> str:
        return f"{self.namespace}:titles:{revision}"

    def audience(self, generation: str, bucket: int) -> str:
        return f"{self.namespace}:audience:{generation}:{bucket}"

    def names(self, generation: str) -> str:
        return f"{self.namespace}:names:{generation}"

    def unavailable(self, revision: str) -> str:
        return f"{self.namespace}:unavailable:{revision}"

    def similar(self, generation: str, bucket: int) -> str:
        return f"{self.namespace}:similar:{generation}:{bucket}"

    def why(self, generation: str, bucket: int) -> str:
        return f"{self.namespace}:why:{generation}:{bucket}"
