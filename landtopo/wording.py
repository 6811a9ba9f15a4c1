"""Numbers and counts as people read them, the same in the terminal and in reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

__all__ = [
    "UNKNOWN",
    "aligned",
    "counted",
    "exact",
    "known_digits",
    "listed",
    "loss_text",
    "number",
    "percent",
    "share",
]

#: What stands where a value is not known.
UNKNOWN = "-"

_ZERO_LOSS = 1e-20
# From here on an exact integer is told by its first digits; the files hold all of them.
_LONG = 10**12


def number(value: float | None, digits: int = 6) -> str:
    """A number with so many digits; a dash for what is not known."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:.{digits}g}"


def exact(value: int | None) -> str:
    """An integer with every digit, as long as a person would read them."""
    if value is None:
        return UNKNOWN
    return str(value) if abs(value) < _LONG else f"{Decimal(value):.6e}".replace("e+", "e")


def loss_text(loss: float) -> str:
    """A loss with the digits that tell families apart; what rounding leaves of zero is 0.

    A dash for what is no finite number: there is no such loss.
    """
    if not math.isfinite(loss):
        return UNKNOWN
    return "0" if abs(loss) < _ZERO_LOSS else number(loss, 10)


def known_digits(value: float, error: float) -> str:
    """A number with those of ten digits that its error leaves, or a bound where it leaves none."""
    if math.isnan(value) or math.isnan(error):
        return UNKNOWN
    if abs(value) <= error:
        # One digit, rounded up.
        power = math.floor(math.log10(error)) if error > 0 else 0
        return f"<{math.ceil(error / 10.0**power) * 10.0**power:.0e}" if error > 0 else "0"
    digits = 10 if error <= 0 else min(10, math.floor(math.log10(abs(value) / error)) + 1)
    return number(value, digits)


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction as a percentage."""
    return UNKNOWN if fraction is None else f"{100 * fraction:.{digits}f} %"


def share(part: int, whole: int) -> str:
    """A percentage, with the digits that the size of the sample deserves."""
    return percent(part / whole) if whole else UNKNOWN


def counted(size: int, one: str, many: str = "") -> str:
    """``1 family``, ``2 families``."""
    return f"{size} {one if size == 1 else many or one + 's'}"


def listed(names: Sequence[str], most: int = 0) -> str:
    """``a, b and c``; above `most` (if given) only the first ones and how many more there are."""
    shown = list(names)
    if most and len(shown) > most:
        shown = [*shown[:most], f"{len(names) - most} more"]
    return " and ".join([*filter(None, [", ".join(shown[:-1])]), *shown[-1:]])


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Aligned columns; columns of numbers to the right.

    Parameters
    ----------
    header : sequence of str
    rows : iterable of sequences of str
    """
    body = [list(row) for row in rows]
    columns = list(zip(header, *body, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [all(_is_number(cell) for cell in column[1:]) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [list(header), *body]
    ]
    return "\n".join(lines)


def _is_number(cell: str) -> bool:
    return not cell.strip("0123456789.,+-e %")
