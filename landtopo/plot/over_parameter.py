"""Loss of every family against a parameter of the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from landtopo.plot.style import SINGLE_COLUMN, LossScale, axes_for, loss_axis, shown_loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from landtopo.objective import Array

__all__ = ["bifurcations"]

_WIDTH = 5.0


class _Family(Protocol):
    @property
    def index(self) -> int: ...
    @property
    def values(self) -> Array: ...
    @property
    def losses(self) -> Array: ...
    @property
    def begins(self) -> int | None: ...
    @property
    def ends(self) -> int | None: ...


class _Event(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def certified(self) -> bool | None: ...


class _Curve(Protocol):
    @property
    def title(self) -> str: ...
    @property
    def parameter(self) -> str: ...


class _Sweep(Protocol):
    @property
    def curve(self) -> _Curve: ...
    @property
    def families(self) -> Sequence[_Family]: ...
    @property
    def events(self) -> Sequence[_Event]: ...


def bifurcations(sweep: _Sweep, *, scale: LossScale = "auto", ax: Axes | None = None) -> Axes:
    """Draw minima (solid) and passes (dashed) over the parameter, with a thin line at each event.

    Diamonds mark where families begin or end: filled where that is proved on both sides.

    Parameters
    ----------
    sweep : SweepResult
        What `landtopo.sweep` returns.
    scale : {"auto", "linear", "log"}
        Scale of the loss axis.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import landtopo as lt
    >>> found = lt.sweep("equicorrelated:2:0.1..0.2", width=1, bases=1, starts=4)
    >>> lt.plot.bifurcations(found).get_xlabel()
    "scalar product of the teacher's vectors"
    """
    with axes_for(ax, width=max(SINGLE_COLUMN, _WIDTH)) as axes:
        losses = [float(x) for family in sweep.families for x in family.losses]
        loss_axis(axes, losses, scale)
        for event in sweep.events:
            axes.axvline(event.value, color="0.85", linewidth=0.5, zorder=0)
        for name, index, style in (("minima", 0, "-"), ("passes", 1, "--")):
            label = name
            for family in sweep.families:
                if family.index == index:
                    shown = [shown_loss(float(x)) for x in family.losses]
                    colour = "C0" if index == 0 else "C1"
                    axes.plot(family.values, shown, style, color=colour, linewidth=1, label=label)
                    label = "_"
        _mark_events(axes, sweep)
        axes.set_xlabel(str(sweep.curve.parameter))
        axes.set_title(sweep.curve.title)
        axes.legend()
    return axes


def _mark_events(axes: Axes, sweep: _Sweep) -> None:
    places: dict[bool, set[tuple[float, float]]] = {True: set(), False: set()}
    for family in sweep.families:
        for at, number in ((0, family.begins), (-1, family.ends)):
            if number is not None:
                loss = shown_loss(float(family.losses[at]))
                place = sweep.events[number].value, loss
                places[bool(sweep.events[number].certified)].add(place)
    for proved, label in ((True, "event, proved on both sides"), (False, "event")):
        if places[proved]:
            across, up = zip(*sorted(places[proved]), strict=True)
            filled = "black" if proved else "none"
            axes.plot(across, up, "D", color="black", markerfacecolor=filled, ms=3, label=label)
