"""Numbers that carry their first two derivatives, in arbitrary precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath


@dataclass(frozen=True)
class Jet:
    """f, f′ and f″ of one variable, each an mpmath number.

    Examples
    --------
    >>> x = Jet(mpmath.mpf(2), mpmath.mpf(1), mpmath.mpf(0))
    >>> cube = x * x * x
    >>> [int(d) for d in (cube.value, cube.first, cube.second)]
    [8, 12, 12]
    """

    value: Any
    first: Any
    second: Any

    @classmethod
    def of(cls, constant: Any) -> Jet:
        """A constant."""
        return cls(mpmath.mpf(constant), mpmath.mpf(0), mpmath.mpf(0))

    def __add__(self, other: Any) -> Jet:
        o = other if isinstance(other, Jet) else Jet.of(other)
        return Jet(self.value + o.value, self.first + o.first, self.second + o.second)

    def __mul__(self, other: Any) -> Jet:
        o = other if isinstance(other, Jet) else Jet.of(other)
        second = self.second * o.value + 2 * self.first * o.first + self.value * o.second
        return Jet(self.value * o.value, self.first * o.value + self.value * o.first, second)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other: Any) -> Jet:
        return self + -1 * other

    def __truediv__(self, other: Any) -> Jet:
        if not isinstance(other, Jet):
            return self * (1 / mpmath.mpf(other))
        g = other.value
        return self * other._chain(1 / g, -1 / g**2, 2 / g**3)

    def _chain(self, f: Any, slope: Any, curvature: Any) -> Jet:
        return Jet(f, slope * self.first, curvature * self.first**2 + slope * self.second)

    def exp(self) -> Jet:
        """The exponential."""
        e = mpmath.exp(self.value)
        return self._chain(e, e, e)

    def log(self) -> Jet:
        """The natural logarithm."""
        return self._chain(mpmath.log(self.value), 1 / self.value, -1 / self.value**2)

    def sinh(self) -> Jet:
        """The hyperbolic sine."""
        s, c = mpmath.sinh(self.value), mpmath.cosh(self.value)
        return self._chain(s, c, s)

    def cosh(self) -> Jet:
        """The hyperbolic cosine."""
        s, c = mpmath.sinh(self.value), mpmath.cosh(self.value)
        return self._chain(c, s, c)

    def tanh(self) -> Jet:
        """The hyperbolic tangent."""
        t = mpmath.tanh(self.value)
        return self._chain(t, 1 - t**2, -2 * t * (1 - t**2))

    def acosh(self) -> Jet:
        """The inverse hyperbolic cosine of a number above 1."""
        root = mpmath.sqrt(self.value**2 - 1)
        return self._chain(mpmath.acosh(self.value), 1 / root, -self.value / root**3)
