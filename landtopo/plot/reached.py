"""Where training ends against width, as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from landtopo.errors import InvalidArgument
from landtopo.plot.style import SINGLE_COLUMN, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from landtopo.models.networks.dynamics.reachability import Reachability

__all__ = ["reached"]

_GLOBAL = "#0072B2"
# From few to many anti-aligned neurons, by falling lightness.
_SPURIOUS = ("#FEE391", "#FEC44F", "#FE9929", "#EC7014", "#CC4C02", "#993404", "#662506")
_MOST = len(_SPURIOUS) - 1
_OTHERS = {
    "saddle": "#BBBBBB",
    "undecided": "#DDDDDD",
    "diverged": "#EEEEEE",
    "unfinished": "#FFFFFF",
}


def reached(results: Sequence[Reachability | Mapping[str, Any]], *, ax: Axes | None = None) -> Axes:
    """Draw the share of runs that end in each kind of point, one bar for each width.

    From below: zero loss, with the binomial interval of its share; spurious minima by their number
    of anti-aligned neurons, the largest numbers together; saddles and runs that did not end. The
    title says which runs these are, if that is the same for all widths.

    Parameters
    ----------
    results : sequence
        Results of `reachability` or their records, for different widths.
    ax : matplotlib Axes, optional
        Where to draw; new axes in the paper style by default.

    Returns
    -------
    matplotlib Axes
    """
    records = [one if isinstance(one, Mapping) else one.record() for one in results]
    if not records:
        raise InvalidArgument("The 'results' argument of reached must not be empty.")
    records.sort(key=lambda record: record["width"])
    parts = [_parts(record) for record in records]
    names = sorted({name for part in parts for name in part}, key=_rank)
    positions = range(len(records))
    inches = min(max(SINGLE_COLUMN, 1.2 + 0.6 * len(records)), 12.0)
    with axes_for(ax, width=inches) as axes:
        heights = [0.0] * len(records)
        for name in names:
            shares = [100.0 * part.get(name, 0.0) for part in parts]
            axes.bar(
                positions,
                shares,
                bottom=heights,
                width=0.62,
                color=_color(name),
                edgecolor="black",
                linewidth=0.4,
                hatch="////" if name in _OTHERS else None,
                label=name,
            )
            heights = [low + share for low, share in zip(heights, shares, strict=True)]
        middle = [100.0 * record["global"]["fraction"] for record in records]
        below = [m - 100.0 * r["global"]["low"] for m, r in zip(middle, records, strict=True)]
        above = [100.0 * r["global"]["high"] - m for m, r in zip(middle, records, strict=True)]
        axes.errorbar(
            positions,
            middle,
            [below, above],
            fmt="none",
            ecolor="black",
            capsize=2.5,
            linewidth=0.8,
            clip_on=False,
            zorder=3,
        )
        origins = {_origin(record) for record in records}
        if len(origins) == 1:
            (what, source), several = origins.pop(), len(records) > 1
            title = f"{what}{' at each width' if several else ''},\n{source}"
            axes.set_title(title, loc="left")
        axes.set_xticks(list(positions), [str(record["width"]) for record in records])
        axes.set_xlabel("student width $K$")
        axes.set_ylabel("runs (%)")
        axes.set_ylim(0.0, 100.0)
        axes.set_xlim(-0.5, len(records) - 0.5)
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(
            handles[::-1],
            labels[::-1],
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            handlelength=1.2,
        )
    return axes


def _parts(record: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for family in record["families"]:
        if family["is_global"]:
            name = "global"
        elif family["kind"] == "minimum":
            number = family["anti_aligned"]
            name = f"{number} anti-aligned" if number < _MOST else f"{_MOST} or more anti-aligned"
        else:
            name = family["kind"]
        found[name] = found.get(name, 0.0) + family["fraction"]
    for name in ("diverged", "unfinished"):
        if record[name]:
            found[name] = record[name] / record["runs"]
    return found


def _rank(name: str) -> tuple[int, int]:
    if name == "global":
        return 0, 0
    if name in _OTHERS:
        return 2, list(_OTHERS).index(name)
    return 1, int(name.split()[0])


def _color(name: str) -> str:
    if name == "global":
        return _GLOBAL
    return _OTHERS.get(name) or _SPURIOUS[_rank(name)[1]]


def _origin(record: Mapping[str, Any]) -> tuple[str, str]:
    dim = "" if record["dim"] is None else f", d = {record['dim']}"
    return f"{record['teacher']}{dim}: {record['runs']} runs", str(record["source"])
