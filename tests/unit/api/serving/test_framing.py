from __future__ import annotations

import random

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from api.http.problems import MAX_BODY_BYTES
from api.serving.framing import MAX_RAW_BYTES, Chunks, take_head

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(parts: list[bytes], extension: bytes = b"") -> bytes:
    return b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in [*parts, b""])[:-2] + b"\r\n"


@pytest.mark.parametrize("seed", range(20))
def test_a_body_in_chunks_is_whole_with_its_last_byte_however_it_comes(seed: int) -> None:
    rng = random.Random(seed)
    parts = [rng.randbytes(rng.randrange(1, 300)) for _ in range(rng.randrange(1, 8))]
    whole, data, chunks = chunked(parts, b";a=b" if seed % 2 else b""), bytearray(), Chunks()
    following = b"GET / HTTP/1.1\r\n"
    for at in range(len(whole)):
        assert not chunks.is_whole(data)
        data += whole[at : at + 1]
    data += following
    assert chunks.is_whole(data)
    assert (chunks.end, chunks.is_too_large) == (len(whole), False)
    stream = bytearray(HEAD + whole + following)
    arriving = take_head(stream, Config(), ("127.0.0.1", 1), 1)
    assert arriving is not None
    assert arriving.take_body(stream, is_end=False)
    assert (arriving.body.read(), bytes(stream), arriving.is_last) == (b"".join(parts), following, False)


@pytest.mark.parametrize(
    "raw", [b"0x2\r\n{}\r\n", b"+2\r\n{}", b" 2\r\n{}", b"\r\n{}", b"-1\r\n", b"1_0\r\n", b"2\r\n{}X", b"2\r\n{}\n\n", b"z" * 9000]
)
def test_what_is_no_chunk_is_the_last_of_its_connection(raw: bytes) -> None:
    data = bytearray(HEAD + raw + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    arriving = take_head(data, Config(), ("127.0.0.1", 1), 1)
    assert arriving is not None
    assert arriving.take_body(data, is_end=False)
    assert (arriving.is_last, bytes(data)) == (True, b"")


@pytest.mark.parametrize(
    "raw",
    [
        b"%x\r\n" % (MAX_BODY_BYTES + 1),
        (b"%x\r\n%s\r\n" % (2**19, b"x" * 2**19)) * 2 + b"1\r\n",
        (b"1;%s\r\nx\r\n" % (b"y" * 8000)) * (MAX_RAW_BYTES // 8000 + 1),
    ],
)
def test_a_body_in_chunks_that_is_too_long_is_refused_before_it_is_whole(raw: bytes) -> None:
    data = bytearray(HEAD + raw)
    arriving = take_head(data, Config(), ("127.0.0.1", 1), 1)
    assert arriving is not None
    assert arriving.take_body(data, is_end=False)
    assert arriving.refusal is not None
    assert (arriving.refusal.status, arriving.is_last) == (413, True)
