"""The innermost loop of dense scoring, as LLVM vector code.

Of one user and one tile of 64 columns, all sums stay in registers while the user's rows go by. Numba's own vectoriser stores and
reloads them at every row, at half the speed. `llvm.fmuladd` is the CPU's fused multiply-add where it has one. Rows are fetched some steps
ahead: the tile of a large catalogue lies in the third level of the cache, and no CPU guesses which row comes next.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from contract.artifacts.artifact import TILE

_LANES = 16
_AHEAD = 8  # rows; of 4 to 32, by measurement, the best at 26,000 items, and no loss where a tile fits the second level


def _weighted_rows(n_weights: int) -> Any:
    """Signature and code of an intrinsic (tile, rows, n, weights..., outs...), all but n addresses:

    out[w][0:64] = Σ_t weight[w][t] · tile[rows[t]][0:64] for w < n_weights and t < n.
    """

    def generate(context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        float_t, int32, int64 = ir.FloatType(), ir.IntType(32), ir.IntType(64)
        vector = ir.VectorType(float_t, _LANES)
        n_parts = TILE // _LANES
        byte = ir.IntType(8).as_pointer()
        fetch = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [byte, *[int32] * 3]), "llvm.prefetch.p0")
        to_read_and_keep = [ir.Constant(int32, value) for value in (0, 3, 1)]
        fused = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fmuladd.v{_LANES}f32")

        def floats(address: Any) -> Any:
            return builder.inttoptr(address, float_t.as_pointer())

        def part(base: Any, number: int) -> Any:
            return builder.bitcast(builder.gep(base, [ir.Constant(int64, number * _LANES)]), vector.as_pointer())

        def splat(value: Any) -> Any:
            single = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(int32, 0))
            lanes = ir.Constant(ir.VectorType(int32, _LANES), [0] * _LANES)
            return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), lanes)

        tile, rows = floats(args[0]), builder.inttoptr(args[1], int32.as_pointer())
        n, weights, outs = args[2], [floats(a) for a in args[3 : 3 + n_weights]], [floats(a) for a in args[3 + n_weights :]]

        def row_at(place: Any) -> Any:
            row = builder.sext(builder.load(builder.gep(rows, [place])), int64)
            return builder.gep(tile, [builder.mul(row, ir.Constant(int64, TILE))])

        before = builder.block
        head, body, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
        builder.branch(head)

        builder.position_at_end(head)
        step = builder.phi(int64)
        sums = [[builder.phi(vector) for _ in range(n_parts)] for _ in range(n_weights)]
        step.add_incoming(ir.Constant(int64, 0), before)
        for phi in (phi for parts in sums for phi in parts):
            phi.add_incoming(ir.Constant(vector, [0.0] * _LANES), before)
        builder.cbranch(builder.icmp_signed("<", step, n), body, done)

        builder.position_at_end(body)
        ahead = builder.add(step, ir.Constant(int64, _AHEAD))
        later = row_at(builder.select(builder.icmp_signed("<", ahead, n), ahead, step))
        for number in range(n_parts):
            builder.call(fetch, [builder.bitcast(part(later, number), byte), *to_read_and_keep])
        base = row_at(step)
        factors = [splat(builder.load(builder.gep(weight, [step]))) for weight in weights]
        for number in range(n_parts):
            values = builder.load(part(base, number))
            values.align = 4
            for factor, parts in zip(factors, sums, strict=True):
                parts[number].add_incoming(builder.call(fused, [factor, values, parts[number]]), builder.block)
        step.add_incoming(builder.add(step, ir.Constant(int64, 1)), builder.block)
        builder.branch(head)

        builder.position_at_end(done)
        for out, parts in zip(outs, sums, strict=True):
            for number, total in enumerate(parts):
                builder.store(total, part(out, number)).align = 4
        return context.get_dummy_value()

    return types.void(types.uintp, types.uintp, types.int64, *[types.uintp] * (2 * n_weights)), generate


@intrinsic
def rows_of_one(_typing, tile, rows, n, weight, out):  # type: ignore[no-untyped-def]
    return _weighted_rows(1)


@intrinsic
def rows_of_two(_typing, tile, rows, n, weight, weight2, out, out2):  # type: ignore[no-untyped-def]
    return _weighted_rows(2)


@njit
def add_rows(tile, rows, weights, out):  # type: ignore[no-untyped-def]
    """As plain_code.add_rows."""
    rows_of_one(tile.ctypes.data, rows.ctypes.data, rows.size, weights.ctypes.data, out.ctypes.data)


@njit
def add_rows_twice(tile, rows, weights, weights2, out, out2):  # type: ignore[no-untyped-def]
    """As plain_code.add_rows_twice: a row is loaded once."""
    at, at2 = weights.ctypes.data, weights2.ctypes.data
    rows_of_two(tile.ctypes.data, rows.ctypes.data, rows.size, at, at2, out.ctypes.data, out2.ctypes.data)


@njit(cache=True)
def probe(tile, rows, weights, out, out2):  # type: ignore[no-untyped-def]
    """For tile_sums.py: whether the code compiles here."""
    add_rows(tile, rows, weights, out)
    add_rows_twice(tile, rows, weights, weights, out, out2)
