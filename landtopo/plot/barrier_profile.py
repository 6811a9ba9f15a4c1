"""The loss along a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.plot.close_up import draw_close_ups
from landtopo.plot.smooth_curve import SmoothCurve
from landtopo.plot.style import axes_for, shown_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ProfiledPath", "profile"]

_LINE = "#0072B2"
_PASS = "#D55E00"

# Losses that differ by no more than this, or this part of them, differ by rounding.
_ROUNDING = 1e-13


@runtime_checkable
class ProfiledPath(Protocol):
    """What a path record must have to be drawn: its profile, its minima and its passes."""

    @property
    def positions(self) -> Array:
        """Arc lengths, shape (n,)."""
        ...

    @property
    def losses(self) -> Array:
        """Losses there, shape (n,)."""
        ...

    @property
    def minima_positions(self) -> Array:
        """Arc lengths of the minima, the ends included."""
        ...

    @property
    def transition_positions(self) -> Array:
        """Arc lengths of the transition states."""
        ...


def profile(
    path: ProfiledPath | Mapping[str, Any],
    *,
    images: Sequence[Sequence[float]] = (),
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss along a path, with minima, transition states and barriers marked.

    Parameters
    ----------
    path : path record or dict
        What `connect` returns, or the attributes of an edge of a landscape graph.
    images : sequence of (arc length, loss)
        Images of a band, drawn as open circles.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidArgument
        There is no profile in it.
    """
    known, minima, passes, names = _pieces(path)
    smooth = SmoothCurve(known, np.concatenate([minima[:, 0], passes[:, 0]]))
    curve = smooth.points()
    with axes_for(ax) as axes:
        from landtopo.plot.labels import clear_label

        axes.plot(curve[:, 0], curve[:, 1], "-", color=_LINE, zorder=2)
        if len(images):
            where = np.asarray(images, dtype=np.float64)
            axes.plot(where[:, 0], where[:, 1], "o", markersize=3, color=_LINE, fillstyle="none")
        axes.plot(minima[:, 0], minima[:, 1], "o", markersize=4.5, color="black", zorder=4)
        axes.plot(passes[:, 0], passes[:, 1], "D", markersize=4.5, color=_PASS, zorder=4)
        _height(axes, curve[:, 1])
        for (x, y), name in zip(minima[[0, -1]], names, strict=True):
            if name:
                clear_label(axes, name, (x, y), gap=3.5)
        for x, y in passes:
            clear_label(axes, f"{y:.6g}", (x, y), gap=4.0, side="above")
        axes.set_xlabel("arc length in weight space")
        axes.set_ylabel("loss $L$")
        draw_close_ups(axes, smooth, minima, passes)
    return axes


def _height(ax: Axes, losses: Array) -> None:
    """Scale the loss axis; what rounding makes of one loss is not blown up."""
    low, high = float(losses.min()), float(losses.max())
    room = high - low
    if room > _ROUNDING * max(1.0, abs(high)):
        ax.set_ylim(low - 0.12 * room, high + 0.22 * room)
        return
    level = shown_loss(high)
    ax.set_ylim(level - 0.5 * (abs(level) or 1.0), level + (abs(level) or 1.0))
    ax.set_yticks([level], [f"{level:.6g}"])


def _pieces(
    path: ProfiledPath | Mapping[str, Any],
) -> tuple[Array, Array, Array, tuple[str, str]]:
    """Curve, minima and passes as rows of (arc length, loss), and the names of the ends."""
    if isinstance(path, Mapping):
        points = path.get("profile")
        if points is None or len(points) < 2:
            raise InvalidArgument(
                "The 'path' argument of profile must be a path record, or an edge with a profile "
                "of at least two points."
            )
        curve = np.asarray(points, dtype=np.float64)
        top = curve[[int(np.argmax(curve[:, 1]))]]
        if path.get("kind") == "flat":
            top = np.empty((0, 2))
        return (
            curve,
            curve[[0, -1]],
            top,
            (str(path.get("from_id", "")), str(path.get("to_id", ""))),
        )
    if not isinstance(path, ProfiledPath):
        raise InvalidArgument(
            "The 'path' argument of profile must be a path record or the attributes of an edge; "
            f"got {type(path).__name__}."
        )
    curve = np.column_stack([path.positions, path.losses])
    return curve, _on(curve, path.minima_positions), _on(curve, path.transition_positions), ("", "")


def _on(curve: Array, positions: Array) -> Array:
    """Points of the curve at these arc lengths."""
    where = np.asarray(positions, dtype=np.float64)
    return np.column_stack([where, np.interp(where, curve[:, 0], curve[:, 1])])
