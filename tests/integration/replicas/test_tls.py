"""TLS to the server that Sentinels name, and to the Sentinels."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from redis.exceptions import ConnectionError as RedisConnectionError

from contract.store.connections import connect
from tests.support.servers.redis_variants import EitherFront, Server


@pytest.mark.long
def test_clients_speak_tls_with_the_server_that_sentinels_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    certificate = authority.issue_cert("127.0.0.1")
    with ExitStack() as stack:
        server = stack.enter_context(Server(tmp_path / "server"))
        front = EitherFront(certificate, server.port)
        sentinel = stack.enter_context(Server(tmp_path / "sentinel", sentinel_of=stack.enter_context(front)))
        sentinel_front = EitherFront(certificate, sentinel.port)
        address = f"sentinel://127.0.0.1:{stack.enter_context(sentinel_front)}/main/0?ssl=true"
        with connect(f"{address}&ssl_ca_certs={ca}") as client:
            assert client.set("key", "value")
        assert server.client.get("key") == b"value"
        assert front.n_tls > 0
        assert (sentinel_front.n_tls > 0, sentinel_front.n_plain) == (True, 0)
        seen = front.n_tls
        with connect(f"{address}&ssl_ca_certs={ca}&sentinel_ssl=false", retries=0) as client:
            assert client.get("key") == b"value"
        assert sentinel_front.n_plain > 0
        assert front.n_tls > seen
        with connect(address, retries=0) as client, pytest.raises(RedisConnectionError):  # nobody vouches for this certificate
            client.get("key")
