"""Text → SymPy, by a list of what is allowed: nothing in the text is ever run."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lensmaker.core import InputError

Spin = Callable[[tuple[str, ...], tuple[int, ...], int | None], Any]
"""Index, steps and site of a spin → its symbol."""

_LONGEST = 10_000
_MOST = 20_000
"""Characters of a formula, and products of one that is multiplied out."""

_HIGHEST = 32
"""Largest degree."""


def expression(text: str, spin: Spin) -> Any:
    """The SymPy expression that a text stands for; `spin` makes the symbols of s[…] and s0, s1, ….

    Raises
    ------
    InputError
        If there is anything in it but numbers, names, spins, + − * / ** and brackets.

    Examples
    --------
    >>> import sympy
    >>> expression("-J*(s0 + 2*s1)", lambda index, step, site: sympy.Symbol(f"s_{site}"))
    -J*(s_0 + 2*s_1)
    """
    if len(text) > _LONGEST:
        raise InputError(f"a formula of at most {_LONGEST} characters", f"{len(text)}", "use hamiltonian(…)")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _unreadable(text) from None
    try:
        return _Reader(text, spin).read(tree.body).value
    except RecursionError:
        raise _unreadable(text) from None


@dataclass(frozen=True)
class _Part:
    """An expression, with bounds of its degree and of how many products it is multiplied out."""

    value: Any
    degree: int = 1
    size: int = 1


@dataclass(frozen=True)
class _Reader:
    text: str
    spin: Spin

    def read(self, node: ast.expr) -> _Part:
        import sympy

        match node:
            case ast.Constant(value=bool() | complex()):
                pass
            case ast.Constant(value=int() | float() as number):
                if not math.isfinite(number):
                    raise InputError("finite numbers", f"{number} in {self.text!r}", "write a smaller one")
                return _Part(sympy.Rational(str(number)))
            case ast.Name(id=name):
                if re.fullmatch(r"s\d+", name):
                    return _Part(self.spin((), (), int(name[1:])))
                if name == "s":
                    raise InputError("a spin with an index", f"s alone in {self.text!r}", "write s[i] or s0")
                return _Part(sympy.Symbol(name))
            case ast.Subscript(value=ast.Name(id="s"), slice=inner):
                return _Part(self._spin(inner))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                part = self.read(operand)
                return _Part(-part.value, part.degree, part.size)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as power)):
                return self._power(self.read(left), power)
            case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as op, right=right):
                return self._joined(op, self.read(left), self.read(right))
        raise _unreadable(ast.unparse(node))

    def _joined(self, op: ast.operator, left: _Part, right: _Part) -> _Part:
        a, b = left.value, right.value
        if isinstance(op, ast.Add | ast.Sub):
            value = a + b if isinstance(op, ast.Add) else a - b
            return self._bounded(value, max(left.degree, right.degree), left.size + right.size)
        if isinstance(op, ast.Div):
            if b == 0:
                raise InputError(
                    "a polynomial in spins", f"a division by zero in {self.text!r}", "leave it out"
                )
            return self._bounded(a / b, left.degree + right.degree, left.size * right.size)
        return self._bounded(a * b, left.degree + right.degree, left.size * right.size)

    def _power(self, base: _Part, power: int) -> _Part:
        if not 0 <= power <= _HIGHEST:
            raise InputError(f"powers from 0 to {_HIGHEST}", f"{power} in {self.text!r}", "mind that s² = 1")
        degree, size = base.degree * max(power, 1), base.size ** max(power, 1)
        self._bounded(None, degree, size)
        return _Part(base.value**power, degree, size)

    def _bounded(self, value: Any, degree: int, size: int) -> _Part:
        if degree > _HIGHEST or size > _MOST:
            raise InputError(
                f"a formula of a degree up to {_HIGHEST} and up to {_MOST} products",
                f"{self.text[:60]!r}",
                "use hamiltonian(…) with the sites of each product",
            )
        return _Part(value, degree, size)

    def _spin(self, inner: ast.expr) -> Any:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        match parts:
            case [ast.Constant(value=int() as site)] if not isinstance(site, bool):
                return self.spin((), (), site)
        read = [self._index(part) for part in parts]
        return self.spin(tuple(i for i, _ in read), tuple(n for _, n in read), None)

    def _index(self, node: ast.expr) -> tuple[str, int]:
        match node:
            case ast.Name(id=letter):
                return letter, 0
            case ast.BinOp(left=ast.Name(id=letter), op=ast.Add(), right=ast.Constant(value=int() as n)):
                return letter, n
            case ast.BinOp(left=ast.Name(id=letter), op=ast.Sub(), right=ast.Constant(value=int() as n)):
                return letter, -n
        raise InputError(
            "an index such as i, i+1 or x,y", f"s[{ast.unparse(node)}]", "write s[i], s[i+1] or s0"
        )


def _unreadable(text: str) -> InputError:
    return InputError(
        "a polynomial of numbers, couplings and spins s[i], s0",
        repr(text[:80]),
        "use + - * / ** and brackets alone",
    )
