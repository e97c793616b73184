"""Variables that Kubernetes sets in every pod beside a Service whose name begins with `larder`: no settings, and no slips of the pen."""

from __future__ import annotations

import logging
import re
from functools import lru_cache

_NAME = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_PORT = re.compile(r"(\w+_)?PORT")
_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")


def is_service_link(variable: str, value: str) -> bool:
    """Whether `variable` is one of NAME_SERVICE_HOST, NAME_SERVICE_PORT, NAME_PORT=tcp://... and those that follow it."""
    return _NAME.fullmatch(variable) is not None or (_PORT.fullmatch(variable) is not None and _ADDRESS.fullmatch(value) is not None)


@lru_cache(maxsize=1)
def warn_of_links() -> None:
    """Once a process."""
    logging.getLogger("larder.settings").warning(
        "variables such as LARDER_SERVICE_HOST are ignored: Kubernetes sets them for a Service of that name; "
        "enableServiceLinks: false in the pod leaves them out"
    )
