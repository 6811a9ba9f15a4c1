"""Texts that stand clear of curves, symbols, insets and each other.

Where a text has room is known when the figure is drawn: sizes and scales are final only then. So
the places are chosen in the course of every drawing, and the same figure gives the same places.
Imported when the first text is placed, after `landtopo.plot.style.matplotlib_loaded`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.collections import PathCollection
from matplotlib.text import Annotation, Text

from landtopo.objective import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.lines import Line2D

__all__ = ["Side", "clear_label"]

Side = Literal["below", "above", "right", "left"]

_DIRECTIONS = {
    "below": (0, -1),
    "above": (0, 1),
    "right": (1, 0),
    "left": (-1, 0),
    "below right": (1, -1),
    "below left": (-1, -1),
    "above right": (1, 1),
    "above left": (-1, 1),
}
# Points by which a text may stand off where nothing nearer is free; it then gets a leader.
_FURTHER = (0.0, 4.0, 10.0, 18.0, 28.0, 40.0)
_LEADER_FROM = 8.0
# Room around a text, in points.
_MARGIN = 0.8
# Distance from the frame of the axes, in points.
_FROM_FRAME = 1.5
#: Keeps text readable on top of lines. An outline would do so too, but makes text into curves.
_BEHIND: Any = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.4}


def clear_label(
    ax: Axes,
    text: str,
    where: tuple[float, float],
    *,
    gap: float = 3.0,
    side: Side = "below",
    optional: bool = False,
) -> None:
    """Write a text beside a point, where it lies on nothing else if there is such a place.

    Parameters
    ----------
    ax : matplotlib Axes
    text : str
    where : tuple of float
        The point, in data coordinates.
    gap : float
        Distance from the point, in typographic points; what its symbol needs.
    side : {"below", "above", "right", "left"}
        Where to stand if nothing is in the way.
    optional : bool
        Leave it out where it would lie on a symbol or another text everywhere.
    """
    note = ax.annotate(
        text,
        where,
        xytext=(0, 0),
        textcoords="offset points",
        ha="left",
        va="bottom",
        fontsize="x-small",
        bbox=_BEHIND,
        arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.4, "shrinkA": 0.0},
        zorder=6,
        annotation_clip=False,
    )
    # It stays within the axes, and those have their place already.
    note.set_in_layout(False)
    placer = next((one for one in ax.artists if isinstance(one, _Placer)), None)
    if placer is None:
        placer = _Placer(ax)
        ax.add_artist(placer)
    placer.labels.append(_Label(note, gap, side, optional))


class _Label(NamedTuple):
    note: Annotation
    gap: float
    side: Side
    optional: bool


class _Choice(NamedTuple):
    """A place for a text: its box in pixels, how far off it is in points, and its rank."""

    box: Array
    further: float
    rank: int


class _Placer(Artist):
    """Draws nothing: puts the texts of its axes in their places before they are drawn."""

    def __init__(self, ax: Axes) -> None:
        super().__init__()
        self.ax = ax
        self.labels: list[_Label] = []
        self.set_zorder(5)
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Choose the places."""
        ax = self.ax
        pixel = float(np.asarray(renderer.points_to_pixels(1.0)))
        curves = [_segments(line) for line in ax.lines if _is_curve(line)]
        taken = [
            *_symbols(ax, pixel),
            *_others(ax, {label.note for label in self.labels}, renderer),
        ]
        frame = np.array(ax.bbox.extents) + _FROM_FRAME * pixel * np.array([1, 1, -1, -1])
        for label in self.labels:
            anchor = np.array(ax.transData.transform(label.note.xy))
            choices = list(_choices(label, anchor, renderer, pixel))
            choices += [_pushed(one, frame, len(choices)) for one in choices]
            hard, best = _best(choices, frame, np.array(taken).reshape(-1, 4), curves)
            label.note.set_visible(not label.optional or hard == 0)
            if not label.note.get_visible():
                continue
            across, along = (best.box[:2] - anchor) / pixel + _MARGIN
            label.note.set_position((float(across), float(along)))
            led = best.further >= _LEADER_FROM
            assert label.note.arrow_patch is not None
            label.note.arrow_patch.set_visible(led)
            if led:
                curves.append(np.concatenate([anchor, (best.box[:2] + best.box[2:]) / 2])[None])
            taken.append(best.box)


