"""What the API asks a cluster with: a slot table of its own, answers in the order of the questions, whatever moves meanwhile."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from typing import cast

import pytest
from redis.exceptions import ResponseError

from api.lists.breaker import Breaker
from api.lists.clients import Command, read_all
from api.lists.cluster.clients import ClusterClients, clients_of
from api.lists.cluster.link import ClusterLink, link_of
from api.lists.store import Store
from contract.errors import SettingsError, StoreError
from contract.formats.keys import Keys
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.cluster.address import CONTROL_SLOT, slot_of
from contract.store.connections import connect, explained
from contract.store.replicas.acknowledged import Acknowledged
from tests.support.servers.api_process import until
from tests.support.servers.cluster import Cluster, command
from tests.support.servers.redis_variants import free_port

KEYS = Keys()
N = 150
COMMANDS: list[Command] = [("HGET", f"larder:many:{at}", "at") for at in range(N)]
ANSWERS = [str(at).encode() for at in range(N)]


@pytest.fixture
def breaker(nodes: Cluster) -> Breaker:
    """To a cluster with something in every server."""
    with connect(nodes.url) as client, client.pipeline(transaction=False) as pipe:
        for at in range(N):
            pipe.hset(f"larder:many:{at}", "at", str(at))
        pipe.execute()
    return Breaker(clients_of(nodes.url), nodes.url)


def move(nodes: Cluster, slot: int, n_keys: int | None = None) -> Callable[[], None]:
    """Begin it, and move some keys; all: without a number. What ends it."""
    source = nodes.with_slot(slot)
    target = nodes.primaries[(nodes.primaries.index(source) + 1) % len(nodes.primaries)]
    nodes.begin_move(slot, source, target)
    while nodes.move_keys(slot, source, target, 1000 if n_keys is None else n_keys) and n_keys is None:
        pass

    def end() -> None:
        while nodes.move_keys(slot, source, target):
            pass
        nodes.end_move(slot, source, target)

    return end


def test_a_batch_of_all_servers_comes_in_the_order_of_its_commands(breaker: Breaker) -> None:
    assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
    assert breaker.ask(lambda redis: redis.hget("larder:many:7", "at")) == b"7"


def test_slots_that_are_on_their_way_and_those_that_have_moved_are_found(breaker: Breaker, nodes: Cluster) -> None:
    breaker.ask(lambda redis: read_all(redis, COMMANDS))  # knows where all of them were
    slot = slot_of(COMMANDS[7])
    assert slot is not None
    end = move(nodes, slot)
    try:
        assert breaker.ask(lambda redis: redis.hget("larder:many:7", "at")) == b"7"
        assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
    finally:
        end()
    assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
    clients = cast(ClusterClients, breaker.clients)
    assert cast(Breaker, clients.nodes.table[slot]).url.endswith(str(nodes.with_slot(slot).port))


def test_servers_that_tell_no_host_are_found_where_the_first_one_is(breaker: Breaker, nodes: Cluster) -> None:
    """As behind one address with a port for each: with cluster-preferred-endpoint-type unknown-endpoint."""
    slot = slot_of(COMMANDS[7])
    assert slot is not None
    try:
        for server in nodes.servers:
            command(server, "CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
        assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
        end = move(nodes, slot)
        try:
            assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
        finally:
            end()
        assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
    finally:
        for server in nodes.servers:
            command(server, "CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")


def test_pipelines_transactions_and_scripts_follow_as_well(breaker: Breaker, nodes: Cluster) -> None:
    with connect(nodes.url) as client:
        client.set(KEYS.current, "g1")

    def pages(redis: object) -> list[object]:
        with redis.pipeline(transaction=False) as pipe:  # type: ignore[attr-defined]
            pipe.get(KEYS.current)
            for command in COMMANDS[:20]:
                pipe.hget(*command[1:])
            pipe.time()
            return cast("list[object]", pipe.execute())

    move(nodes, CONTROL_SLOT)()
    first, *rest, time = breaker.ask(pages)
    assert (first, rest, type(time)) == (b"g1", ANSWERS[:20], tuple)
    move(nodes, CONTROL_SLOT)()
    with_script = breaker.ask(lambda redis: redis.register_script("return redis.call('GET', KEYS[1])")(keys=[KEYS.current]))
    assert with_script == b"g1"

    def change(redis: object) -> list[object]:
        with redis.pipeline(transaction=True) as pipe:  # type: ignore[attr-defined]
            pipe.set(KEYS.current, "g2")
            pipe.get(KEYS.current)
            return cast("list[object]", pipe.execute())

    move(nodes, CONTROL_SLOT)()
    assert breaker.ask(change) == [True, b"g2"]
    assert breaker.ask(lambda redis: redis.info("memory"))["used_memory"] > 3 * 2**20  # of three servers


def test_a_refusal_is_told_and_stops_nobody(breaker: Breaker, nodes: Cluster) -> None:
    with pytest.raises(StoreError, match="WRONGTYPE"):
        breaker.ask(lambda redis: read_all(redis, [*COMMANDS, ("GET", "larder:many:3")]))
    assert not breaker.is_away
    assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS

    def caught(redis: object) -> str:
        try:
            redis.evalsha("f" * 40, 1, "larder:many:1")  # type: ignore[attr-defined]
        except ResponseError as error:
            return type(error).__name__
        return ""

    assert breaker.ask(caught) == "NoScriptError"  # by which callers know that they have to send it


def received(link: ClusterLink, n: int) -> list[object]:
    found: list[object] = []

    with selectors.DefaultSelector() as ready:
        for file, receive in link.ends():
            ready.register(file, selectors.EVENT_READ, receive)

        def all_are_there() -> bool:
            for key, _ in ready.select(0):
                found.extend(key.data())
            return len(found) == n

        until("the answers are there", all_are_there)
    return found


def test_links_give_the_answers_of_all_servers_in_order_and_end_when_a_slot_moves(breaker: Breaker, nodes: Cluster) -> None:
    link = link_of(breaker)
    assert isinstance(link, ClusterLink)
    link.begin(link.connect())
    slot = slot_of(COMMANDS[7])
    assert slot is not None
    try:
        for _ in range(3):
            link.put(COMMANDS)
            while link.flush():
                pass
            assert received(link, N) == ANSWERS
        move(nodes, slot)()
        link.put(COMMANDS[7:8])
        link.flush()
        assert isinstance(received(link, 1)[0], Exception)  # a thread asks, and learns that it has moved
        assert breaker.ask(lambda redis: redis.hget("larder:many:7", "at")) == b"7"
    finally:
        ends = link.ends()
        link.close()
    assert not link.is_open
    assert [receive() for _, receive in ends] == [[], [], []]  # what the selector has told of already says nothing


def test_a_store_of_a_cluster_reads_what_was_written(larder: Larder, settings: Settings) -> None:
    store = Store.of(settings)
    view = store.pointers.current()
    assert view.pointer.generation == "g1"
    one = store.user_list(view, 1)
    assert one is not None
    assert [each and list(each.item_ids) for each in store.user_lists(view, [1]).lists] == [list(one[1].item_ids)]


def test_without_any_server_it_says_so_and_an_address_that_cant_be_one_is_refused() -> None:
    url = f"cluster://127.0.0.1:{free_port()}"
    with pytest.raises(StoreError, match="has slot"):
        Breaker(clients_of(url), url).ask(lambda redis: redis.get("x"))
    with pytest.raises(SettingsError, match="this can't be the address of a Redis Cluster"):
        clients_of("cluster://a:b")


def test_a_password_counts_for_every_server_and_is_in_no_error(nodes: Cluster, breaker: Breaker) -> None:
    assert breaker.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
    for server in nodes.primaries:
        server.client.config_set("requirepass", "p@ss:word")
    try:
        right, wrong = (nodes.url.replace("://", f"://:{word}@") for word in ("p%40ss%3Aword", "wr0ng"))
        with connect(right) as client:
            assert client.hget("larder:many:7", "at") == b"7"
            assert Acknowledged(KEYS).send(client, lambda pipe: pipe.hset("larder:many:7", "at", "7")) == [0]
        let_in = Breaker(clients_of(right), right)
        assert let_in.ask(lambda redis: read_all(redis, COMMANDS)) == ANSWERS
        link = link_of(let_in)
        assert isinstance(link, ClusterLink)
        link.begin(link.connect())
        link.put(COMMANDS)
        while link.flush():
            pass
        assert received(link, N) == ANSWERS
        link.close()
        with pytest.raises(StoreError) as of_the_api:
            Breaker(clients_of(wrong), wrong).ask(lambda redis: redis.get("x"))
        with pytest.raises(StoreError) as of_a_worker, explained(wrong), connect(wrong, retries=0) as client:
            client.get("x")
        assert not any("wr0ng" in str(error.value) for error in (of_the_api, of_a_worker))
    finally:
        for server in nodes.primaries:
            server.client.config_set("requirepass", "")
