"""`landtopo check`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import json_option

__all__ = ["command"]


@click.command(
    "check",
    epilog="""\b
Examples
  landtopo check six.landtopo
  landtopo check six.landtopo --json
""",
)
@click.argument(
    "source", metavar="STUDY", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@json_option
def command(source: Path, as_json: bool) -> int | None:
    """Say whether a study file is as it was written, and list what is damaged.

    Reads every byte that matters: each row with its checksum, the number of rows of each table, and
    what holds the pages of the file together. Exits with 1 if anything is damaged. Whether numbers
    are right is for 'landtopo verify' to say.
    """
    from landtopo.study.integrity import check_study
    from landtopo_cli.app import FAILED
    from landtopo_cli.studies import check_record, check_text
    from landtopo_cli.tables import plain_json

    found = check_study(source)
    click.echo(plain_json(check_record(found)) if as_json else check_text(found))
    return None if found.sound else FAILED
