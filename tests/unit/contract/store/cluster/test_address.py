"""Which servers an address names, what of it counts for each of them, and in which slot a command's keys lie."""

from __future__ import annotations

import pytest

from contract.store.cluster.address import CONTROL_SLOT, Node, is_valid, parse, slot_of, tag_of

HOSTS = "cluster://user:p%40ss@127.0.0.1:7001,[::1]:7002,redis.example"


def test_servers_have_the_port_of_redis_where_none_is_said() -> None:
    assert parse(HOSTS).seeds == (Node("127.0.0.1", 7001), Node("::1", 7002), Node("redis.example", 6379))


def test_login_and_tls_are_those_of_every_server() -> None:
    assert parse(HOSTS).url_of(Node("10.0.0.1", 7)) == "redis://user:p%40ss@10.0.0.1:7"
    assert parse(HOSTS).url_of(Node("fe80::1", 7)) == "redis://user:p%40ss@[fe80::1]:7"
    with_tls = parse(f"{HOSTS}?ssl=true&ssl_ca_certs=/a/ca.pem")
    assert with_tls.url_of(Node("h", 7)) == "rediss://user:p%40ss@h:7?ssl_ca_certs=%2Fa%2Fca.pem"
    assert parse("cluster://h?ssl=false").url_of(Node("h", 7)) == "redis://h:7"


@pytest.mark.parametrize(
    "url", ["cluster://", "cluster://h/1", "cluster://h:x", "cluster://h:0", "cluster://h?ssl=yes", "cluster://h?timeout=1"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    assert not is_valid(url)


@pytest.mark.parametrize(
    ("command", "slot"),
    # 0x31C3, the check value of the algorithm, is 12739.
    [
        (("GET", "123456789"), 12739),
        (("HGET", "larder:{123456789}:x", "f"), 12739),
        (("EVALSHA", "sha", 2, b"123456789", "{123456789}:y"), 12739),
        (("OBJECT", "ENCODING", "123456789"), 12739),
        (("GET", "larder:{ctl}:current"), CONTROL_SLOT),
        (("INFO", "memory"), None),
        (("SCRIPT LOAD", "return 1"), None),
        (("TIME",), None),
    ],
)
def test_a_command_is_for_the_slot_of_its_first_key(command: tuple[object, ...], slot: int | None) -> None:
    assert slot_of(command) == slot


@pytest.mark.parametrize("key", ["larder:recs:g1:5", "larder:{ctl}:gen:g1", "a{b"])
def test_a_tag_lies_beside_its_key(key: str) -> None:
    assert slot_of(("GET", f"{{{tag_of(key)}}}:more")) == slot_of(("GET", key))
