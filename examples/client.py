"""Ask Larder from Python (3.11 or newer, with requests): `python client.py http://localhost:5000 54 [KEY]`.

Three habits that a caller in production needs: a time limit on each request, another try when the API says 503, and something to show
when there is no list.
"""

from __future__ import annotations

import sys
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

TIMEOUT_S = 2.0  # a list takes milliseconds: after this long, show something else
NOTHING: dict[str, Any] = {"source": "none", "items": []}


class Larder:
    """One for each process: it keeps connections open."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        # 503: nothing is promoted yet, or Redis is away; Retry-After says when to come again. POST only reads here, so it may be repeated.
        retry = Retry(total=2, status_forcelist=[503], allowed_methods=["GET", "POST"], backoff_factor=0.2, raise_on_status=False)
        self._session.mount(self._url, HTTPAdapter(max_retries=retry))
        if key:
            self._session.headers["X-API-Key"] = key

    def recommendations(self, user_id: int | str, k: int = 10) -> dict[str, Any]:
        """The user's list, or what is popular for somebody without one."""
        body = {"user_id": user_id, "k": k, "include": ["metadata"], "fallback": "popular"}
        answer = self._session.post(f"{self._url}/v1/recommendations", json=body, timeout=TIMEOUT_S)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def many(self, user_ids: list[int | str], k: int = 10) -> dict[int | str, list[dict[str, Any]]]:
        """Lists of up to 1,000 users by one request; users without a list are left out."""
        answer = self._session.post(f"{self._url}/v1/recommendations/batch", json={"user_ids": user_ids, "k": k}, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return {one["user_id"]: one["items"] for one in answer.json()["results"] if "items" in one}


def main(url: str, user: str, key: str = "") -> None:
    larder = Larder(url, key)
    try:
        found = larder.recommendations(user)
    except requests.RequestException as error:
        print(f"no list now: {error}", file=sys.stderr)
        found = NOTHING
    print(f"{found['source']}, of generation {found.get('generation', 'none')}")
    for item in found["items"]:
        print(item["rank"], item["item_id"], item.get("metadata", {}).get("title", ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
