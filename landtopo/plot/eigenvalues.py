"""Hessian spectra."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.plot.style import LossScale, axes_for, checked_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrum"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# From this ratio between sizes on, the axis is logarithmic.
_LOG_FROM = 100.0

_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def spectrum(
    *eigenvalues: ArrayLike,
    labels: Sequence[str] = (),
    null: float = 1e-9,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw Hessian eigenvalues in rising order, the null cluster and negative ones marked.

    Parameters
    ----------
    *eigenvalues : array_like, shape (n,)
        One or several spectra.
    labels : sequence of str
        Their names, for the legend.
    null : float
        Eigenvalues of at most this size are drawn open: they are zero up to rounding.
    scale : {"auto", "linear", "log"}
        Scale of the axis of eigenvalues. "log" is linear around zero, where null and negative ones
        have their place; "auto" chooses it when the others differ by more than a factor of 100.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidArgument
        No spectrum, an empty one, not as many labels as spectra, or an unknown scale.
    """
    spectra = [np.sort(np.asarray(values, dtype=np.float64).ravel()) for values in eigenvalues]
    if not spectra or any(values.size == 0 for values in spectra):
        raise InvalidArgument("The 'eigenvalues' of spectrum must be one or more non-empty arrays.")
    if labels and len(labels) != len(spectra):
        raise InvalidArgument(
            f"The 'labels' argument of spectrum must have {len(spectra)} entries; "
            f"got {len(labels)}."
        )
    checked_scale(scale)
    with axes_for(ax) as axes:
        _scale(axes, np.concatenate(spectra), null, scale)
        axes.axhline(0.0, color="0.6", linewidth=0.6, zorder=1)
        looks = zip(cycle(_COLORS), cycle(_MARKERS), strict=False)
        for number, (values, (color, marker)) in enumerate(zip(spectra, looks, strict=False)):
            rank = np.arange(1, values.size + 1)
            flat = np.abs(values) <= null
            negative = values < -null
            name = labels[number] if labels else None
            # An empty line carries the name, whichever of the groups below are empty.
            axes.plot([], [], marker, color=color, markersize=3.5, linestyle="none", label=name)
            for group, fill in ((~flat & ~negative, "full"), (flat, "none"), (negative, "full")):
                axes.plot(
                    rank[group],
                    values[group],
                    marker,
                    color=color,
                    markersize=3.5,
                    fillstyle="full" if fill == "full" else "none",
                    linestyle="none",
                    zorder=3,
                )
            counts = [
                f"{int(count)} {what}"
                for count, what in ((negative.sum(), "negative"), (flat.sum(), "zero"))
                if count
            ]
            if counts:
                last = int(np.flatnonzero(flat | negative)[-1])
                axes.annotate(
                    ", ".join(counts),
                    (rank[last], values[last]),
                    xytext=(6, -4 - 9 * number),
                    textcoords="offset points",
                    va="top",
                    fontsize="small",
                    color=color,
                )
        axes.set_xlabel("rank")
        axes.set_ylabel("Hessian eigenvalue")
        axes.set_xlim(0, max(values.size for values in spectra) + 1)
        axes.margins(y=0.12)
        if labels:
            axes.legend(loc="upper left")
    return axes


def _scale(ax: Axes, values: Array, null: float, scale: LossScale) -> None:
    """The axis for these eigenvalues."""
    curved = np.abs(values[np.abs(values) > null])
    if not curved.size or scale == "linear":
        return
    low, high = float(curved.min()), float(curved.max())
    if scale == "log" or high / low > _LOG_FROM:
        ax.set_yscale("symlog", linthresh=low / 2, linscale=0.5)
        ax.minorticks_off()
        powers = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
        signs = [sign for sign in (-1.0, 1.0) if np.any(sign * values > null)]
        ticks = sorted([0.0, *(sign * power for sign in signs for power in powers)])
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
