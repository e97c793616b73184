"""Addresses that can't be one are refused with what to do, and without the password."""

from __future__ import annotations

import socket

import pytest

from api.lists.clients import Clients
from contract.errors import SettingsError, StoreError
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.connections import ask_first, connect


@pytest.mark.parametrize(
    "url",
    [
        "cluster://ann:SEC\uff0fRET@one:7001,two:7002",
        "cluster://ann:SEC#RET@one:7001",
        "cluster://ann:SEC?RET@one:7001",
        "cluster://ann:SEC[RET@one:7001",
        "cluster://one:7001?ssl=true&password=SECRET",
        "cluster://one:99999",
        "redis://:SECRET@one:6379?db=shop",
        "sentinel://ann:SEC#RET@one:26379/main",
    ],
)
def test_an_address_that_cant_be_one_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="can't be the address of a Redis") as error:
        Larder(Settings(redis_url=url, queue_url="redis://queue"))
    assert "SEC" not in str(error.value)
    assert "RET" not in str(error.value)


def test_the_api_names_the_setting() -> None:
    with pytest.raises(SettingsError, match=r"^LARDER_QUEUE_URL=redis://:"):
        Clients.of("redis://:SECRET@one:6379?db=shop", "LARDER_QUEUE_URL")


def test_a_server_that_hangs_is_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(StoreError, match="does not answer as it should"):
            ask_first(f"redis://127.0.0.1:{server.getsockname()[1]}")
        server.settimeout(0)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_address_is_no_connection() -> None:
    connect("cluster://ann:SECRET@one:7001,two:7002").close()
    connect("redis://:SECRET@one:6379/3").close()