def _choices(
    label: _Label, anchor: Array, renderer: RendererBase, pixel: float
) -> Iterator[_Choice]:
    """Places around a point, the preferred side first and near ones before far ones."""
    # What is not seen has no size.
    label.note.set_visible(True)
    found = Text.get_window_extent(label.note, renderer)
    size = np.array([found.width, found.height]) + 2 * _MARGIN * pixel
    sides = sorted(_DIRECTIONS, key=lambda side: side != label.side)
    rank = 0
    for further in _FURTHER:
        for side in sides:
            direction = np.array(_DIRECTIONS[side], dtype=np.float64)
            away = pixel * (label.gap + further)
            if direction.all():
                # On the diagonal the corner of the box is what is nearest.
                away /= np.sqrt(2.0)
            low = anchor + direction * (away + size / 2) - size / 2
            yield _Choice(np.concatenate([low, low + size]), further, rank)
            rank += 1


def _pushed(choice: _Choice, frame: Array, after: int) -> _Choice:
    """A place that is moved as far as it takes to lie within the frame; the last ones to take."""
    size = choice.box[2:] - choice.box[:2]
    low = np.clip(choice.box[:2], frame[:2], np.maximum(frame[2:] - size, frame[:2]))
    return _Choice(np.concatenate([low, low + size]), choice.further, after + choice.rank)


def _best(
    choices: list[_Choice], frame: Array, taken: Array, curves: list[Array]
) -> tuple[int, _Choice]:
    """The place that lies on the fewest texts and symbols, then on the fewest curves.

    Where several do, the first by rank. Leaving the frame counts as a hundred texts.
    """
    boxes = np.array([one.box for one in choices])
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    met = np.all((taken[:, :2] < high) & (low < taken[:, 2:]), axis=2).sum(axis=1)
    inside = np.all((frame[:2] <= boxes[:, :2]) & (boxes[:, 2:] <= frame[2:]), axis=1)
    hard = met + 100 * ~inside
    least = int(hard.min())
    best, fewest = None, np.inf
    for i in sorted(np.flatnonzero(hard == least), key=lambda i: choices[i].rank):
        crossed = sum(_crosses(segments, choices[i].box) for segments in curves)
        if crossed < fewest:
            best, fewest = choices[i], crossed
        if crossed == 0:
            break
    assert best is not None
    return least, best


def _is_curve(line: Line2D) -> bool:
    joined = str(line.get_linestyle()) not in ("None", "none", " ", "")
    return line.get_visible() and joined and np.size(line.get_xdata()) > 1


def _segments(line: Line2D) -> Array:
    """Ends of the pieces of a line in pixels, shape (n, 4)."""
    points = line.get_transform().transform(line.get_xydata())
    return np.hstack([points[:-1], points[1:]])


def _symbols(ax: Axes, pixel: float) -> Iterator[Array]:
    """Boxes of the symbols, in pixels."""
    for line in ax.lines:
        if line.get_visible() and line.get_marker() not in (None, "None", "none", " ", ""):
            size = line.get_markersize() + line.get_markeredgewidth()
            for at in line.get_transform().transform(line.get_xydata()):
                yield _square(at, pixel * size / 2)
    for symbols in ax.collections:
        if symbols.get_visible() and isinstance(symbols, PathCollection):
            edge = float(np.max(np.asarray(symbols.get_linewidth()), initial=0.0))
            where = np.asarray(symbols.get_offset_transform().transform(symbols.get_offsets()))
            for at, area in zip(where, np.resize(symbols.get_sizes(), len(where)), strict=True):
                yield _square(at, pixel * (float(np.sqrt(area)) + edge) / 2)


def _square(middle: Array, half: float) -> Array:
    return np.concatenate([middle - half, middle + half])


def _others(ax: Axes, own: set[Annotation], renderer: RendererBase) -> Iterator[Array]:
    """Boxes of other texts, insets and the legend, in pixels."""
    parts: list[Artist] = [text for text in ax.texts if text not in own]
    legend = ax.get_legend()
    parts += [*ax.child_axes, *([] if legend is None else [legend])]
    for part in parts:
        box = part.get_tightbbox(renderer) if part.get_visible() else None
        if box is not None:
            yield np.array(box.extents)


def _crosses(segments: Array, box: Array) -> bool:
    """Whether any straight piece passes through a box (clipping by slabs)."""
    start, along = segments[:, :2], segments[:, 2:] - segments[:, :2]
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([(box[:2] - start) / along, (box[2:] - start) / along])
    inside = (box[:2] < start) & (start < box[2:])
    still = along == 0.0
    enters = np.where(still, np.where(inside, 0.0, np.inf), ends.min(axis=0))
    leaves = np.where(still, np.where(inside, 1.0, -np.inf), ends.max(axis=0))
    first = np.maximum(enters.max(axis=1), 0.0)
    last = np.minimum(leaves.min(axis=1), 1.0)
    return bool(np.any(first <= last))
