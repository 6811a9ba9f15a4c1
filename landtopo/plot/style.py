"""What all pictures share: figures and axes, the loss axis, files."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from landtopo.errors import InvalidArgument
from landtopo.export.files import write_bytes
from landtopo.landscape.words import Words, words_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from landtopo.plot.canvas import PaperFigure

__all__ = [
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "LossScale",
    "axes_for",
    "checked_scale",
    "loss_axis",
    "matplotlib_loaded",
    "new_figure",
    "one_digit_below",
    "picture_format",
    "save",
    "shown_loss",
    "sized_labels",
]

LossScale = Literal["auto", "linear", "log"]

#: Inches: one and two columns of a journal page.
SINGLE_COLUMN = 3.4
DOUBLE_COLUMN = 7.0

_DOTS_PER_INCH = 300.0

# Losses below this are rounding errors of an exact zero; on a logarithmic axis they would take
# twenty decades for themselves.
_ZERO = 1e-14

# From this ratio between the largest and the smallest positive loss on, the axis is logarithmic.
_LOG_FROM = 300.0


def matplotlib_loaded() -> None:
    """Load matplotlib although the backend that MPLBACKEND names may not exist here.

    A notebook names its own to every program that it starts, and matplotlib does not load with a
    name that it cannot resolve. No picture of ours needs a backend; the user's still get it.
    """
    if "matplotlib" in sys.modules:
        return
    named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if named is not None:
            os.environ["MPLBACKEND"] = named
    if named:
        with suppress(ValueError):
            mpl.rcParams["backend"] = named


@contextmanager
def new_figure(width: float, height: float) -> Iterator[PaperFigure]:
    """A figure of this size in inches, and its style while it is drawn on."""
    matplotlib_loaded()
    from landtopo.plot.canvas import PAPER, own_settings, paper_figure

    with own_settings(PAPER):
        yield paper_figure(width, height)


@contextmanager
def axes_for(
    ax: Axes | None, *, width: float = SINGLE_COLUMN, height: float = 2.6
) -> Iterator[Axes]:
    """The caller's axes as they are, or new ones in the paper style.

    Parameters
    ----------
    ax : matplotlib Axes, optional
        Axes to draw on.
    width, height : float
        Size of a new figure, in inches.
    """
    if ax is not None:
        yield ax
        return
    with new_figure(width, height) as figure:
        from landtopo.plot.canvas import PaperAxes

        yield figure.add_subplot(axes_class=PaperAxes)


def shown_loss(loss: float) -> float:
    """The loss as pictures show it: rounding errors of an exact zero become zero."""
    return 0.0 if abs(loss) <= _ZERO else float(loss)


def checked_scale(scale: LossScale) -> None:
    """Refuse what is no scale of an axis."""
    if scale not in ("auto", "linear", "log"):
        raise InvalidArgument(
            f"The 'scale' argument of a plot must be auto, linear or log; got {scale!r}."
        )


def loss_axis(
    ax: Axes,
    losses: Iterable[float],
    scale: LossScale = "auto",
    words: Words | None = None,
) -> None:
    """Scale and label the vertical axis for these losses.

    Parameters
    ----------
    ax : matplotlib Axes
    losses : iterable of float
        All losses that will be drawn.
    scale : {"auto", "linear", "log"}
        "log" is linear between zero and the smallest positive loss, so that zero has a place;
        "auto" chooses it when the positive losses differ by more than a factor of 300, and none
        is negative.
    words : Words, optional
        Those of networks by default.
    """
    checked_scale(scale)
    shown = [shown_loss(loss) for loss in losses]
    positive = [loss for loss in shown if loss > 0]
    ax.set_ylabel((words or words_of({})).axis)
    if min(shown, default=0.0) < 0:
        if scale == "log":
            raise InvalidArgument(
                f"The 'scale' argument of a plot must be auto or linear where values are negative; "
                f"the lowest is {min(shown):g}."
            )
        low, top = min(shown), max(shown)
        margin = 0.08 * ((top - low) or abs(low))
        ax.set_ylim(low - margin, top + 1.2 * margin)
        return
    if not positive:
        ax.set_ylim(-0.5, 1.0)
        ax.set_yticks([0.0], ["0"])
        return
    top, lowest = max(positive), min(positive)
    if scale == "log" or (scale == "auto" and top / lowest > _LOG_FROM):
        threshold = one_digit_below(lowest / 2)
        ax.set_yscale("symlog", linthresh=threshold, linscale=0.5)
        ax.set_ylim(-0.35 * threshold if 0.0 in shown else lowest / 1.5, 1.6 * top)
        linear = f", linear below {threshold:g}" if 0.0 in shown else ""
        ax.set_ylabel(f"loss $L$\n(logarithmic{linear})")
        ticks = _decades(lowest, top)
        ax.set_yticks([0.0, *ticks] if 0.0 in shown else ticks)
        ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        ax.minorticks_off()
        return
    low = min(shown, default=0.0)
    margin = 0.08 * ((top - low) or top)
    ax.set_ylim(low - margin, top + 1.2 * margin)


def one_digit_below(value: float) -> float:
    """The largest number of one digit that is not above a positive one, so that texts are exact."""
    power = math.floor(math.log10(value))
    # Rounding does not take 5e-7 for 4e-7.
    return float(f"{max(math.floor(value / 10.0**power * (1 + 1e-12)), 1)}e{power}")


def _decades(lowest: float, top: float) -> list[float]:
    """Round losses from the lowest to the top, with 2 and 5 in between when decades are few."""
    first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(top))
    factors = (1, 2, 5) if last - first <= 3 else (1,)
    every = max(1, (last - first) // 6)
    found = [factor * 10.0**power for power in range(first, last + 1, every) for factor in factors]
    return [value for value in found if 0.9 * lowest <= value <= 1.6 * top]


def sized_labels(ax: Axes, names: Sequence[str], positions: Sequence[float]) -> None:
    """Tick labels below the axes, upright when there are few and turned when there are many."""
    many = sum(len(name) + 2 for name in names) > 44
    ax.set_xticks(positions, names, rotation=90 if many else 0)


def picture_format(path: str | os.PathLike[str]) -> str:
    """The format that the suffix of a picture's path names, such as ``pdf``.

    Raises
    ------
    InvalidArgument
        matplotlib does not know the suffix.
    """
    matplotlib_loaded()
    from matplotlib.backend_bases import FigureCanvasBase

    target = Path(path)
    kind = target.suffix.lower().lstrip(".")
    known = FigureCanvasBase.get_supported_filetypes()
    if kind not in known:
        raise InvalidArgument(
            f"The 'path' argument of save must end in one of {', '.join(sorted(known))}; "
            f"got '{target.name}'."
        )
    return kind


def save(picture: Axes | Figure, path: str | os.PathLike[str]) -> Path:
    """Write a picture so that no label is clipped; the same picture gives the same bytes.

    Parameters
    ----------
    picture : matplotlib Axes or Figure
    path : path-like
        Ends in .pdf, .svg, .eps, .png or another suffix that matplotlib knows.

    Returns
    -------
    Path
        The file written, whole or not at all.

    Raises
    ------
    InvalidArgument
        matplotlib does not know the suffix.
    """
    target = Path(path)
    kind = picture_format(target)
    import matplotlib as mpl

    from landtopo.plot.canvas import FILES

    found = picture.get_figure(root=True)
    assert found is not None
    # The date would make every file different.
    undated: dict[str, dict[str, None]] = {
        "pdf": {"CreationDate": None},
        "svg": {"Date": None},
        "svgz": {"Date": None},
    }
    stream = BytesIO()
    with mpl.rc_context(FILES):
        found.savefig(
            stream,
            format=kind,
            dpi=_DOTS_PER_INCH,
            bbox_inches="tight",
            metadata=undated.get(kind),
        )
    write_bytes(target, _undated(stream.getvalue(), kind))
    return target


def _undated(content: bytes, kind: str) -> bytes:
    """A picture without the date where matplotlib cannot be told to leave it out."""
    if kind in ("ps", "eps"):
        return re.sub(rb"^%%CreationDate:.*\n", b"", content, count=1, flags=re.MULTILINE)
    if kind == "svgz":
        # RFC 1952: bytes 4 to 7 are the time of the compression.
        return content[:4] + bytes(4) + content[8:]
    return content
