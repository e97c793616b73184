"""Rows that a compiled loop will read soon, fetched ahead: where they lie anywhere in memory, it else waits half of its time."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

AHEAD, FETCHED, LINE = 2, 1024, 64  # rows ahead, entries of a row at the most, bytes of a cache line


@intrinsic
def _prefetch(_typing, array, position):  # type: ignore[no-untyped-def]
    """Fetch the cache line of array[position] that will be read soon."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        fetch = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag]), "llvm.prefetch.p0")
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        read, second_level, data_cache = (ir.Constant(flag, value) for value in (0, 2, 1))
        builder.call(fetch, [builder.bitcast(builder.gep(data, [args[1]]), byte), read, second_level, data_cache])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@njit(nogil=True, cache=True)
def fetch(array, first, end):  # type: ignore[no-untyped-def]
    """Have array[first:end] ready soon, FETCHED of its entries at the most."""
    for at in range(first, min(end, first + FETCHED), LINE // array.itemsize):
        _prefetch(array, at)
