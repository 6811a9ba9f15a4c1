"""A landscape graph in a notebook: the offline page in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from landtopo.checks import checked_count
from landtopo.export.formats.page import FORMAT
from landtopo.export.prepare import prepare
from landtopo.shown import Brief

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Frame", "show"]

# So many pixels fit a screen, and the panel beside the drawing scrolls by itself.
_LEAST, _MOST = 200, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Brief):
    """A page that a notebook shows as the result of a cell.

    Attributes
    ----------
    page : str
        The whole HTML page.
    families, edges : int
        What it draws.
    height : int
        Of the frame, in pixels.
    """

    _told = ("families", "edges", "height")

    page: str
    families: int
    edges: int
    height: int

    def _repr_html_(self) -> str:
        """The page in a frame that may run its own scripts and reach nothing else."""
        return (
            f'<iframe title="Landscape graph" srcdoc="{escape(self.page)}" '
            f'sandbox="allow-scripts" width="100%" height="{self.height}" '
            'style="border: 1px solid #c8c8c8"></iframe>'
        )


def show(graph: nx.MultiGraph[str], *, height: int = 640) -> Frame:
    """The offline page of a landscape graph, for the last line of a notebook's cell.

    The page is that of ``write_graph(graph, "landscape.html")``. It stands in the notebook itself,
    about half a megabyte, and needs neither a network nor an extension. The graph stays what it is,
    a plain `networkx.MultiGraph`.

    Parameters
    ----------
    graph : networkx.MultiGraph
        As `landscape_graph` and `read_graph` give it.
    height : int
        Of the frame, in pixels, from 200 to 10000.

    Returns
    -------
    Frame
        What a notebook shows; `page` has the page.

    Raises
    ------
    InvalidArgument
        The graph is no landscape graph, or the height cannot be used.

    Examples
    --------
    >>> import landtopo as lt
    >>> graph = lt.landscape_graph(lt.Teacher.orthonormal(2), [2, 3], starts=20)
    >>> shown = lt.show(graph)  # as the last line of a cell: the page
    >>> shown.families == len(graph), shown.height
    (True, 640)
    """
    pixels = checked_count("height", "show", height, least=_LEAST, most=_MOST)
    prepared = prepare(graph)
    page = FORMAT.write(prepared)[".html"].decode()
    return Frame(page=page, families=len(prepared.nodes), edges=len(prepared.edges), height=pixels)
