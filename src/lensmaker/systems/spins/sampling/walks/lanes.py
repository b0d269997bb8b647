"""512 bits as one number inside of kernels: numba has no vectors, and finds them in loops only by chance.

LLVM makes one AVX-512 operation of each, or two or four where registers are shorter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

WORDS = 8
"""Words of 64 bits in one."""

WIDTH = 64 * WORDS
"""Bits in one."""

_lowered: Any = intrinsic
"""Its own type takes the first parameter of what it decorates for one of the caller's."""

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(_WORD, WORDS)


class LanesType(types.Type):
    """The type of such a number in kernels."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Where row `index` of a contiguous (rows, 8) array begins."""
    view = context.make_array(kind)(context, builder, array)
    start = builder.gep(view.data, [builder.mul(index, ir.Constant(_WORD, WORDS))])
    return builder.bitcast(start, _VECTOR.as_pointer())


@_lowered
def load(typing: Any, array: Any, index: Any) -> Any:
    """Row `index` of a contiguous array (rows, 8) of uint64."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        found = builder.load(_address(context, builder, signature.args[0], values[0], values[1]))
        found.align = 8
        return found

    return LANES(array, types.int64), generate


@_lowered
def store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write row `index`."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        written = builder.store(
            values[2], _address(context, builder, signature.args[0], values[0], values[1])
        )
        written.align = 8
        return context.get_dummy_value()

    return types.void(array, types.int64, LANES), generate


def _spread(builder: Any, word: Any) -> Any:
    """The same word eight times."""
    one = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), word, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one,
        ir.Constant(_VECTOR, ir.Undefined),
        ir.Constant(ir.VectorType(ir.IntType(32), WORDS), [0] * WORDS),
    )


@_lowered
def spread(typing: Any, word: Any) -> Any:
    """The same word (uint64) eight times."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return _spread(builder, values[0])

    return LANES(types.uint64), generate


def _of_two(operation: str) -> Callable[..., Any]:
    @_lowered
    def apply(typing: Any, x: Any, y: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return getattr(builder, operation)(*values)

        return LANES(LANES, LANES), generate

    return apply


def _by_a_number(operation: str) -> Callable[..., Any]:
    @_lowered
    def apply(typing: Any, x: Any, count: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return getattr(builder, operation)(values[0], _spread(builder, values[1]))

        return LANES(LANES, types.uint64), generate

    return apply


_BETWEEN = {
    operator.and_: _of_two("and_"),
    operator.or_: _of_two("or_"),
    operator.xor: _of_two("xor"),
    operator.add: _of_two("add"),
}
_SHIFTS = {operator.lshift: _by_a_number("shl"), operator.rshift: _by_a_number("lshr")}


def _teach(function: Any, work: Any, other: type) -> None:
    @overload(function, strict=False)
    def chosen(x: Any, y: Any) -> Any:
        if isinstance(x, LanesType) and isinstance(y, other):
            return lambda x, y: work(x, y)
        return None


for _function, _work in _BETWEEN.items():
    _teach(_function, _work, LanesType)
for _function, _work in _SHIFTS.items():
    _teach(_function, _work, types.Integer)


@_lowered
def _inverse(typing: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.not_(values[0])

    return LANES(LANES), generate


@overload(operator.invert, strict=False)
def _invert(x: Any) -> Any:
    if isinstance(x, LanesType):
        return lambda x: _inverse(x)
    return None


@_lowered(prefer_literal=True)
def turned(typing: Any, x: Any, group: Any, by: Any) -> Any:
    """Words taken `by` places further on, around in groups of so many; both are literals."""
    size, step = group.literal_value, by.literal_value
    places = [w // size * size + (w + step) % size for w in range(WORDS)]

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), WORDS), places)
        return builder.shuffle_vector(values[0], ir.Constant(_VECTOR, ir.Undefined), mask)

    return LANES(LANES, group, by), generate


@_lowered
def some(typing: Any, x: Any) -> Any:
    """Whether any bit is set."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        whole = builder.bitcast(values[0], ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", whole, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(LANES), generate


@_lowered
def ones(typing: Any, x: Any) -> Any:
    """How many bits are set."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        count = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_VECTOR, [_VECTOR]), "llvm.ctpop.v8i64"
        )
        each = builder.call(count, [values[0]])
        total = ir.Constant(_WORD, 0)
        for w in range(WORDS):
            total = builder.add(total, builder.extract_element(each, ir.Constant(ir.IntType(32), w)))
        return total

    return types.int64(LANES), generate
