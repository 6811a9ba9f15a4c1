"""`landtopo sweep`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import STARTS, WIDTH, Whole, force_option, json_option

__all__ = ["command"]


@click.command(
    "sweep",
    epilog="""\b
Examples
  landtopo sweep --teacher equicorrelated:6:-0.19..0.95 --width 6 -o six.landtopo --out-dir out
  landtopo sweep --teacher scaled:4:0.5..2 --width 4 --picture norms.pdf --json
  landtopo sweep --teacher orthonormal:4 --activation leaky:-0.5..0.9 --width 4
""",
)
@click.option(
    "--teacher",
    metavar="TEACHER",
    required=True,
    help="equicorrelated:M:LOW..HIGH (the scalar product of unit vectors), scaled:M:LOW..HIGH "
    "(the norm of the first of M orthogonal vectors), angle:LOW..HIGH (of two unit vectors, in "
    "radians), or any teacher where the interval is in --activation.",
)
@click.option(
    "--activation",
    metavar="S",
    default="relu",
    help="relu, leaky:ALPHA, or leaky:LOW..HIGH, from -1 (the absolute value) to below 1 "
    "(linear).  [default: relu]",
)
@click.option("--width", metavar="K", type=WIDTH, required=True, help="Student neurons.")
@click.option(
    "--bases", metavar="N", type=Whole(1, 1000), default=8, help="Where to search.  [default: 8]"
)
@click.option(
    "--starts", metavar="N", type=STARTS, default=100, help="Starts at each.  [default: 100]"
)
@click.option("--seed", metavar="S", type=Whole(0), default=0, help="Root seed.  [default: 0]")
@click.option("--jobs", metavar="J", type=Whole(1, 1024), default=1, help="[default: 1]")
@click.option(
    "--certify/--no-certify",
    default=None,
    help="Prove what is there on both sides of every event.  [default: where python-flint is "
    "installed]",
)
@click.option(
    "--out-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for a page with a slider, the data, the graph of families and a picture.",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Loss against the parameter; ends in .pdf, .svg or .png.",
)
@click.option(
    "-o",
    "--study",
    metavar="STUDY",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File that keeps what is finished, so that an interrupted sweep goes on.",
)
@force_option
@json_option
@click.option("--quiet", is_flag=True, help="No progress.")
def command(
    teacher: str,
    activation: str,
    width: int,
    bases: int,
    starts: int,
    seed: int,
    jobs: int,
    certify: bool | None,
    out_dir: Path | None,
    picture: Path | None,
    study: Path | None,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> int | None:
    """Follow all minima and passes over a range of teachers.

    Searches at several parameters, then arc-length continuation with the exact Hessian both ways;
    births, deaths and changes of index are events, each with the families on both sides.
    """
    from contextlib import nullcontext

    from landtopo.models.networks.sweeps.curve import TeacherCurve
    from landtopo.models.networks.sweeps.sweep import sweep
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.outputs import Outputs, check_swept, write_swept
    from landtopo_cli.pictures import drawing
    from landtopo_cli.sources import check_files
    from landtopo_cli.sweeps import journal_for, sweep_text
    from landtopo_cli.tables import plain_json
    from landtopo_cli.terminal import progress

    curve = TeacherCurve.from_spec(teacher, activation)
    if picture is not None:
        from landtopo.plot.style import picture_format

        with drawing(picture):
            picture_format(picture)
        check_files((picture,), force)
    kept = nullcontext() if study is None else journal_for(study, curve, seed)
    outputs = Outputs()
    with kept as journal:
        if out_dir is not None:
            check_swept(out_dir, journal, force=force)
        found = sweep(
            curve,
            width,
            bases=bases,
            starts=starts,
            seed=seed,
            jobs=jobs,
            certified=certify,
            journal=journal,
            progress=progress(quiet),
        )
        if out_dir is not None:
            outputs = write_swept(out_dir, found, journal)
    click.echo(plain_json(found.record()) if as_json else sweep_text(found))
    failed = list(outputs.failed)
    if picture is not None:
        from landtopo import plot

        try:
            with drawing(picture):
                plot.save(plot.bifurcations(found), picture)
        except click.ClickException as error:
            failed.append(error.format_message())
    for sentence in failed:
        click.echo(sentence, err=True)
    return INCOMPLETE if failed else None
