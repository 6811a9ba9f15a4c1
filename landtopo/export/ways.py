"""Ways over passes in full, for the offline page: weights at some places of each."""

from __future__ import annotations

from typing import Any

import numpy as np

from landtopo.export.prepare import Prepared
from landtopo.landscape.schema import LINEAGE
from landtopo.models.told import Way, way_over

__all__ = ["ways"]

# A way is shown at so many places, and all ways of a page have so many numbers at most: those of
# the lowest passes. A descent takes milliseconds.
_PLACES = 25
_NUMBERS = 60_000
_TRIED = 200
_DIGITS = 4
# A loss that is smaller than this part of the highest one is zero.
_ZERO = 1e-12


def ways(prepared: Prepared) -> dict[str, dict[str, Any]]:
    """Arc lengths, losses and weights along the ways over the lowest passes, by id.

    Parameters
    ----------
    prepared : Prepared
    """
    passes = [edge for edge in prepared.edges if edge["kind"] != LINEAGE and "weights" in edge]
    passes.sort(key=lambda edge: round(edge.get("loss", 0.0), 11))
    found: dict[str, dict[str, Any]] = {}
    room = _NUMBERS
    for edge in passes[:_TRIED]:
        size = _PLACES * np.size(edge["weights"])
        if size > room:
            break
        way = way_over(prepared.attributes, edge)
        if way is not None:
            found[edge["id"]] = _shown(way)
            room -= size
    return found


def _shown(way: Way) -> dict[str, Any]:
    """The points closest to places at equal distances; the ends and the highest one among them."""
    wanted = np.linspace(0.0, way.positions[-1], _PLACES - 1)
    near = np.abs(way.positions[:, None] - wanted).argmin(axis=0)
    kept = np.unique([*near, way.losses.argmax(), 0, len(way.positions) - 1])
    losses = way.losses[kept]
    return {
        "at": [float(f"{s:.{_DIGITS}g}") for s in way.positions[kept]],
        # What rounding has left of zeros are zeros.
        "losses": [float(f"{x:.9g}") if x > _ZERO * way.losses.max() else 0.0 for x in losses],
        "points": (np.round(way.points[kept], _DIGITS) + 0.0).tolist(),
    }
