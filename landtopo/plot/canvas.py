"""Figures of our own: drawn without pyplot, in one style, whatever the user's settings are.

A backend that opens windows, TeX for all text, or a style of the user's belong to the user's own
figures. Imported when the first picture is drawn, after `landtopo.plot.style.matplotlib_loaded`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

__all__ = ["FILES", "PAPER", "PaperAxes", "PaperFigure", "own_settings", "paper_figure"]

#: Settings of a picture for a paper: small sans-serif text, fonts embedded as outlines that stay
#: text. They hold for axes that landtopo makes; axes given by the caller keep the caller's.
PAPER: Any = {
    "font.size": 8.0,
    "axes.labelsize": 8.0,
    "axes.titlesize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.dpi": 150.0,
}

#: Settings of the files, also for pictures on axes of the caller.
FILES: Any = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.hashsalt": "landtopo"}


@contextmanager
def own_settings(settings: Any) -> Iterator[None]:
    """Matplotlib's defaults with these settings on top; the user's come back afterwards."""
    with mpl.rc_context():
        # No picture depends on the backend, and asking for its name would choose one.
        defaults = {name: mpl.rcParamsDefault[name] for name in mpl.rcParams if name != "backend"}
        mpl.rcParams.update({**defaults, **settings})
        yield


class PaperFigure(Figure):
    """A figure that the user's settings do not reach when it is drawn or saved later, either.

    Notebooks show it.
    """

    def draw(self, renderer: Any) -> None:
        """Draw; some settings, such as those of the space between ticks, count only now."""
        with own_settings(FILES):
            super().draw(renderer)

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save to a file."""
        with own_settings(FILES):
            super().savefig(*args, **options)

    def _repr_png_(self) -> bytes:
        return _as_png(self)


class PaperAxes(Axes):
    """Axes that a notebook shows as the figure they are in."""

    def _repr_png_(self) -> bytes:
        figure = self.get_figure(root=True)
        assert figure is not None
        return _as_png(figure)


def paper_figure(width: float, height: float) -> PaperFigure:
    """An empty figure of this size in inches, on a canvas that needs no screen."""
    figure = PaperFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _as_png(figure: Figure) -> bytes:
    stream = BytesIO()
    figure.savefig(stream, format="png", dpi="figure", bbox_inches="tight")
    return stream.getvalue()
