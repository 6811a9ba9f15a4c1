"""Flat directions: from the null space of a Hessian to the shape of the flat set."""

from landtopo.flat.local import LocalReport, local_report
from landtopo.flat.rank_test import FlatOptions
from landtopo.models.networks.flat.bridges import zero_loss_graph
from landtopo.models.networks.flat.cells import CellComplex, cell_complex, corner_graph
from landtopo.models.networks.flat.directions import flat_directions
from landtopo.models.networks.flat.paths import FlatPath, flat_path
from landtopo.models.networks.flat.records import FLAT_COLUMNS, flat_record, flat_row
from landtopo.models.networks.flat.report import FlatReport, FlatStatus
from landtopo.models.networks.flat.slides import FlatPathStatus
from landtopo.models.networks.flat.stability import split_line
from landtopo.models.networks.flat.zero_loss import ZeroLossSet, zero_loss_set

__all__ = [
    "FLAT_COLUMNS",
    "CellComplex",
    "FlatOptions",
    "FlatPath",
    "FlatPathStatus",
    "FlatReport",
    "FlatStatus",
    "LocalReport",
    "ZeroLossSet",
    "cell_complex",
    "corner_graph",
    "flat_directions",
    "flat_path",
    "flat_record",
    "flat_row",
    "local_report",
    "split_line",
    "zero_loss_graph",
    "zero_loss_set",
]
