"""Looks by number: as many curves or symbols as there are, each told apart from all others.

The colours are those of Okabe and Ito and one more. What has the same colour differs in dashes or
in shape, so that no colour is ever needed to tell two things apart that have another number.
"""

from __future__ import annotations

from typing import Any

__all__ = ["curve_look", "symbol_look"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*")


def curve_look(number: int) -> dict[str, Any]:
    """Colour and dashes of a curve, and few markers on it where dashes do not suffice.

    Parameters
    ----------
    number : int
        From 0; the first 308 looks differ.
    """
    rounds, color = divmod(number, len(_COLORS))
    more, dashes = divmod(rounds, len(_DASHES))
    look = {"color": _COLORS[color], "linestyle": _DASHES[dashes]}
    if more:
        marker = _MARKERS[(more - 1) % len(_MARKERS)]
        look |= {"marker": marker, "markevery": 0.2, "markersize": 3.0}
    return look


def symbol_look(number: int) -> tuple[str, str]:
    """Colour and marker of points.

    Parameters
    ----------
    number : int
        From 0; the first 77 looks differ, and as long as there are colours both do.
    """
    # 7 colours and 11 markers have no common factor, so the pair repeats as late as it can.
    return _COLORS[number % len(_COLORS)], _MARKERS[number % len(_MARKERS)]
