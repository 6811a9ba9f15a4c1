"""Files and the offline page: one `prepare`, then a writer for each format."""

from __future__ import annotations

from landtopo.export.files import known_formats, output_files, read_graph, write_bytes, write_graph
from landtopo.export.prepare import Prepared, prepare
from landtopo.export.report import report
from landtopo.export.sweeps import write_sweep

__all__ = [
    "Prepared",
    "known_formats",
    "output_files",
    "prepare",
    "read_graph",
    "report",
    "write_bytes",
    "write_graph",
    "write_sweep",
]
