"""Null spaces and flat sets: the null cluster, growth laws, stability along flat lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.flat.local import DirectionKind
from landtopo.plot.style import axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from landtopo.models.networks.flat.report import FlatReport
    from landtopo.models.networks.flat.stability import StabilityLine

__all__ = ["null_growth", "null_spectrum", "stability"]

_BLUE, _ORANGE, _GREEN, _GREY = "#0072B2", "#D55E00", "#009E73", "0.6"


def null_spectrum(report: FlatReport, *, ax: Axes | None = None) -> Axes:
    """Draw the sizes of the Hessian eigenvalues, with the cut between zero and non-zero ones.

    Parameters
    ----------
    report : FlatReport
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    if not report.eigenvalues.size:
        raise InvalidArgument(
            "The 'report' argument of null_spectrum must be of a critical point; "
            f"it says: {report.status.value}"
        )
    cut = report.cut
    with axes_for(ax) as axes:
        from landtopo.plot.labels import clear_label

        groups = [(report.eigenvalues, "o", "coordinates used")]
        if report.normal_eigenvalues.size:
            groups.append(
                (report.normal_eigenvalues, "^", f"normal block (each {report.unused} times)")
            )
        start = 0
        for values, marker, label in groups:
            order = np.argsort(np.abs(values))
            # Exact zeros have no logarithm: they are drawn at the level of rounding.
            sizes = np.maximum(np.abs(values[order]), cut.rounding / 10)
            zero = np.abs(values[order]) <= cut.threshold
            negative = values[order] < -cut.threshold
            rank = start + np.arange(1, len(values) + 1)
            start += len(values) + 1
            axes.plot([], [], marker, color=_GREY, linestyle="none", label=label, markersize=3.5)
            for group, color, fill in (
                (~zero & ~negative, _BLUE, "full"),
                (negative, _ORANGE, "full"),
                (zero, _GREEN, "none"),
            ):
                axes.plot(
                    rank[group],
                    sizes[group],
                    marker,
                    color=color,
                    fillstyle="none" if fill == "none" else "full",
                    markersize=3.5,
                    linestyle="none",
                )
        for color, label in ((_BLUE, "positive"), (_ORANGE, "negative"), (_GREEN, "zero")):
            axes.plot([], [], "s", color=color, linestyle="none", label=label, markersize=3.5)
        if cut.nullity:
            low = max(cut.largest_zero, cut.rounding)
            axes.axhspan(low, cut.smallest_nonzero, color="0.93", zorder=0)
            middle = float(np.sqrt(low * cut.smallest_nonzero))
            clear_label(axes, f"gap {report.gap:.0e}", (start, middle), gap=0.0, side="left")
        axes.set_yscale("log")
        axes.set_xlabel("rank by size")
        axes.set_ylabel("size of eigenvalue")
        axes.set_title(_counts(report), fontsize="small", loc="left")
        axes.legend(loc="center left", fontsize="x-small", bbox_to_anchor=(1.0, 0.5))
    return axes


def null_growth(report: FlatReport, *, ax: Axes | None = None) -> Axes:
    """Draw the relaxed loss along every null direction on logarithmic axes.

    Parameters
    ----------
    report : FlatReport
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
        Points are measured, lines are the fitted laws; along flat directions the largest change of
        the loss on the trace is drawn at its length.
    """
    with axes_for(ax) as axes:
        labels: set[str] = set()

        def once(label: str) -> str | None:
            new = label not in labels
            labels.add(label)
            return label if new else None

        floor = 1e-18
        for row in report.directions:
            if row.growth is not None:
                color = _ORANGE if row.normal else _BLUE
                where = "outside the coordinates used" if row.normal else "in the coordinates used"
                for losses, law, marker in zip(
                    row.growth.losses, row.growth.laws, "ox", strict=True
                ):
                    seen = np.abs(losses) > 0
                    axes.plot(
                        row.growth.steps[seen],
                        np.abs(losses[seen]),
                        marker,
                        color=color,
                        markersize=3,
                        linestyle="none",
                        alpha=0.7,
                        label=once(f"{row.kind.value}, {where}"),
                    )
                    if np.isfinite(law.exponent):
                        power = (
                            round(law.exponent)
                            if abs(law.exponent - round(law.exponent)) <= 0.1
                            else law.exponent
                        )
                        axes.plot(
                            row.growth.steps,
                            abs(law.coefficient) * row.growth.steps**power,
                            "-",
                            color=color,
                            linewidth=0.6,
                            label=once(f"law of power {power:g}"),
                        )
            elif row.kind is DirectionKind.FLAT:
                for trace in row.traces:
                    axes.plot(
                        trace.arclength[1:],
                        np.maximum(np.abs(trace.losses[1:] - trace.losses[0]), floor),
                        "s",
                        color=_GREEN,
                        markersize=3,
                        fillstyle="none",
                        linestyle="none",
                        label=once("flat, along the trace"),
                    )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel("change of the loss")
        axes.set_title(_counts(report), fontsize="small", loc="left")
        if labels:
            axes.legend(loc="center left", fontsize="x-small", bbox_to_anchor=(1.0, 0.5))
        else:
            axes.text(0.5, 0.5, "no null direction", transform=axes.transAxes, ha="center")
    return axes


def stability(
    line: StabilityLine,
    *,
    xlabel: str = "position on the flat line",
    ax: Axes | None = None,
) -> Axes:
    """Draw the lowest eigenvalues and the index along a flat line.

    Parameters
    ----------
    line : StabilityLine
        From `split_line`, or of a report's `stability`.
    xlabel : str
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    with axes_for(ax) as axes:
        axes.axhline(0.0, color=_GREY, linewidth=0.6, zorder=1)
        for number, values in enumerate(line.lowest.T):
            axes.plot(
                line.positions,
                values,
                color=_BLUE,
                label="coordinates used" if number == 0 else None,
            )
        if line.has_normal:
            for number, values in enumerate(line.lowest_normal.T[:3]):
                axes.plot(
                    line.positions,
                    values,
                    color=_ORANGE,
                    linestyle=(0, (4, 2)),
                    label="normal block" if number == 0 else None,
                )
        for crossing in line.crossings:
            axes.axvline(crossing, color=_GREY, linestyle=":", linewidth=0.8)
        low, high = float(line.lowest.min()), float(line.lowest.max())
        # The split direction's eigenvalues grow without bound towards a corner.
        centre = line.lowest[len(line.positions) // 4 : -(len(line.positions) // 4) or None]
        if centre.size:
            spread = float(np.ptp(centre)) or 1.0
            low = max(low, float(centre.min()) - 2 * spread)
            high = min(high, float(centre.max()) + 2 * spread)
        margin = 0.08 * ((high - low) or 1.0)
        axes.set_ylim(low - margin, high + margin)
        axes.set_xlabel(xlabel)
        axes.set_ylabel("lowest eigenvalues")
        axes.set_title(_index_text(line), fontsize="small", loc="left")
        # Beside the axes, where it hides nothing.
        axes.legend(loc="center left", fontsize="x-small", bbox_to_anchor=(1.0, 0.5))
    return axes


def _index_text(line: StabilityLine) -> str:
    used = sorted({int(i) for i in line.index})
    text = "index " + " and ".join(str(i) for i in used) + " in the coordinates used"
    if line.has_normal:
        normal = sorted({int(i) for i in line.index_normal})
        text += ", " + " and ".join(str(i) for i in normal) + " per unused one"
    return text


def _counts(report: FlatReport) -> str:
    return (
        f"index {report.index}, nullity {report.nullity}: {report.flat} flat, "
        f"{report.curved} curved; gauge {report.gauge}"
    )
