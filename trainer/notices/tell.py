"""Tells one notice to one target: an address that JSON is posted to, signed, or a command that reads it. Bounded in time and tries."""

from __future__ import annotations

import hmac
import json
import logging
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from contract.settings.notices import WEB
from trainer.notices.happened import Notice

log = logging.getLogger("larder.notices")
WAITS_S = (1.0, 5.0, 25.0)
CONNECT_S, ANSWER_S, COMMAND_S = 5.0, 10.0, 30.0
TAKEN = 2  # hundreds
SIGNATURE = "Larder-Signature"

Sign = Callable[[bytes, int], str]


class NotTakenError(Exception):
    """Why; without the target's path or query, which may be its secret."""


def body_of(notice: Notice, namespace: str) -> bytes:
    what: dict[str, Any] = {
        "id": notice.name,
        "event": notice.event,
        "namespace": namespace,
        "generation": notice.generation,
        "at_ms": notice.at_ms,
        "by": notice.by,
        "how": notice.how,
        "reason": notice.reason,
    }
    return json.dumps(what, ensure_ascii=False).encode()


def signature(body: bytes, at_s: int, secret: str) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 over the seconds, a dot and the body."""
    return f"t={at_s},v1={hmac.digest(secret.encode(), f'{at_s}.'.encode() + body, 'sha256').hex()}"


def tell(target: str, notice: Notice, namespace: str, secret: str, waits_s: Sequence[float] = WAITS_S) -> bool:
    """Whether it was taken, after as many tries as there are waits, and one. Never raises for what the target does."""
    body = body_of(notice, namespace)
    for wait in (*waits_s, None):
        try:
            _post(target, body, secret) if target.startswith(WEB) else _run(target, body)
        except NotTakenError as error:
            log.warning("%s of %s was not taken: %s", notice.event, notice.generation, error)
            if wait is not None:
                time.sleep(wait)
        else:
            log.info("%s of %s is told", notice.event, notice.generation)
            return True
    log.error("%s of %s is told to nobody: %d tries failed", notice.event, notice.generation, len(waits_s) + 1)
    return False


def _post(target: str, body: bytes, secret: str) -> None:
    headers = {"Content-Type": "application/json"}
    if secret:
        headers[SIGNATURE] = signature(body, int(time.time()), secret)
    host = urlsplit(target).hostname
    try:
        # Nothing of the answer is read, and nothing is followed.
        limits = (CONNECT_S, ANSWER_S)
        with requests.post(target, data=body, headers=headers, timeout=limits, allow_redirects=False, stream=True) as answer:
            if answer.status_code // 100 != TAKEN:
                raise NotTakenError(f"{host} answered {answer.status_code}")
    except (requests.RequestException, ValueError) as error:
        raise NotTakenError(f"{host}: {type(error).__name__}") from None


def _run(command: str, body: bytes) -> None:
    words = shlex.split(command)
    try:
        done = subprocess.run(  # noqa: S603 (the operator's own command, without a shell)
            words, input=body, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=COMMAND_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotTakenError(f"{words[0]} took longer than {COMMAND_S:g} s, and was stopped") from None
    except OSError as error:
        raise NotTakenError(f"{words[0]}: {error.strerror}") from None
    if done.returncode:
        raise NotTakenError(f"{words[0]} ended with {done.returncode}")
