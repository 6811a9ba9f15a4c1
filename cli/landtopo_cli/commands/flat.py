"""`landtopo flat`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import point_options, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "flat",
    epilog="""\b
Examples
  landtopo flat --teacher orthonormal:6 --width 7
  landtopo flat -o six.landtopo --widths 6:7 --json
  landtopo flat --teacher orthonormal:4 --width 5 --weights point.npy
""",
)
@problem_options
@point_options
def command(request: Request, names: tuple[str, ...], files: tuple[Path, ...]) -> int | None:
    """Tell flat directions from those that only look flat, family by family.

    The null space of the Hessian in all dimensions is taken apart: gauge (rotations outside the
    teacher's span), flat (a curve of constant loss leaves along it, traced), curved (the loss
    grows with a higher power, fitted). With the flat set's dimension and corners, and what
    splitting a neuron does.
    """
    from landtopo.models.networks.flat import (
        FLAT_COLUMNS,
        FlatStatus,
        flat_directions,
        flat_record,
        flat_row,
    )
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.known import chosen_points
    from landtopo_cli.tables import table

    reports = []
    with request.work("flat") as work:
        for width in work.widths:
            points = chosen_points(work, width, names, files)
            work.progress.begin(f"width {width}: null spaces", len(points))
            for point in points:
                report = flat_directions(work.problem(width), point.weights, seed=work.seed)
                reports.append((point.id, report))
                if work.study is not None:
                    work.study.remember(f"flat/{width}/{point.id}", flat_record(report))
                work.progress.advance()
            work.progress.end()
    request.answer(
        lambda: [{"id": name, **flat_record(report)} for name, report in reports],
        lambda: table(
            ("family", *FLAT_COLUMNS), [(name, *flat_row(report)) for name, report in reports]
        ),
    )
    done = all(report.status is FlatStatus.DONE for _, report in reports)
    return None if done else INCOMPLETE
