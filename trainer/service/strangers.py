"""Says at the start of the service that its namespace and its folder of artifacts belong to different stacks, or to different times."""

from __future__ import annotations

import logging

from contract.artifacts.object_store import is_remote
from contract.larder import Larder
from trainer.doctor.artifacts import look_at_generations

log = logging.getLogger("larder.trainer")


def warn_of_strangers(larder: Larder) -> None:
    """Of a folder alone: an object store is not touched before the service forks (contract/artifacts/object_store.py)."""
    if is_remote(larder.settings.artifacts):
        return
    for finding in look_at_generations(larder.store, larder.settings):
        if finding.level != "ok":
            log.error("%s: %s. %s", finding.subject, finding.what, finding.advice)
