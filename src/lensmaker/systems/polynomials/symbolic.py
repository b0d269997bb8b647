"""SymPy → polynomial and back; what would be too large is refused before SymPy multiplies it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lensmaker.core import InputError
from lensmaker.systems.polynomials.expansion import Expansion, product

if TYPE_CHECKING:
    from lensmaker.systems.polynomials.polynomial import Polynomial


def expansion_of(expression: Any) -> Expansion:
    """The polynomial that a SymPy expression is, multiplied out.

    Raises
    ------
    InputError
        If it is no expression of SymPy, no polynomial with real coefficients, or too large.

    Examples
    --------
    >>> import sympy
    >>> x, y = sympy.symbols("x y")
    >>> expansion_of((x + y) * (x - y)).terms
    {(('x', 2),): 1.0, (('y', 2),): -1.0}
    """
    import sympy

    if isinstance(expression, sympy.Poly):
        expression = expression.as_expr()
    if not isinstance(expression, sympy.Expr):
        raise InputError("an expression of SymPy", f"a {type(expression).__name__}", "pass a sympy.Expr")
    try:
        return _read(expression)
    except RecursionError:
        raise InputError("a polynomial", "brackets too deep to read", "expand it with SymPy first") from None


def _read(node: Any) -> Expansion:
    import sympy

    if not node.free_symbols:
        value = sympy.N(node, 20)
        if not value.is_real:
            raise _no_polynomial(node)
        return Expansion.constant(float(value))
    if isinstance(node, sympy.Symbol):
        return Expansion.variable(str(node))
    if isinstance(node, sympy.Add):
        return Expansion.total(_read(a) for a in node.args)
    if isinstance(node, sympy.Mul):
        return product(_read(a) for a in node.args)
    if isinstance(node, sympy.Pow) and node.exp.is_Integer and node.exp >= 0:
        return _read(node.base).to_the(int(node.exp))
    raise _no_polynomial(node)


def _no_polynomial(node: Any) -> InputError:
    return InputError(
        "a polynomial with real coefficients",
        f"{str(node)[:60]!r} in it",
        "expand it in a Taylor series first",
    )


def expression_of(polynomial: Polynomial) -> Any:
    """A SymPy expression, with floating-point coefficients."""
    import sympy

    symbols = sympy.symbols(polynomial.variables)
    return sympy.Add(
        *(
            sympy.Mul(sympy.Float(c), *(symbols[i] ** int(e[i]) for i in e.nonzero()[0]))
            for c, e in zip(polynomial.coefficients.tolist(), polynomial.exponents, strict=True)
        )
    )
