"""`landtopo export`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import force_option
from landtopo_cli.sources import check_directory, check_files, graph_from, source_argument

__all__ = ["command"]


@click.command(
    "export",
    epilog="""\b
Examples
  landtopo export six.landtopo landscape.graphml
  landtopo export DIRECTORY landscape.graphml
  landtopo export DIRECTORY copy --format pathsample
  landtopo export six.landtopo landscape.html landscape.csv --force
""",
)
@source_argument
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "layout",
    type=click.Choice(["pathsample", "topsearch"]),
    help="Write the files of such a database into a directory, FILES, in place of files by suffix.",
)
@force_option
def command(source: Path, files: tuple[Path, ...], layout: str | None, force: bool) -> None:
    """Write the graph of a study to files; each suffix chooses the format.

    .graphml, .gexf (Gephi), .json (node-link, as D3 reads it), .cyjs (Cytoscape), .dot, .csv
    (three tables), .html (a page that needs no network) and .md (a report of one page). The same
    study gives the same bytes. In place of a study, a graph in a .json, .graphml or .gexf file can
    be converted, or a directory with the files of PATHSAMPLE or topsearch (min.data, ts.data).
    """
    from landtopo.export import output_files, write_graph

    if layout is not None:
        for folder in files:
            check_directory(folder, layout, force)
        graph = graph_from(source)
        for folder in files:
            for place in write_graph(graph, folder, format=layout):
                click.echo(place)
        return
    check_files(tuple(place for file in files for place in output_files(file)), force)
    graph = graph_from(source)
    for file in files:
        for place in write_graph(graph, file):
            click.echo(place)
