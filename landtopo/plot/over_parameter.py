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


class _Event(Protocol):
    @property
    def value(self) -> float: ...


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
        axes.set_xlabel(str(sweep.curve.parameter))
        axes.set_title(sweep.curve.title)
        axes.legend()
    return axes
