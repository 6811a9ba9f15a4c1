"""`landtopo merge`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import json_option

__all__ = ["command"]


@click.command(
    "merge",
    epilog="""\b
Examples
  landtopo merge whole.landtopo part1.landtopo part2.landtopo
  landtopo merge whole.landtopo part2.landtopo --json
""",
)
@click.argument("target", metavar="STUDY", type=click.Path(path_type=Path, dir_okay=False))
@click.argument(
    "parts",
    metavar="PART...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@json_option
def command(target: Path, parts: tuple[Path, ...], as_json: bool) -> None:
    """Put together the starts that several machines followed with --shard.

    STUDY is made, or gets what it lacks; the parts are not changed. The command that the machines
    shared, with -o STUDY and without --shard, then gives what one machine would have found.
    """
    from landtopo.study.merge import merge_studies
    from landtopo_cli.request import no_graph_file
    from landtopo_cli.shards import merge_record, merge_text
    from landtopo_cli.tables import plain_json

    no_graph_file(target)
    found = merge_studies(target, parts)
    click.echo(plain_json(merge_record(found)) if as_json else merge_text(found))
