"""Insets: barriers that can hardly be seen in the picture of a path, once more and close up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from landtopo.objective import Array
from landtopo.plot.smooth_curve import SmoothCurve
from landtopo.plot.style import shown_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_close_ups"]

_LINE = "#0072B2"
_PASS = "#D55E00"

# A barrier smaller than this share of the picture is shown close up.
_BELOW = 0.08
# Size of an inset in inches, and what it may take of its axes.
_INCHES = (0.92, 0.62)
_LEAST, _MOST = (0.12, 0.3), (0.33, 0.42)
# What its labels need on each side, in inches: left, right, below, above.
_LABELS = (0.38, 0.12, 0.24, 0.3)
# Where insets may begin, in parts of the axes: the right and upper places first.
_LEFTS = np.linspace(0.98, 0.02, 33)
_BOTTOMS = np.linspace(0.98, 0.02, 33)
# The picture gets so much higher, again and again, until there is room for the insets.
_HIGHER = 1.3
_MOST_ROUNDS = 12


class _Barrier(NamedTuple):
    """A low barrier: its height, its minimum and its top as (arc length, loss)."""

    height: float
    ground: Array
    top: Array


class _Frame(NamedTuple):
    """An inset with its labels, in parts of the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: _Frame) -> bool:
        """Whether two of them overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )


def draw_close_ups(ax: Axes, smooth: SmoothCurve, minima: Array, passes: Array) -> None:
    """Draw an inset of each barrier that is tiny beside the height of the picture.

    Where there is no room, the loss axis goes further up.

    Parameters
    ----------
    ax : matplotlib Axes
        With the curve, scaled.
    smooth : SmoothCurve
    minima, passes : ndarray, shape (n, 2)
        Rows of (arc length, loss), in order along the path.
    """
    curve = smooth.points()
    height = float(np.ptp(curve[:, 1]))
    barriers = [_lower_barrier(top, minima) for top in passes]
    tiny = [one for one in barriers if 0 < shown_loss(one.height) < _BELOW * height]
    if not tiny:
        return
    size, margins = _sizes(ax)
    places = _room(ax, curve, len(tiny), size, margins)
    for barrier, (left, bottom) in zip(tiny, places, strict=False):
        _draw(ax.inset_axes((left, bottom, *size)), smooth, barrier, several=len(passes) > 1)


def _lower_barrier(top: Array, minima: Array) -> _Barrier:
    """The barrier of a pass above the higher of the minima next to it."""
    after = int(np.clip(np.searchsorted(minima[:, 0], top[0]), 1, len(minima) - 1))
    ground = max(minima[after - 1], minima[after], key=lambda point: float(point[1]))
    return _Barrier(float(top[1] - ground[1]), ground, top)


def _sizes(ax: Axes) -> tuple[tuple[float, float], tuple[float, ...]]:
    """Size of an inset, and room for its labels, in parts of the axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    box = ax.get_window_extent()
    inches = np.array([box.width, box.height]) / figure.dpi
    wide, high = np.clip(np.array(_INCHES) / inches, _LEAST, _MOST)
    left, right, below, above = _LABELS
    across, along = (left / inches[0], right / inches[0]), (below / inches[1], above / inches[1])
    return (float(wide), float(high)), (*map(float, across), *map(float, along))


def _room(
    ax: Axes, curve: Array, number: int, size: tuple[float, float], margins: tuple[float, ...]
) -> list[tuple[float, float]]:
    """Lower left corners of insets that cover nothing of the curve, in parts of the axes."""
    found: list[tuple[float, float]] = []
    for _ in range(_MOST_ROUNDS):
        found = _free(ax, curve, number, size, margins)
        if len(found) == number:
            break
        low, high = ax.get_ylim()
        ax.set_ylim(low, low + _HIGHER * (high - low))
    return found


def _free(
    ax: Axes, curve: Array, number: int, size: tuple[float, float], margins: tuple[float, ...]
) -> list[tuple[float, float]]:
    to_axes = ax.transData + ax.transAxes.inverted()
    # A dot and a number stand on the curve.
    x, y = to_axes.transform(curve).T
    left, right, below, above = margins
    taken: list[_Frame] = []
    found: list[tuple[float, float]] = []
    for bottom in _BOTTOMS:
        for start in _LEFTS:
            frame = _Frame(
                start - left, bottom - below, start + size[0] + right, bottom + size[1] + above
            )
            if frame.left < 0 or frame.bottom < 0 or frame.right > 1 or frame.top > 1:
                continue
            covered = (frame.left < x) & (x < frame.right) & (frame.bottom < y) & (y < frame.top)
            if covered.any() or any(map(frame.meets, taken)):
                continue
            taken.append(frame)
            found.append((float(start), float(bottom)))
            if len(found) == number:
                return found
    return found


def _draw(inset: Axes, smooth: SmoothCurve, barrier: _Barrier, *, several: bool) -> None:
    height, ground, top = barrier
    at = float(top[0])
    # Only the piece around the pass: other high places on the way are another matter.
    low, high = smooth.above(float(top[1]) - 2 * height, at)
    piece = np.vstack([smooth.points(low, at), smooth.points(at, high)[1:]])
    inset.plot(piece[:, 0], piece[:, 1] - ground[1], "-", color=_LINE)
    inset.plot(ground[0], 0.0, "o", markersize=3.5, color="black", clip_on=False)
    inset.plot(top[0], height, "D", markersize=3.5, color=_PASS, clip_on=False)
    inset.set_title(f"barrier {height:.3g}", fontsize="small")
    if several:
        inset.set_xlabel(f"at {top[0]:.3g}", fontsize="x-small", labelpad=1)
    inset.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    inset.yaxis.get_offset_text().set_fontsize("x-small")
    inset.tick_params(labelsize="x-small")
    inset.locator_params(nbins=3)
    inset.margins(0.12)
