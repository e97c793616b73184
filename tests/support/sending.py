"""Events that users send at a steady rate, and which of them the API has acknowledged."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Sequence

import requests

BATCH = 20
EVERY_S = 0.1
N_ITEMS = 120
TIMEOUT_S = 10.0
WRITE_KEY = "w" * 16


class Events:
    """Sends while the block runs. `tags`: those by which items of generations begin, of which the newest is taken."""

    def __init__(self, port: int, users: Sequence[int], tags: Callable[[], Collection[str]]) -> None:
        self._url, self._users, self._tags = f"http://127.0.0.1:{port}/events", users, tags
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.acknowledged: list[str] = []
        self.failures: list[str] = []

    def __enter__(self) -> Events:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()

    def _send(self) -> None:
        choose, n = random.Random(5), 0
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {WRITE_KEY}"
            while not self._ends.wait(EVERY_S):
                tag = list(self._tags())[-1]
                events = [
                    {
                        "event_id": f"e{n + at}",
                        "user_id": choose.choice(self._users),
                        "item_id": f"{tag}-{choose.randrange(N_ITEMS)}",
                        "type": choose.choice(("buy", "click", "dismiss")),
                    }
                    for at in range(BATCH)
                ]
                n += BATCH
                answer = session.post(self._url, json={"events": events}, timeout=TIMEOUT_S)
                if answer.status_code == 202 and not answer.json()["errors"]:
                    self.acknowledged += [str(event["event_id"]) for event in events]
                else:
                    self.failures.append(f"{answer.status_code} {answer.text[:200]}")
