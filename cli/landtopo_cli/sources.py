"""Where a landscape graph comes from: a study, or a file that `landtopo export` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.paths.record import PathRecord

__all__ = ["graph_from", "last_path", "refuse_overwriting", "source_argument"]

source_argument = click.argument(
    "source", metavar="STUDY", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)


def graph_from(source: Path) -> nx.MultiGraph[str]:
    """The graph of a study, or of a .json, .graphml or .gexf file."""
    from landtopo.export.files import formats, read_graph
    from landtopo.study import Study

    if source.suffix.lower() in formats():
        return read_graph(source)
    with Study.open(source) as study:
        return study.graph()


def last_path(source: Path) -> PathRecord | None:
    """The path that was stored last, if the source is a study that has one."""
    from landtopo.export.files import formats
    from landtopo.study import Study

    if source.suffix.lower() in formats():
        return None
    with Study.open(source) as study:
        paths = study.paths()
    return paths[-1].record if paths else None


def refuse_overwriting(files: tuple[Path, ...], force: bool) -> None:
    """A usage error if one of the files exists, unless forced."""
    for file in files:
        if file.exists() and not force:
            raise click.UsageError(f"'{file}' exists; give --force to overwrite it.")
