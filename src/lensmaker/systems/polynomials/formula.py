"""Text → polynomial, by a small grammar: nothing in the text is ever run.

======================= ==================================================================
`3*x1*x2**2 - y/4`      numbers, names, + − *, ** or ^ by a whole number, / by a number
`(x + y)**3`            brackets, multiplied out
`x1*x2*...*x20`         what comes between, the numbers in names going on in equal steps
`x1*x2 + x2*x3 + … `    the same in sums: `x1*x2 + x2*x3 + ... + x19*x20`
======================= ==================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lensmaker.core import InputError
from lensmaker.systems.polynomials.expansion import MOST_TERMS, Expansion, product

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+(?!\.))(?:[eE][+-]?\d+)?(?!\w))"
    r"|(?P<name>[^\W\d]\w*)|(?P<dots>\.\.\.|…)|(?P<sign>\*\*|[-+*/^()−·×]))"
)
_SAME = {"^": "**", "−": "-", "·": "*", "×": "*", "…": "..."}
_NUMBERED = re.compile(r"(.*?\D)(\d{1,9})")
_DEEPEST = 40
"""Brackets and signs within one another."""

_LONGEST = 10_000_000
"""Characters of a formula."""


def read(text: str) -> Expansion:
    """The polynomial that a text stands for, multiplied out.

    Raises
    ------
    InputError
        If it is no polynomial, or too large.

    Examples
    --------
    >>> read("(x + 1)**2/2").terms
    {(('x', 2),): 0.5, (('x', 1),): 1.0, (): 0.5}
    >>> len(read("x1*x2 + x2*x3 + ... + x19*x20").terms)
    19
    """
    if len(text) > _LONGEST:
        raise InputError(f"a formula of at most {_LONGEST} characters", f"{len(text)}", "use from_table(…)")
    reader = _Reader(_tokens(text), text)
    found = reader.sum()
    if reader.place < len(reader.tokens):
        raise reader.unreadable()
    return found


def _tokens(text: str) -> list[str]:
    found, place, text = [], 0, text.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _not_a_polynomial(text, place)
        token = match[match.lastgroup or 0]
        found.append(_SAME.get(token, token))
        place = match.end()
    return found


@dataclass
class _Reader:
    tokens: list[str]
    text: str
    place: int = 0
    depth: int = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def unreadable(self) -> InputError:
        where = " ".join(self.tokens[max(self.place - 3, 0) : self.place + 3])
        return InputError(
            "a polynomial of numbers, names, + − *, ** by a whole number and / by a number",
            f"{self.text[:60]!r}, which is none near {where[:40]!r}",
            "write x1*x2**2 - 3*y, for instance",
        )

    def sum(self) -> Expansion:
        parts: list[Expansion] = []
        spans: list[list[str]] = []
        signs: list[str] = []
        sign = self.take() if self.next in ("+", "-") else "+"
        while True:
            if self.next == "...":
                self.take()
                if self.next != sign or signs[-2:] not in ([sign, sign], ["+", sign]):
                    raise self.unreadable() if len(signs) > 1 else _two_needed("one" if signs else "none")
                self.take()
                missing, last = self._between(spans, self.product)
                parts += [one.scaled(-1.0 if sign == "-" else 1.0) for one in [*missing, last]]
            else:
                start = self.place
                parts.append(self.product().scaled(-1.0 if sign == "-" else 1.0))
                spans.append(self.tokens[start : self.place])
                signs.append(sign)
            if self.next not in ("+", "-"):
                return Expansion.total(parts)
            sign = self.take()

    def product(self) -> Expansion:
        start = self.place
        parts = [self.power()]
        spans = [self.tokens[start : self.place]]
        while self.next in ("*", "/"):
            sign = self.take()
            if self.next == "..." and sign == "*":
                self.take()
                if self.next != "*":
                    raise self.unreadable()
                self.take()
                missing, last = self._between(spans, self.power)
                parts += [*missing, last]
                continue
            start = self.place
            part = self.power()
            if sign == "/":
                if not part.number:
                    got = "a division by zero" if part.number == 0 else "a division by a variable"
                    raise InputError(
                        "a polynomial", f"{got} in {self.text[:60]!r}", "divide by numbers alone"
                    )
                part = Expansion.constant(1.0 / part.number)
            parts.append(part)
            spans.append(self.tokens[start : self.place])
        return product(parts)

    def power(self) -> Expansion:
        if self.next in ("+", "-"):
            factor = -1.0 if self.take() == "-" else 1.0
            return self._nested(self.power).scaled(factor)
        base = self.atom()
        if self.next != "**":
            return base
        self.take()
        bracket = self.next == "("
        if bracket:
            self.take()
        if not re.fullmatch(r"\d{1,9}(\.0*)?", self.next):
            raise InputError(
                "a polynomial, so powers that are whole numbers from 0 on",
                f"{self.next or 'nothing'!r} in {self.text[:60]!r}",
                "write x**2, for instance",
            )
        exponent = int(float(self.take()))
        if bracket and (not self.next or self.take() != ")"):
            raise self.unreadable()
        if self.next == "**":
            raise self.unreadable()
        return base.to_the(exponent)

    def atom(self) -> Expansion:
        token = self.next
        if token == "(":
            self.take()
            inner = self._nested(self.sum)
            if self.next != ")":
                raise self.unreadable()
            self.take()
            return inner
        if re.match(r"[\d.]", token) and token != "...":
            return Expansion.constant(float(self.take()))
        if re.match(r"[^\W\d]", token):
            return Expansion.variable(self.take())
        raise self.unreadable()

    def _nested(self, read: Callable[[], Expansion]) -> Expansion:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise InputError(f"at most {_DEEPEST} brackets within one another", "more", "write it plainer")
        found = read()
        self.depth -= 1
        return found

    def _between(
        self, spans: Sequence[list[str]], read: Callable[[], Expansion]
    ) -> tuple[list[Expansion], Expansion]:
        """What an ellipsis leaves out, and the part after it."""
        if len(spans) < 2:
            raise _two_needed("one" if spans else "none")
        start = self.place
        last = read()
        end = self.tokens[start : self.place]
        first, second = spans[-2:]
        step, whole = _shift(first, second), _shift(second, end)
        if not step or not whole or whole % step or whole // step < 1:
            raise InputError(
                "an ellipsis between parts whose numbers go on in equal steps",
                f"{''.join(first)}, {''.join(second)}, ..., {''.join(end)}",
                "write x1*x2*...*x20",
            )
        count = whole // step - 1
        if count > MOST_TERMS:
            raise InputError(f"at most {MOST_TERMS} parts in an ellipsis", f"{count}", "shorten it")
        return [_moved(second, step * (k + 1), self.text) for k in range(count)], last


def _two_needed(got: str) -> InputError:
    return InputError("two terms before an ellipsis", got, "write x1*x2 + x2*x3 + ... + x8*x9")


def _shift(first: list[str], second: list[str]) -> int | None:
    """By how much the numbers in the names of two parts differ, None if they differ otherwise."""
    if len(first) != len(second):
        return None
    steps = set()
    for a, b in zip(first, second, strict=True):
        one, two = _NUMBERED.fullmatch(a), _NUMBERED.fullmatch(b)
        if one and two and one[1] == two[1] and re.match(r"[^\W\d]", a):
            steps.add(int(two[2]) - int(one[2]))
        elif a != b:
            return None
    return steps.pop() if len(steps) == 1 else None


def _moved(part: list[str], step: int, text: str) -> Expansion:
    def moved(token: str) -> str:
        match = _NUMBERED.fullmatch(token)
        return f"{match[1]}{int(match[2]) + step}" if match and re.match(r"[^\W\d]", token) else token

    return _Reader([moved(token) for token in part], text).sum()


def _not_a_polynomial(text: str, place: int) -> InputError:
    return InputError(
        "a polynomial of numbers, names, + − *, ** by a whole number and / by a number",
        f"{text[place : place + 1]!r} in {text[:60]!r}",
        "write x1*x2**2 - 3*y, for instance",
    )
