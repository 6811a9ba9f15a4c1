"""Hessian spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from landtopo.errors import InvalidArgument
from landtopo.objective import Array
from landtopo.plot.palette import symbol_look
from landtopo.plot.style import LossScale, axes_for, checked_scale, one_digit_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["spectrum"]

# From this ratio between sizes on, the axis is logarithmic.
_LOG_FROM = 100.0
# Letters that a row of the legend holds beside its symbols, and inches that a row takes.
_ROW = 58
_ROW_HEIGHT = 0.15


def spectrum(
    *eigenvalues: ArrayLike,
    labels: Sequence[str] = (),
    null: float = 1e-9,
    scale: LossScale = "auto",
    ax: Axes | None = None,
) -> Axes:
    """Draw Hessian eigenvalues in rising order, the null cluster and negative ones marked.

    The legend above says how many are negative and how many zero.

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
    names = _names(spectra, labels, null)
    across, rows = _arranged(names)
    with axes_for(ax, height=2.4 + _ROW_HEIGHT * rows) as axes:
        _scale(axes, np.concatenate(spectra), null, scale)
        axes.axhline(0.0, color="0.6", linewidth=0.6, zorder=1)
        for number, values in enumerate(spectra):
            color, marker = symbol_look(number)
            rank = np.arange(1, values.size + 1)
            flat = np.abs(values) <= null
            negative = values < -null
            # An empty line carries the name, whichever of the groups below are empty.
            axes.plot(
                [], [], marker, color=color, markersize=3.5, linestyle="none", label=names[number]
            )
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
        axes.set_xlabel("rank")
        axes.set_xlim(0, max(values.size for values in spectra) + 1)
        axes.margins(y=0.12)
        if any(names):
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(0.0, 1.0),
                ncols=across,
                borderaxespad=0.2,
                columnspacing=1.0,
                handletextpad=0.3,
            )
    return axes


def _names(spectra: Sequence[Array], labels: Sequence[str], null: float) -> list[str]:
    """What the legend says of each spectrum, empty if nothing."""
    names = []
    for number, values in enumerate(spectra):
        groups = (values < -null, "negative"), (np.abs(values) <= null, "zero")
        counts = ", ".join(f"{group.sum()} {what}" for group, what in groups if group.any())
        parts = (labels[number] if labels else "", counts)
        names.append(": ".join(part for part in parts if part))
    return names


def _arranged(names: Sequence[str]) -> tuple[int, int]:
    """Columns and rows of the legend."""
    shown = [name for name in names if name]
    longest = max(map(len, shown), default=0)
    across = min(len(shown), max(1, _ROW // (longest + 5)))
    return max(across, 1), -(-len(shown) // max(across, 1))


def _scale(ax: Axes, values: Array, null: float, scale: LossScale) -> None:
    """The axis for these eigenvalues."""
    ax.set_ylabel("Hessian eigenvalue")
    curved = np.abs(values[np.abs(values) > null])
    if not curved.size or scale == "linear":
        return
    low, high = float(curved.min()), float(curved.max())
    if scale == "log" or high / low > _LOG_FROM:
        threshold = one_digit_below(low / 2)
        ax.set_yscale("symlog", linthresh=threshold, linscale=0.5)
        ax.set_ylabel(f"Hessian eigenvalue\n(logarithmic, linear within ±{threshold:g})")
        ax.minorticks_off()
        powers = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
        signs = [sign for sign in (-1.0, 1.0) if np.any(sign * values > null)]
        ticks = sorted([0.0, *(sign * power for sign in signs for power in powers)])
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
