"""What a directory layout is: the files of a database of minima and transition states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from landtopo.export.prepare import Prepared
from landtopo.shown import Brief

__all__ = ["Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Brief):
    """A directory layout: one module in landtopo/export/layouts/ defines one as LAYOUT.

    Attributes
    ----------
    name : str
        What the argument `format` of `write_graph` calls it.
    title : str
        Name of the program, for people.
    files : tuple of str
        Every file that may be part of it; ``min.data`` always is.
    holds : tuple of str
        Columns of minima and transition states that it has a place for, and needs.
    decimals : int or None
        Digits after the point of energies; None where every digit is written.
    recognises : callable
        From the first line of ``min.data`` to whether this is the layout.
    read : callable
        From the directory to its landscape graph.
    write : callable
        From the prepared graph to the content of each file.
    """

    name: str
    title: str
    files: tuple[str, ...]
    holds: tuple[str, ...]
    decimals: int | None
    recognises: Callable[[str], bool]
    read: Callable[[Path], nx.MultiGraph[str]]
    write: Callable[[Prepared], Mapping[str, bytes]]
