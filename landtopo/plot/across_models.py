"""Losses of the families of one teacher under several models, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landtopo.errors import InvalidArgument
from landtopo.export.looks import FAMILY_STYLES, Style
from landtopo.plot.marks import MARKERS
from landtopo.plot.style import (
    SINGLE_COLUMN,
    LossScale,
    axes_for,
    loss_axis,
    shown_loss,
    sized_labels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from landtopo.landscape.compared_models import FamilyInModel, ModelComparison

__all__ = ["models"]

_LABEL = "loss / loss without a student"
# Families of one model that would lie on each other stand so far apart.
_STEP = 0.12


def models(
    comparison: ModelComparison,
    *,
    width: int | None = None,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss of every family against the model, in units of the loss without a student.

    Circles are isolated families, squares have flat directions, diamonds may have. Lines join
    families with those of the first model that they correspond to; a family without a line to its
    left appears, one without a line to its right goes.

    Parameters
    ----------
    comparison : ModelComparison
    width : int, optional
        Not needed if there is one only.
    scale : {"auto", "linear", "log"}
        Scale of the loss axis.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    widths = sorted({entry.width for entry in comparison.entries})
    if width is None and len(widths) == 1:
        (width,) = widths
    if width not in widths:
        raise InvalidArgument(
            f"The 'width' argument of plot.models must be one of "
            f"{', '.join(map(str, widths))}; got {width}."
        )
    shown = [one for one in comparison.families if one.width == width]
    inches = min(max(SINGLE_COLUMN, 0.8 * len(comparison.models)), 12.0)
    with axes_for(ax, width=inches) as axes:
        losses = [shown_loss(one.unexplained) for one in shown]
        loss_axis(axes, losses, scale)
        axes.set_ylabel(axes.get_ylabel().replace("loss $L$", _LABEL))
        places = _places(comparison.models, shown)
        chains: dict[str, list[tuple[float, float]]] = {}
        for one in shown:
            if one.partner is not None:
                chains.setdefault(one.partner, []).append(places[one.model, one.family])
        for chain in chains.values():
            axes.plot(*zip(*chain, strict=True), color="0.6", linewidth=0.8, zorder=1)
        for style in FAMILY_STYLES.values():
            some = [one for one in shown if _style(one) is style]
            if some:
                x, y = zip(*(places[one.model, one.family] for one in some), strict=True)
                marker = MARKERS[style.shape]
                axes.plot(x, y, marker, color=style.color, markersize=5, label=style.name)
        sized_labels(axes, comparison.models, range(len(comparison.models)))
        axes.set_xlim(-0.5, len(comparison.models) - 0.5)
        axes.set_title(f"minima at width {width}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2)
    return axes


def _style(one: FamilyInModel) -> Style:
    return FAMILY_STYLES[shown_loss(one.unexplained) == 0.0, one.flat]


def _places(
    names: tuple[str, ...], shown: list[FamilyInModel]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Where families are drawn: those of nearly the same loss beside each other."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for number, name in enumerate(names):
        mine = sorted((one for one in shown if one.model == name), key=lambda one: one.loss)
        groups: list[list[FamilyInModel]] = []
        for one in mine:
            tied = groups and one.unexplained <= 1.02 * groups[-1][-1].unexplained + 1e-12
            if tied:
                groups[-1].append(one)
            else:
                groups.append([one])
        for group in groups:
            for place, one in enumerate(group):
                aside = _STEP * (place - 0.5 * (len(group) - 1))
                found[name, one.family] = (number + aside, shown_loss(one.unexplained))
    return found
