"""Pictures of landscapes: functions take `ax=` and return Axes.

Without `ax` they make axes in a style for papers, on a figure that pyplot does not know: `save`
writes it with nothing clipped, a notebook shows it, and no setting of the user's changes it. `path`
has several panels and returns a Figure.
matplotlib is imported when the first picture is drawn.
"""

from __future__ import annotations

from landtopo.plot.across_models import models
from landtopo.plot.barrier_profile import profile
from landtopo.plot.by_width import widths
from landtopo.plot.eigenvalues import spectrum
from landtopo.plot.flat import null_growth, null_spectrum, stability
from landtopo.plot.landscape_map import map
from landtopo.plot.merge_tree import tree
from landtopo.plot.network import graph
from landtopo.plot.over_parameter import bifurcations
from landtopo.plot.path_overlaps import path
from landtopo.plot.reached import reached
from landtopo.plot.style import save

__all__ = [
    "bifurcations",
    "graph",
    "map",
    "models",
    "null_growth",
    "null_spectrum",
    "path",
    "profile",
    "reached",
    "save",
    "spectrum",
    "stability",
    "tree",
    "widths",
]
