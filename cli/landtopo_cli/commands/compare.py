"""`landtopo compare`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import WIDTH, force_option, json_option

__all__ = ["command"]


@click.command(
    "compare",
    epilog="""\b
Examples
  landtopo graph --teacher orthonormal:3 --widths 3:4 -o relu.landtopo
  landtopo graph --teacher orthonormal:3 --widths 3:4 --activation erf -o erf.landtopo
  landtopo compare relu.landtopo erf.landtopo
  landtopo compare relu.landtopo erf.landtopo --width 4 --picture models.pdf
  landtopo compare relu.landtopo trained.landtopo normalised.landtopo
""",
)
@click.argument(
    "sources",
    metavar="STUDY...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True),
)
@click.option("--width", metavar="K", type=WIDTH, help="Of the picture, if there are several.")
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Draw the losses of families against the model: .pdf, .svg or .png.",
)
@json_option
@force_option
def command(
    sources: tuple[Path, ...],
    width: int | None,
    picture: Path | None,
    as_json: bool,
    force: bool,
) -> int | None:
    """Say how the landscape of one teacher changes with the activation and the kind of student.

    Each STUDY, or graph file, holds the graph of one activation, of students whose weights alone
    are trained, with a trained second layer, or with a constraint. The table has a row for each of
    them at each width: families, how many are flat, the lowest barrier out of a spurious one, how
    often starts end in one, the lowest loss, and in how many pieces the labelled copies of the
    lowest family are. Where no student is the teacher, spurious is what is above the lowest loss.
    Then: which families lie nearest to those of the first graph, which appear, and which go.
    """
    from landtopo.models.networks.landscape.across_models import compare_models
    from landtopo.plot.style import picture_format
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.compared import comparison_record, comparison_text, named
    from landtopo_cli.sources import check_files, graph_from
    from landtopo_cli.tables import plain_json

    if picture is None and width is not None:
        raise click.UsageError("--width does nothing without --picture.")
    if picture is not None:
        picture_format(picture)
        check_files((picture,), force)
    found = compare_models(named((source, graph_from(source)) for source in sources))
    failed = False
    if picture is not None:
        from landtopo import plot
        from landtopo_cli.pictures import drawing

        try:
            with drawing(picture):
                plot.save(plot.models(found, width=width), picture)
        except click.ClickException as error:
            click.echo(str(error), err=True)
            failed = True
    click.echo(plain_json(comparison_record(found)) if as_json else comparison_text(found))
    return INCOMPLETE if failed else None
