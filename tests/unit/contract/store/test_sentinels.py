"""What an address of Sentinels says of connections to them, and of those to the servers that they name."""

from __future__ import annotations

import ssl
from typing import Any, cast

import pytest
from redis.connection import SSLConnection
from redis.sentinel import SentinelConnectionPool

from contract.errors import SettingsError
from contract.store.connections import connect

HOSTS = "sentinel://user:p%40ss@127.0.0.1:1,127.0.0.2/main/3"


def options_of(url: str) -> tuple[SentinelConnectionPool, list[Any]]:
    """The pool of connections to the servers, and those to each Sentinel."""
    pool = cast(SentinelConnectionPool, connect(url).connection_pool)
    return pool, [sentinel.connection_pool for sentinel in pool.sentinel_manager.sentinels]


def test_without_tls_neither_side_has_it() -> None:
    pool, sentinels = options_of(HOSTS)
    assert not issubclass(pool.connection_class, SSLConnection)
    assert (pool.connection_kwargs["username"], pool.connection_kwargs["password"], pool.connection_kwargs["db"]) == ("user", "p@ss", 3)
    assert [each.connection_kwargs["host"] for each in sentinels] == ["127.0.0.1", "127.0.0.2"]
    assert not any(issubclass(each.connection_class, SSLConnection) for each in sentinels)


def test_tls_counts_for_servers_and_sentinels() -> None:
    pool, sentinels = options_of(f"{HOSTS}?ssl=true&ssl_ca_certs=/ca.pem&ssl_check_hostname=false&ssl_min_version=TLSv1_3")
    for each in (pool, *sentinels):
        assert issubclass(each.connection_class, SSLConnection)
        assert each.connection_kwargs["ssl_ca_certs"] == "/ca.pem"
        assert each.connection_kwargs["ssl_check_hostname"] is False
        assert each.connection_kwargs["ssl_min_version"] is ssl.TLSVersion.TLSv1_3
    assert pool.connection_kwargs["password"] == "p@ss"
    assert all(each.connection_kwargs.get("password") is None for each in sentinels)


@pytest.mark.parametrize(
    ("query", "of_servers", "of_sentinels"),
    [
        ("ssl=true&ssl_ca_certs=/ca.pem&sentinel_ssl=false", True, False),
        ("sentinel_ssl=true&sentinel_ssl_ca_certs=/ca.pem", False, True),
        ("ssl=false&ssl_ca_certs=/ca.pem", False, False),
    ],
)
def test_either_side_may_have_tls_alone(query: str, of_servers: bool, of_sentinels: bool) -> None:
    pool, sentinels = options_of(f"{HOSTS}?{query}&sentinel_password=secret")
    assert issubclass(pool.connection_class, SSLConnection) is of_servers
    assert {issubclass(each.connection_class, SSLConnection) for each in sentinels} == {of_sentinels}
    assert ("ssl_ca_certs" in pool.connection_kwargs) is of_servers
    assert all(each.connection_kwargs["password"] == "secret" for each in sentinels)


@pytest.mark.parametrize("query", ["ssl=yes", "ssl_check_hostname=1", "ssl=true&ssl_min_version=1.2", "sentinel_ssl=on"])
def test_a_value_that_says_nothing_is_refused(query: str) -> None:
    with pytest.raises(SettingsError, match="expected"):
        connect(f"{HOSTS}?{query}")
