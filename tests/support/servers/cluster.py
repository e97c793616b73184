"""A Redis Cluster of the tests' own: primaries that share the slots, with a replica each or none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

from redis import Redis

from contract.store.cluster.address import N_SLOTS, slot_of
from tests.support.servers.api_process import until
from tests.support.servers.redis_variants import Server, free_port

TIMEOUT_MS = 1000
OPTIONS = (
    *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", str(TIMEOUT_MS)),
    *("--cluster-require-full-coverage", "no", "--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"),
    *("--hash-max-listpack-value", "2048", "--hash-max-listpack-entries", "512"),
)


class Cluster:
    """`url` names all servers. `primaries` and `replicas` are as they began: the replica of `primaries[at]` is `replicas[at]`."""

    def __init__(self, servers: list[Server], bus_ports: list[int], n_primaries: int) -> None:
        self.servers, self._bus_ports = servers, bus_ports
        self.primaries, self.replicas = servers[:n_primaries], servers[n_primaries:]
        self.url = f"cluster://{','.join(f'127.0.0.1:{server.port}' for server in self.servers)}"

    def form(self) -> None:
        share = N_SLOTS / len(self.primaries)
        for at, server in enumerate(self.primaries):
            command(server, "CLUSTER", "ADDSLOTSRANGE", round(at * share), round((at + 1) * share) - 1)
            command(server, "CLUSTER", "SET-CONFIG-EPOCH", at + 1)
        until("all servers know each other", self._have_met)
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            command(replica, "CLUSTER", "REPLICATE", id_of(primary))
        until("the cluster is whole", lambda: all(b"cluster_state:ok" in told(each, "INFO") for each in self.servers))
        until("replicas are in step", lambda: all(_is_in_step(each) for each in self.replicas))
        until("all servers tell of all replicas", lambda: all(_n_replicas(each) == len(self.replicas) for each in self.servers))

    def _have_met(self) -> bool:
        """A greeting that a busy machine did not answer within the time-out is forgotten; again, while it is on its way, it is nothing."""
        if all(_n_known(each) == len(self.servers) for each in self.servers):
            return True
        for server, port in zip(self.servers[1:], self._bus_ports[1:], strict=True):
            command(self.servers[0], "CLUSTER", "MEET", "127.0.0.1", server.port, port)
        return False

    def with_slot(self, slot: int) -> Server:
        """The living server that has the slot now."""
        for server in self.servers:
            if server.is_running and server.client.info("replication")["role"] == "master":
                for begin, end, *_ in cast("list[Any]", command(server, "CLUSTER", "SLOTS")):
                    if begin <= slot <= end:
                        port = next(int(each[2][1]) for each in command(server, "CLUSTER", "SLOTS") if each[0] <= slot <= each[1])
                        return next(each for each in self.servers if each.port == port)
        raise AssertionError(f"nobody has slot {slot}")

    def of_key(self, key: str) -> Server:
        slot = slot_of(("GET", key))
        assert slot is not None
        return self.with_slot(slot)

    def empty(self) -> None:
        """Forget all keys."""
        for server in self.servers:
            if server.client.info("replication")["role"] == "master":
                server.client.flushall()

    def begin_move(self, slot: int, source: Server, target: Server) -> None:
        command(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(source))
        command(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(target))

    def move_keys(self, slot: int, source: Server, target: Server, n: int = 1000) -> int:
        """Some keys of the slot; how many."""
        keys = cast("list[bytes]", command(source, "CLUSTER", "GETKEYSINSLOT", slot, n))
        for key in keys:
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, key, 0, 5000)  # type: ignore[no-untyped-call]
        return len(keys)

    def end_move(self, slot: int, source: Server, target: Server) -> None:
        others = [server for server in self.primaries if server not in (target, source)]
        for server in (target, source, *others):
            command(server, "CLUSTER", "SETSLOT", slot, "NODE", id_of(target))


@contextmanager
def cluster(folder: Path, primaries: int = 3, replicas: int = 0) -> Iterator[Cluster]:
    with ExitStack() as stack:
        ports = [free_port() for _ in range(primaries + replicas)]  # that of a server and 10,000 is beyond the last one, often
        servers = [
            stack.enter_context(Server(folder / f"node{at}", *OPTIONS, "--cluster-port", str(port))) for at, port in enumerate(ports)
        ]
        made = Cluster(servers, ports, primaries)
        made.form()
        yield made


def command(server: Server, *words: object) -> Any:
    return server.client.execute_command(*words)  # type: ignore[no-untyped-call]


def id_of(server: Server) -> str:
    return str(command(server, "CLUSTER", "MYID").decode())


def told(server: Server, what: str) -> bytes:
    with Redis(port=server.port) as client:
        client.response_callbacks.clear()
        found: bytes = client.execute_command("CLUSTER", what)
        return found


def _n_known(server: Server) -> int:
    return sum(1 for line in told(server, "NODES").splitlines() if b"handshake" not in line)


def _n_replicas(server: Server) -> int:
    return sum(1 for line in told(server, "NODES").splitlines() if b"slave" in line)


def _is_in_step(server: Server) -> bool:
    return server.client.info("replication").get("master_link_status") == "up"
