"""Hessian spectra."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from landtopo.errors import InvalidArgument
from landtopo.plot.style import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrum"]

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def spectrum(
    *eigenvalues: ArrayLike,
    labels: Sequence[str] = (),
    null: float = 1e-9,
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
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InvalidArgument
        No spectrum, an empty one, or not as many labels as spectra.
    """
    spectra = [np.sort(np.asarray(values, dtype=np.float64).ravel()) for values in eigenvalues]
    if not spectra or any(values.size == 0 for values in spectra):
        raise InvalidArgument("The 'eigenvalues' of spectrum must be one or more non-empty arrays.")
    if labels and len(labels) != len(spectra):
        raise InvalidArgument(
            f"The 'labels' argument of spectrum must have {len(spectra)} entries; "
            f"got {len(labels)}."
        )
    with axes_for(ax) as axes:
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
