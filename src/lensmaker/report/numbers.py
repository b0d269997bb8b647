"""Numbers as a reader wants them: three digits, errors that set the decimals, no false precision."""

from __future__ import annotations

import math

from lensmaker.core import Quantity, Scale


def number(value: float | None, digits: int = 3) -> str:
    """`value` to `digits` significant digits; scientific where it would be long, "—" where there is none.

    Examples
    --------
    >>> number(0.0312345), number(1.2345e-7), number(123456.0), number(-0.0), number(None)
    ('0.0312', '1.23e-7', '1.23e5', '0', '—')
    >>> number(math.inf), number(-math.inf), number(math.nan)
    ('∞', '-∞', 'nan')
    >>> number(0.99996)
    '1'
    """
    if value is None:
        return "—"
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if -3 <= power < 4:
        return _trim(f"{value:.{max(digits - 1 - power, 0)}f}")
    return f"{_trim(mantissa)}e{power}"


def reading(value: float | None, quantity: Quantity, digits: int = 3) -> str:
    """`value` as a reading of `quantity`: four decimals where differences matter, as near a cosine of 1.

    Examples
    --------
    >>> from lensmaker.core import quantity
    >>> reading(0.99981, quantity("correlation")), reading(0.99981, quantity("chi"))
    ('0.9998', '1')
    """
    if value is not None and quantity.scale is Scale.LINEAR and 0.5 <= abs(value) < 2:
        return f"{value:.4f}"
    return number(value, digits)


def signed(value: float | None) -> str:
    """A z-score: sign and one decimal, fewer digits where they mean nothing.

    Examples
    --------
    >>> signed(-3.14159), signed(0.0), signed(128.4), signed(-math.inf), signed(None)
    ('-3.1', '+0.0', '+128', '-∞', '—')
    """
    if value is None:
        return "—"
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "+∞" if value > 0 else "-∞"
    if abs(value) < 99.95:
        return f"{value:+.1f}"
    return f"{value:+.0f}" if abs(value) < 9999.5 else ("+" if value > 0 else "") + number(value, 1)


def with_error(value: float | None, error: float | None) -> str:
    """`value ± error`, the error to two digits and the value to the same decimal.

    Examples
    --------
    >>> with_error(0.0312345, 0.0012), with_error(3.14159e-9, 2.4e-11), with_error(2.5, 0.0)
    ('0.0312 ± 0.0012', '(3.142 ± 0.024)e-9', '2.5')
    >>> with_error(12345.0, 67.0), with_error(1.0, math.nan)
    ('(1.2345 ± 0.0067)e4', '1')
    >>> with_error(0.004, 0.0996)
    '0.00 ± 0.10'
    """
    if value is None or not math.isfinite(value) or not error or not math.isfinite(error):
        return number(value)
    largest = _power(max(abs(value), abs(error)))
    shift = 0 if -3 <= largest < 4 else largest
    decimals = min(max(1 - _power(abs(error)) + shift, 0), 8)
    text = f"{value / 10.0**shift:.{decimals}f} ± {abs(error) / 10.0**shift:.{decimals}f}"
    return f"({text})e{shift}" if shift else text


def _power(value: float) -> int:
    return int(f"{value:.1e}".split("e")[1])


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
