"""A primary with a replica, whose link can be held up: what the primary is sent then, the replica has not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.support.servers.api_process import until
from tests.support.servers.redis_variants import HeldFront, Server

BOTH = ("--repl-diskless-sync-delay", "0", "--repl-timeout", "60")


@dataclass
class Replicated:
    """`url` names the primary by its Sentinels, or by its port where there are none. `link`: between primary and replica."""

    primary: Server
    replica: Server
    link: HeldFront
    url: str

    def hold(self) -> None:
        """From now on nothing reaches the replica, which has all that was written before."""
        written = int(self.primary.client.info("replication")["master_repl_offset"])
        until("the replica has it", lambda: int(self.replica.client.info("replication")["slave_repl_offset"]) >= written)
        self.link.hold()


@contextmanager
def replicated(folder: Path, sentinels: int = 0) -> Iterator[Replicated]:
    """Started, and in step. Sentinels watch the primary, and promote the replica half a second after its end."""
    with ExitStack() as stack:
        primary = stack.enter_context(Server(folder / "primary", *BOTH))
        link = stack.enter_context(HeldFront(primary.port))
        replica = stack.enter_context(Server(folder / "replica", *BOTH, "--replicaof", "127.0.0.1", str(link.port)))
        until("the replica is in step", lambda: replica.client.info("replication").get("master_link_status") == "up")
        url = f"redis://127.0.0.1:{primary.port}/0"
        if sentinels:
            quorum = sentinels // 2 + 1
            watch = [
                stack.enter_context(Server(folder / f"sentinel{at}", sentinel_of=primary.port, quorum=quorum)) for at in range(sentinels)
            ]
            until("the Sentinels know each other and the replica", lambda: all(_knows(each, sentinels) for each in watch))
            url = f"sentinel://{','.join(f'127.0.0.1:{each.port}' for each in watch)}/main/0"
        yield Replicated(primary, replica, link, url)


def _knows(sentinel: Server, n: int) -> bool:
    replicas, others = (cast("list[object]", ask("main")) for ask in (sentinel.client.sentinel_slaves, sentinel.client.sentinel_sentinels))
    return len(replicas) == 1 and len(others) == n - 1
