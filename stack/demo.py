"""A taste of what is served: one user's list, asked of the API over HTTP, and the curl line that asks for the same."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import Any, cast

import requests
from redis import Redis
from rich.console import Console
from rich.table import Table

from api.http.api_keys import ApiKeys, keys_of
from contract.errors import GenerationError, LarderError
from contract.formats import payload
from contract.formats.keys import Id, Keys
from contract.formats.manifest import Manifest, Pointer
from contract.settings.command_hints import as_called
from contract.settings.settings import Settings

BUCKETS_TRIED = 50
READY_S = 60.0


def choose_user(redis: Redis, keys: Keys, pointer: Pointer) -> Id:
    """The user with the smallest id of the first bucket where somebody has a full list; else whoever has the longest."""
    longest: tuple[int, Id] | None = None
    for bucket in range(min(pointer.n_user_buckets, BUCKETS_TRIED)):
        lists = cast("dict[bytes, bytes]", redis.hgetall(keys.recs(pointer.generation, bucket)))
        users = sorted((_external(raw, pointer), len(payload.decode(value)[0])) for raw, value in lists.items())
        for user, length in users:
            if length >= pointer.k:
                return user
            if longest is None or length > longest[0]:
                longest = (length, user)
    if longest is None:
        raise GenerationError(f"generation {pointer.generation} holds no list; see `make logs`, then `make retrain`")
    return longest[1]


def trained_otherwise(manifest: Manifest, settings: Settings) -> str:
    """In what a generation's settings differ from those of now, as text; empty where they don't."""
    old = {"interactions": manifest.source, **manifest.settings.model_dump()}
    new = {"interactions": settings.interactions, **settings.model_settings.model_dump()}
    return ", ".join(f"{name}={old[name]} (now {new[name]})" for name in new if old[name] != new[name])


def base_url(settings: Settings) -> str:
    """The API's address as this machine reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.api_host, settings.api_host)  # noqa: S104 (compared, not bound)
    return f"http://[{host}]:{settings.api_port}" if ":" in host else f"http://{host}:{settings.api_port}"


def session(key: str = "") -> requests.Session:
    """A client that never sends a request to this machine through a proxy. `key`: of the API, where it wants one."""
    client = requests.Session()
    client.trust_env = False
    if key:
        client.headers["X-API-Key"] = key
    return client


def until_ready(client: requests.Session, url: str, timeout_s: float = READY_S) -> None:
    """Return once the API says that it serves lists."""
    deadline, last = time.monotonic() + timeout_s, "no answer"
    while time.monotonic() < deadline:
        try:
            answer = client.get(f"{url}/health/ready", timeout=5)
            if answer.ok:
                return
            last = f"{answer.status_code} {answer.text.strip()}"
        except requests.RequestException as error:
            last = type(error).__name__
        time.sleep(0.1)
    raise LarderError(f"the API at {url} is not ready after {timeout_s:.0f} s ({last}): see its log with `make logs`")


def ask(client: requests.Session, url: str, user: Id) -> dict[str, Any]:
    """One user's list with metadata, or LarderError."""
    try:
        answer = client.post(f"{url}/recommendations", json={"user_id": user, "include": ["metadata"]}, timeout=10)
        if answer.ok:
            return cast("dict[str, Any]", answer.json())
    except requests.RequestException as error:
        raise LarderError(f"the API at {url} does not answer: {error}; see its log with `make logs`") from error
    raise LarderError(f"the API at {url} answered {answer.status_code}: {answer.text.strip()[:500]}; see its log with `make logs`")


def curl_line(url: str, user: Id, *, with_key: bool = False) -> str:
    """A key itself is shown to nobody: the line takes it from the shell's variable KEY."""
    key = ' -H "X-API-Key: $KEY"' if with_key else ""
    body = shlex.quote(json.dumps({"user_id": user, "include": ["metadata"]}))
    return f"curl -s {url}/recommendations -H 'Content-Type: application/json'{key} -d {body}"


def table_of(answer: dict[str, Any]) -> Table:
    table = Table(title=f"For user {answer['user_id']}", title_justify="left")
    for name in ("rank", "title", "item_id", "score"):
        table.add_column(name, justify="left" if name == "title" else "right")
    for item in answer["items"]:
        title = (item.get("metadata") or {}).get("title") or ""
        table.add_row(str(item["rank"]), str(title), str(item["item_id"]), f"{item['score']:.4f}")
    return table


def show(console: Console, settings: Settings, redis: Redis, pointer: Pointer, root: Path) -> None:
    """Print the table, the curl line, what to do next, and where to look. `root`: the checkout."""
    url = base_url(settings)
    user = choose_user(redis, Keys(settings.namespace), pointer)
    with_key = not ApiKeys.of(settings).is_open
    key = reading_key(settings) if with_key else ""
    with session(key) as client:
        until_ready(client, url)
        answer = ask(client, url, user) if key or not with_key else None
    console.print()
    console.print(NO_KEY if answer is None else table_of(answer), markup=False, soft_wrap=answer is None, highlight=False)
    how = "The same from a shell, once KEY holds a key for reading" if with_key else "The same from a shell"
    console.print(f"\n{how}:\n\n  {curl_line(url, user, with_key=with_key)}\n", soft_wrap=True, markup=False, highlight=False)
    for text in (NEXT.format(check=as_called("check", "my.csv")), links(url, root, has_manual=bool(settings.manual))):
        console.print(text, soft_wrap=True, markup=False, highlight=False)


def links(url: str, root: Path, *, has_manual: bool) -> str:
    """Where to go on. The tutorial is a file of the checkout where the site of the manual is not made."""
    tutorial = f"{url}/manual/tutorial.html" if has_manual else root / "docs" / "tutorial.md"
    return f"Open:\n\n  pages     {url}/\n  API       {url}/docs\n  tutorial  {tutorial}"


def reading_key(settings: Settings) -> str:
    """A key that opens lists, as its setting holds it; "" where there are only named keys, of which digests alone are known."""
    return next((key for name in ("api_read_keys", "api_admin_keys") for key in keys_of(settings, name)), "")


def _external(raw: bytes, pointer: Pointer) -> Id:
    text = raw.decode()
    return int(text) if pointer.user_id_type == "int" else text


NO_KEY = "Lists are served. None is shown here: a named key is needed, and LARDER_API_KEYS_FILE has digests alone."
NEXT = """Next:

  make status     what runs, and what is served
  make retrain    train again and swap; serving goes on
  make logs       follow the logs
  make down       stop; the data stay for the next `make up`
  make clean      stop and remove the data

Your own data, whatever its columns are called:

  {check}
  make retrain ARGS="--force --interactions my.csv"
"""
