"""`landtopo path`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import force_option, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "path",
    epilog="""\b
Examples
  landtopo path --teacher orthonormal:6 --width 6 --permutation "(1 2 3)"
  landtopo path --teacher orthonormal:2 --width 2 --dim 2 --permutation "(1 2)" --json
  landtopo path -o six.landtopo --width 6 --from w6-f1 --to global
  landtopo path --teacher orthonormal:6 --width 6 --permutation "(1 2)" --picture swap.pdf
""",
)
@problem_options
@click.option(
    "--from",
    "from_end",
    metavar="END",
    default="global",
    help="A family's id such as w6-f1, global, or a file of weights, one neuron a row.  "
    "[default: global]",
)
@click.option("--to", "to_end", metavar="END", default="global", help="Likewise.")
@click.option(
    "--permutation",
    metavar="CYCLES",
    help='Relabelling of the neurons of the second end, such as "(1 2 3)(4 5)".  [default: '
    "whichever brings it closest to the first]",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Draw the loss and the overlaps of every neuron along the path; ends in .pdf, .svg or "
    ".png.",
)
@force_option
def command(
    request: Request,
    from_end: str,
    to_end: str,
    permutation: str | None,
    picture: Path | None,
    force: bool,
) -> int | None:
    """Find the lowest verified path between two labelled minima.

    The path leads over transition states of index 1 (exact Hessian), each followed down on both
    sides to see which minima it really joins. In a study it is never higher than what the study
    knows already, and what it finds serves the other commands. Ids are those of the study, or of a
    search with --starts when there is none.
    """
    from landtopo.models.networks.paths.connect import connect
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.ends import both_ends
    from landtopo_cli.paths import missing, path_record, path_text
    from landtopo_cli.pictures import drawing
    from landtopo_cli.shared import known_states, share
    from landtopo_cli.sources import check_files

    if picture is not None:
        from landtopo.plot.style import picture_format

        with drawing(picture):
            picture_format(picture)
        check_files((picture,), force)
    with request.work("path") as work:
        if len(work.widths) > 1:
            raise click.UsageError("A path lives at one width: give --width.")
        (width,) = work.widths
        start, end = both_ends(work, width, from_end, to_end, permutation)
        study = work.study
        path = connect(
            work.problem(width),
            start.weights,
            end.weights,
            seed=work.seed,
            known=[] if study is None else known_states(study, width),
            graph=study.graph() if study is not None and study.has_graph else None,
            progress=work.progress,
        )
        if study is not None:
            study.save_path(path, start.name, end.name, permutation=permutation or "closest")
            for news in share(study, width):
                request.note(news)
    request.answer(
        lambda: path_record(path, start.name, end.name),
        lambda: path_text(path, start.name, end.name),
    )
    if picture is not None:
        from landtopo import plot

        try:
            with drawing(picture):
                plot.save(plot.path(path), picture)
        except click.ClickException as error:
            request.warn([str(error)])
            return INCOMPLETE
        request.note(str(picture))
        if not path.verified:
            request.warn(missing(path, picture))
    return None if path.verified else INCOMPLETE
