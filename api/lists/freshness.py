"""How old what is served is."""

from __future__ import annotations

import time
from datetime import datetime

from contract.formats.manifest import Pointer


def age_s(pointer: Pointer) -> float:
    """Seconds since the generation was trained, by this machine's clock."""
    return time.time() - datetime.fromisoformat(pointer.trained_at).timestamp()


def is_stale(pointer: Pointer, stale_after_s: int) -> bool:
    return 0 < stale_after_s < age_s(pointer)
