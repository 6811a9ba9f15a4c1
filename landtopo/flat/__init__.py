"""Flat directions: from the null space of a Hessian to the shape of the flat set."""

from landtopo.flat.bridges import zero_loss_graph
from landtopo.flat.cells import CellComplex, cell_complex, corner_graph
from landtopo.flat.examine import flat_directions
from landtopo.flat.local import LocalReport, local_report
from landtopo.flat.paths import FlatPath, flat_path
from landtopo.flat.probe import FlatOptions
from landtopo.flat.records import FLAT_COLUMNS, flat_record, flat_row
from landtopo.flat.report import FlatReport, FlatStatus
from landtopo.flat.slides import FlatPathStatus
from landtopo.flat.stability import split_line
from landtopo.flat.zero_loss import ZeroLossSet, zero_loss_set

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
