"""Pictures of a landscape graph, or of what training reaches, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.errors import InvalidArgument, LandtopoError

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from landtopo.models.networks.dynamics.reachability import Reachability
    from landtopo.models.networks.paths.record import PathRecord
    from landtopo.objective import Array

__all__ = [
    "KINDS",
    "MAP",
    "REACHED",
    "TREE",
    "draw",
    "draw_path",
    "draw_reached",
    "drawing",
    "lowest_pass",
]

#: The kind that may leave out branches.
TREE = "tree"

#: The kind that may show paths beside the graph.
MAP = "map"

#: The kind that is drawn from runs and needs no graph.
REACHED = "reached"

# Kinds that do without --width, and those that --name is for.
_ALL_WIDTHS = ("graph", "widths", REACHED)
_NAMED = ("spectrum", "profile")


def draw(
    kind: str,
    graph: nx.MultiGraph[str] | None,
    *,
    width: int | None = None,
    names: tuple[str, ...] = (),
    path: PathRecord | None = None,
    importance: float | None = None,
    lines: Sequence[Array] = (),
) -> Axes:
    """Draw one picture on axes of its own.

    Parameters
    ----------
    kind : str
        `TREE`, `MAP`, or one of `KINDS`.
    graph : networkx.MultiGraph or None
        The landscape graph; only pictures of a path can do without.
    width : int, optional
        For what shows one width; not needed if the graph has one only.
    names : tuple of str
        Families of a spectrum (all of the width by default), or the transition of a profile.
    path : PathRecord, optional
        Drawn by a profile if no transition is named.
    importance : float, optional
        Leave shorter branches out of a tree.
    lines : sequence of ndarray, shapes (n, K, r + E) or (n, size)
        Paths that a map shows, where they are of its width.
    """
    from landtopo import plot

    _refuse_unused(kind, width, names)
    if path is not None:
        if not path.verified:
            raise click.UsageError(
                "The path that was stored last was not completed, so it has no profile; name a "
                "transition of the graph with --name."
            )
        return plot.profile(path)
    if graph is None:
        raise InvalidArgument(f"A picture of kind {kind} needs a graph.")
    if kind == TREE:
        return _tree(graph, width, importance)
    if kind == MAP:
        return _map(graph, width, lines)
    return KINDS[kind](graph, width, names)


def draw_reached(
    results: Sequence[Reachability | Mapping[str, Any]],
    *,
    width: int | None = None,
    names: tuple[str, ...] = (),
) -> Axes:
    """Draw where runs ended, a bar for each width; `width` and `names` are refused."""
    from landtopo import plot

    _refuse_unused(REACHED, width, names)
    return plot.reached(results)


def draw_path(path: PathRecord) -> Figure:
    """Draw the loss and the overlaps along a path, or what is missing of it."""
    from landtopo import plot

    return plot.path(path)


@contextmanager
def drawing(place: Path) -> Iterator[None]:
    """Say in one sentence why a picture fails, whatever matplotlib or the disk has to say.

    Raises
    ------
    click.ClickException
        The picture could not be drawn, or not be written.
    """
    try:
        yield
    except (click.ClickException, LandtopoError):
        raise
    except Exception as error:
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise click.ClickException(f"'{place}' could not be drawn: {why}.") from error


def lowest_pass(graph: nx.MultiGraph[str], width: int | None = None) -> str | None:
    """The transition with a profile that leads out of a family by the lowest barrier."""
    barriers = [
        (min(data["barrier_from"], data["barrier_to"]), key)
        for first, last, key, data in graph.edges(keys=True, data=True)
        if len(data.get("profile", ())) > 1
        and data["kind"] != "flat"
        and width in (None, graph.nodes[first].get("width"))
    ]
    return min(barriers, default=(0.0, None))[1]


def _refuse_unused(kind: str, width: int | None, names: tuple[str, ...]) -> None:
    if width is not None and kind in _ALL_WIDTHS:
        raise click.UsageError(f"A picture of kind {kind} shows all widths; leave out --width.")
    if names and kind not in _NAMED:
        raise click.UsageError(f"A picture of kind {kind} shows all families; leave out --name.")
    if names and width is not None:
        raise click.UsageError("--width does nothing beside --name.")
    if len(names) > 1 and kind == "profile":
        raise click.UsageError("A profile is of one transition; give --name once.")


def _tree(graph: nx.MultiGraph[str], width: int | None, importance: float | None) -> Axes:
    from landtopo import plot
    from landtopo.landscape.schema import MODEL

    if MODEL not in graph.graph:
        width = _one_width(graph, width)
    return plot.tree(graph, width=width, importance=importance)


def _map(graph: nx.MultiGraph[str], width: int | None, lines: Sequence[Array]) -> Axes:
    from landtopo import plot
    from landtopo.landscape.schema import MODEL

    _some(graph)
    if width is not None or MODEL not in graph.graph:
        width = _one_width(graph, width)
    own = [line for line in lines if width is None or line.shape[1] == width]
    return plot.map(graph, width, lines=own)


def _graph(graph: nx.MultiGraph[str], width: int | None, names: tuple[str, ...]) -> Axes:
    from landtopo import plot

    _some(graph)
    return plot.graph(graph)


def _widths(graph: nx.MultiGraph[str], width: int | None, names: tuple[str, ...]) -> Axes:
    from landtopo import plot

    _some(graph)
    return plot.widths(graph)


def _spectrum(graph: nx.MultiGraph[str], width: int | None, names: tuple[str, ...]) -> Axes:
    from landtopo import plot
    from landtopo.landscape.schema import MODEL

    if MODEL in graph.graph:
        _some(graph)
        names = names or tuple(graph)
    elif not names:
        chosen = _one_width(graph, width)
        names = tuple(node for node in graph if graph.nodes[node]["width"] == chosen)
    for name in names:
        if "eigenvalues" not in graph.nodes.get(name, {}):
            raise click.UsageError(f"The graph has no spectrum of {name}.")
    return plot.spectrum(*(graph.nodes[name]["eigenvalues"] for name in names), labels=names)


def _profile(graph: nx.MultiGraph[str], width: int | None, names: tuple[str, ...]) -> Axes:
    from landtopo import plot

    edges: dict[str, dict[str, Any]] = {
        key: data for _, _, key, data in graph.edges(keys=True, data=True)
    }
    if width is not None:
        _one_width(graph, width)
    name = names[0] if names else lowest_pass(graph, width)
    if name is None:
        where = "" if width is None else f" at width {width}"
        raise click.UsageError(f"The graph has no transition with a profile{where}.")
    if name not in edges:
        raise click.UsageError(f"The graph has no transition {name}.")
    return plot.profile(edges[name])


def _some(graph: nx.MultiGraph[str]) -> None:
    if not graph:
        raise click.UsageError("The graph has no family of minima, so there is nothing to draw.")


def _one_width(graph: nx.MultiGraph[str], width: int | None) -> int:
    from landtopo.landscape.schema import MODEL

    _some(graph)
    if MODEL in graph.graph:
        raise click.UsageError("This picture is of one width of student; the graph has no widths.")
    known = sorted({int(graph.nodes[node]["width"]) for node in graph})
    shown = ", ".join(map(str, known))
    if width is None:
        if len(known) > 1:
            raise click.UsageError(f"This picture is of one width: give --width; known: {shown}.")
        return known[0]
    if width not in known:
        raise click.UsageError(f"The graph has no family of width {width}; known: {shown}.")
    return width


#: What can be drawn beside trees, and the function that draws it.
KINDS: dict[str, Callable[[nx.MultiGraph[str], int | None, tuple[str, ...]], Axes]] = {
    "widths": _widths,
    "graph": _graph,
    "spectrum": _spectrum,
    "profile": _profile,
}
