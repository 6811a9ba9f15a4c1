"""`landtopo families`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import point_options, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "families",
    epilog="""\b
Examples
  landtopo families --teacher orthonormal:6 --width 6 --starts 2000
  landtopo families -o six.landtopo --width 6 --family w6-f1 --json
  landtopo families --teacher orthonormal:2 --width 2 --weights point.csv
""",
)
@problem_options
@point_options
def command(request: Request, names: tuple[str, ...], files: tuple[Path, ...]) -> int | None:
    """Read families of minima in detail: which neuron does what, symmetry, curvatures.

    For each family: the student's neurons with their partners among the teacher's, the symmetries
    that leave it in place, the values of its overlaps by symmetry orbit, its spectrum in the span
    and outside it, and the steepest way down when the student grows.
    """
    from landtopo_cli.details import detail, detail_record, detail_text
    from landtopo_cli.known import chosen_points

    details = []
    with request.work("families") as work:
        for width in work.widths:
            for point in chosen_points(work, width, names, files):
                details.append(detail(work.problem(width), point))
    request.answer(
        lambda: [detail_record(entry) for entry in details],
        lambda: "\n\n\n".join(detail_text(entry) for entry in details),
    )
    return None
