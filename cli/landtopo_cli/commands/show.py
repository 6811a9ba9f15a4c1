"""`landtopo show`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import json_option
from landtopo_cli.sources import is_graph_file, source_argument

__all__ = ["command"]


@click.command(
    "show",
    epilog="""\b
Examples
  landtopo show six.landtopo
  landtopo show landscape.graphml
  landtopo show DIRECTORY
""",
)
@source_argument
@json_option
def command(source: Path, as_json: bool) -> None:
    """Show what is in a study, or in a graph file: families, transitions, paths, who made it.

    A directory with the files of PATHSAMPLE or topsearch (min.data, ts.data) can be shown too.
    """
    from landtopo.export import read_graph
    from landtopo.study import Study
    from landtopo_cli.graphs import graph_record, graph_text
    from landtopo_cli.studies import study_record, study_text
    from landtopo_cli.tables import plain_json

    if is_graph_file(source):
        graph = read_graph(source)
        click.echo(plain_json(graph_record(graph)) if as_json else graph_text(graph))
        return
    with Study.open(source) as study:
        click.echo(plain_json(study_record(study)) if as_json else study_text(study))
