"""A path that was not completed: what is missing of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from landtopo.export.looks import FAILED_PAIR
from landtopo.paths.record import Gap
from landtopo.plot.style import SINGLE_COLUMN, new_figure, shown_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["IncompletePath", "incomplete"]

_LETTERS = 58
_LINE_HEIGHT = 0.14
_MINIMUM = "black"


class IncompletePath(Protocol):
    """What a path record must have for its gaps to be drawn."""

    @property
    def status(self) -> str:
        """Why the path is not complete, in a sentence."""
        ...

    def gaps(self) -> Sequence[Gap]:
        """What is missing, in order along the path."""
        ...


def incomplete(record: IncompletePath) -> Figure:
    """Draw which connections a path lacks, and say so in words.

    Dots are minima at their losses; a red dotted line stands for a way that was looked for and not
    found. What lies between is not drawn: nothing is known of it.

    Parameters
    ----------
    record : path record

    Returns
    -------
    matplotlib Figure
        In the paper style.
    """
    gaps = record.gaps()
    said = ["The path is not complete.", record.status, *(gap.sentence() for gap in gaps)]
    lines = [line for text in said for line in textwrap.wrap(text, _LETTERS)]
    with new_figure(SINGLE_COLUMN, 2.2 + _LINE_HEIGHT * len(lines)) as figure:
        from landtopo.plot.labels import clear_label

        ax = figure.add_subplot()
        dots: dict[str, Any] = {"marker": "o", "markersize": 4.5, "color": _MINIMUM, "zorder": 4}
        for number, gap in enumerate(gaps):
            at, losses = (2.0 * number, 2.0 * number + 1.0), [*map(shown_loss, gap.losses)]
            ax.plot(at, losses, linestyle=":", color=FAILED_PAIR.color, zorder=2)
            ax.plot(at, losses, linestyle="none", **dots)
            for name, x, y in zip(gap.names, at, losses, strict=True):
                clear_label(ax, name, (x, y), gap=3.5)
        ax.margins(0.3)
        ax.set_xticks([])
        ax.set_ylabel("loss $L$")
        ax.set_title("\n".join(lines), loc="left", fontsize="small", color=FAILED_PAIR.color)
    return figure
