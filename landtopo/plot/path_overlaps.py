"""A path drawn in the order parameters: the overlaps with the teachers, neuron by neuron.

The loss along a path says how high it is; the overlaps R_km = w_k . v_m say what happens on it:
which neurons change places, which turn over, and whether the path leaves the teacher's span.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.plot.barrier_profile import ProfiledPath, profile
from landtopo.plot.incomplete import IncompletePath, incomplete
from landtopo.plot.palette import curve_look
from landtopo.plot.style import DOUBLE_COLUMN, new_figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["TracedPath", "path"]

_PASS = "#D55E00"
# A neuron whose weights change by less than this part of the longest teacher's norm rests.
_MOVES = 0.1
# A teacher is named in a panel when the overlap with it reaches or changes by this part of |v|^2.
_SEEN = 0.2
_ACROSS = 4
_MOST = 12


class TracedPath(ProfiledPath, IncompletePath, Protocol):
    """What a path record must have for its weights to be drawn."""

    @property
    def verified(self) -> bool:
        """Whether the path is complete."""
        ...

    @property
    def problem(self) -> TeacherStudent:
        """What was studied."""
        ...

    @property
    def points(self) -> Array:
        """Weights along the path, shape (n, K, D)."""
        ...


def path(
    record: TracedPath,
    *,
    neurons: Sequence[int] | None = None,
    images: Sequence[Sequence[float]] = (),
) -> Figure:
    """Draw the loss along a path, and below it one panel for each student neuron that moves.

    A panel shows the neuron's overlaps with the teachers against arc length, coloured lines for
    the teachers that it comes close to or leaves, grey ones for the others; and dashed, where there
    is any, the length of its part outside the teacher's span. Transition states are marked by
    vertical lines. Of a path that was not completed the picture says what is missing.

    Parameters
    ----------
    record : path record
        What `connect` returns.
    neurons : sequence of int, optional
        Neurons to draw, from 0; those that move by default, at most twelve of them.
    images : sequence of (arc length, loss)
        Images of a band, for the profile.

    Returns
    -------
    matplotlib Figure
        In the paper style.

    Raises
    ------
    InvalidArgument
        A neuron that does not exist.
    """
    if not record.verified:
        return incomplete(record)
    width = record.points.shape[1]
    moved = _moved(record)
    chosen = _chosen(moved) if neurons is None else list(neurons)
    for k in chosen:
        if not 0 <= k < width:
            raise InvalidArgument(
                f"The 'neurons' argument of path must be numbers from 0 to {width - 1}; got {k}."
            )
    across = min(_ACROSS, max(len(chosen), 1))
    down = -(-len(chosen) // across)
    with new_figure(DOUBLE_COLUMN, 2.4 + 1.35 * down) as figure:
        grid = figure.add_gridspec(down + 1, across, height_ratios=[1.7, *[1.0] * down])
        profile(record, images=images, ax=figure.add_subplot(grid[0, :]))
        panels: list[Axes] = []
        for place, k in enumerate(chosen):
            shared = panels[0] if panels else None
            panel = figure.add_subplot(
                grid[1 + place // across, place % across], sharex=shared, sharey=shared
            )
            panels.append(panel)
            _draw(panel, record, k)
            if place % across:
                panel.tick_params(labelleft=False)
            else:
                panel.set_ylabel("overlap $R_{km}$")
            if place + across >= len(chosen):
                panel.set_xlabel("arc length")
            else:
                panel.tick_params(labelbottom=False)
        _legend(figure, panels)
        resting = width - len(chosen)
        if resting and neurons is None:
            most = max(moved[k] for k in range(width) if k not in chosen)
            others = "1 other neuron" if resting == 1 else f"{resting} other neurons"
            verb = "moves" if resting == 1 else "move"
            figure.text(
                0.995,
                0.0,
                f"{others} {verb} by {most:.2g} at most" if most > 1e-9 else f"{others} at rest",
                ha="right",
                va="top",
                fontsize="small",
                color="0.4",
            )
    return figure


def _moved(record: TracedPath) -> Array:
    """How far each neuron gets from where it begins, shape (K,)."""
    away = np.linalg.norm(record.points - record.points[:1], axis=2)
    return np.asarray(away.max(axis=0))


def _chosen(moved: Array) -> list[int]:
    """The neurons that move, the most moved of them if there are too many, in order."""
    least = _MOVES * float(moved.max())
    moving = [int(k) for k in np.argsort(-moved, kind="stable") if moved[k] > least]
    return sorted(moving[:_MOST])


def _draw(ax: Axes, record: TracedPath, neuron: int) -> None:
    teacher, rank = record.problem.teacher, record.problem.rank
    weights = record.points[:, neuron]
    overlaps = weights[:, :rank] @ teacher.vectors.T
    at = record.positions
    for position in record.transition_positions:
        ax.axvline(position, color=_PASS, linewidth=0.6, linestyle=":", zorder=1)
    squares = teacher.norms**2
    change = np.ptp(overlaps, axis=0)
    seen = np.maximum(change, np.abs(overlaps).max(axis=0)) > _SEEN * squares
    for m in range(teacher.size):
        if seen[m]:
            look = {**curve_look(m), "linewidth": 1.2, "label": f"$v_{{{m + 1}}}$"}
        else:
            look = {"color": "0.75", "linewidth": 0.5}
        ax.plot(at, overlaps[:, m], zorder=2, **look)
    outside = np.linalg.norm(weights[:, rank:], axis=1)
    if outside.max(initial=0.0) > 1e-3 * float(teacher.norms.max()):
        ax.plot(at, outside, "--", color="black", linewidth=0.8, label="outside the span", zorder=3)
    ax.set_title(f"neuron {neuron + 1}", pad=2)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend for all panels."""
    known: dict[str, Artist] = {}
    for panel in panels:
        for line, label in zip(*panel.get_legend_handles_labels(), strict=True):
            known.setdefault(label, line)
    if known:
        names = sorted(known, key=lambda name: (not name.startswith("$"), len(name), name))
        figure.legend(
            [known[name] for name in names],
            names,
            loc="outside lower left",
            ncols=min(len(names), 9),
            handlelength=2.6,
            columnspacing=1.0,
        )
