"""The loss along a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.plot.style import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["ProfiledPath", "profile"]

_LINE = "#0072B2"
_PASS = "#D55E00"

# A barrier smaller than this share of the picture is shown once more, close up.
_CLOSE_UP_BELOW = 0.08

# Size of that inset, and where it may stand, in parts of the axes.
_INSET = (0.33, 0.3)
_CORNERS = ((0.65, 0.52), (0.17, 0.52), (0.17, 0.18), (0.65, 0.18), (0.41, 0.52), (0.41, 0.18))


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
    curve, minima, passes, names = _pieces(path)
    with axes_for(ax) as axes:
        axes.plot(curve[:, 0], curve[:, 1], "-", color=_LINE, zorder=2)
        if len(images):
            where = np.asarray(images, dtype=np.float64)
            axes.plot(where[:, 0], where[:, 1], "o", markersize=3, color=_LINE, fillstyle="none")
        axes.plot(minima[:, 0], minima[:, 1], "o", markersize=4.5, color="black", zorder=4)
        axes.plot(passes[:, 0], passes[:, 1], "D", markersize=4.5, color=_PASS, zorder=4)
        low, high = float(curve[:, 1].min()), float(curve[:, 1].max())
        room = (high - low) or max(abs(high), 1e-12)
        axes.set_ylim(low - 0.12 * room, high + 0.22 * room)
        for (x, y), name in zip(minima[[0, -1]], names, strict=True):
            axes.annotate(
                name,
                (x, y),
                xytext=(0, -6),
                textcoords="offset points",
                ha="left" if x == curve[0, 0] else "right",
                va="top",
                fontsize="small",
            )
        for x, y in passes:
            axes.annotate(
                f"{y:.6g}",
                (x, y),
                xytext=(0, 5),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize="small",
            )
        axes.set_xlabel("arc length in weight space")
        axes.set_ylabel("loss $L$")
        if len(passes) == 1:
            _close_up(axes, curve, minima, passes[0], room)
    return axes


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


def _free_corner(ax: Axes, curve: Array) -> tuple[float, float] | None:
    """Where an inset with its labels covers nothing of the curve, in parts of the axes."""
    inside = ax.transData.transform(curve)
    x, y = ax.transAxes.inverted().transform(inside).T
    for left, bottom in _CORNERS:
        covered = (x > left - 0.12) & (x < left + _INSET[0] + 0.04)
        covered &= (y > bottom - 0.14) & (y < bottom + _INSET[1] + 0.14)
        if not covered.any():
            return left, bottom
    return None


def _close_up(ax: Axes, curve: Array, minima: Array, top: Array, room: float) -> None:
    """An inset of the lower barrier when it can hardly be seen beside the higher one."""
    barriers = top[1] - minima[[0, -1], 1]
    side = int(np.argmin(barriers))
    if not 0 < barriers[side] < _CLOSE_UP_BELOW * room:
        return
    corner = _free_corner(ax, curve)
    if corner is None:
        return
    inset = ax.inset_axes((*corner, *_INSET))
    near = np.flatnonzero(curve[:, 1] >= top[1] - 2 * barriers[side])
    peak = int(np.argmax(curve[:, 1]))
    # Only the piece around the pass: other high places on the way are another matter.
    breaks = np.flatnonzero(np.diff(near) > 1) + 1
    piece = next(part for part in np.split(near, breaks) if peak in part)
    ground = minima[0 if side == 0 else -1]
    inset.plot(curve[piece, 0], curve[piece, 1] - ground[1], "-", color=_LINE)
    inset.plot(ground[0], 0.0, "o", markersize=3.5, color="black", clip_on=False)
    inset.plot(top[0], barriers[side], "D", markersize=3.5, color=_PASS, clip_on=False)
    inset.set_title(f"barrier {barriers[side]:.3g}", fontsize="small")
    inset.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    inset.yaxis.get_offset_text().set_fontsize("x-small")
    inset.tick_params(labelsize="x-small")
    inset.margins(0.12)
