"""A Redis without memory says so in two ways: at a command, and at the end of a transaction."""

from __future__ import annotations

import pytest
from redis.exceptions import ExecAbortError, OutOfMemoryError, RedisError, ResponseError

from contract.errors import StoreError, StoreFullError
from contract.store.connections import explained, says_full

FULL = [
    OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
    ExecAbortError("Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'."),
]
OTHER = [ResponseError("WRONGTYPE"), ExecAbortError("Transaction discarded because of previous errors.")]


@pytest.mark.parametrize("error", FULL)
def test_both_ways_are_a_full_store(error: RedisError) -> None:
    assert says_full(error)
    with pytest.raises(StoreFullError, match="raise maxmemory"), explained("redis://host"):
        raise error


@pytest.mark.parametrize("error", OTHER)
def test_other_refusals_are_not(error: RedisError) -> None:
    assert not says_full(error)
    with pytest.raises(StoreError, match="does not answer as it should") as caught, explained("redis://host"):
        raise error
    assert not isinstance(caught.value, StoreFullError)
