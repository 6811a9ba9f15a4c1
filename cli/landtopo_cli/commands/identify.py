"""`landtopo identify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo_cli.options import problem_options
from landtopo_cli.request import Request

if TYPE_CHECKING:
    from landtopo.models.networks.points.identify import Identification

__all__ = ["command"]

_HEADER = ("family", "loss", "distance", "closest copy", "flat", "leads here")


@click.command(
    "identify",
    epilog="""\b
Examples
  landtopo identify trained.npy --teacher orthonormal:6 --width 6
  landtopo identify trained.npy -o six.landtopo --width 6 --json
  landtopo identify trained.npy --vectors teacher.npy --teacher teacher.npy --width 6
""",
)
@click.argument("weights", metavar="WEIGHTS", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--vectors",
    type=click.Path(path_type=Path, exists=True),
    help="The teacher's vectors in the coordinates of the weights; without them the first columns "
    "of the weights are the coordinates of the teacher's span.",
)
@problem_options
def command(request: Request, weights: Path, vectors: Path | None) -> int | None:
    """Say which family a trained network belongs to, and which it is closest to.

    WEIGHTS is an .npy, .csv or .json file with one neuron a row. The families are those that the
    study knows, or else those of a new search. The gradient flow of the population loss says to
    which of them the place belongs; distances are those to the closest labelled copy.
    """
    from dataclasses import replace

    from landtopo.checks import checked_weights
    from landtopo.models.networks.points.classify import classify
    from landtopo.models.networks.points.families import describe_family
    from landtopo.models.networks.points.identify import identify, in_teacher_coordinates
    from landtopo.models.networks.teacher_files import matrix_from_file
    from landtopo_cli.known import known_minima, weights_from
    from landtopo_cli.tables import loss_text, table

    with request.work("identify") as work:
        if len(work.widths) != 1:
            raise click.UsageError("A network has one width; give it with --width.")
        (width,) = work.widths
        problem = work.problem(width)
        given = weights_from(weights, width).weights
        if vectors is not None:
            given = in_teacher_coordinates(problem, given, matrix_from_file(vectors))
        checked_weights("identify", given, problem.rank, width=width)
        families = [
            replace(
                describe_family(
                    problem, classify(problem, known.weights), count=0, found_by="known"
                ),
                id=known.id,
            )
            for known in known_minima(work, width)
        ]
        found = identify(problem, given, families)
    request.answer(
        lambda: {
            "verdict": found.verdict,
            "family": found.family,
            "loss": found.loss,
            "grad_norm": found.grad_norm,
            "end": {
                "loss": found.end.loss,
                "kind": str(found.end.kind),
                "index": found.end.index,
                "distance": found.end_distance,
                "description": found.end_description,
                "weights": found.end.weights.tolist(),
            },
            "turned": found.turned,
            "families": found.rows(),
        },
        lambda: "\n".join(
            [
                found.verdict,
                f"Loss of these weights {loss_text(found.loss)}, norm of the gradient "
                f"{found.grad_norm:.3g}.",
                table(_HEADER, _cells(found)),
            ]
        ),
    )
    if found.turned is not None and vectors is None:
        request.note(
            f"The neurons overlap among themselves as those of {found.turned} do, and lie "
            "elsewhere: if this network's teacher has other coordinates, give its vectors with "
            "--vectors."
        )
    return None


def _cells(found: Identification) -> list[tuple[str, ...]]:
    from landtopo_cli.tables import loss_text

    return [
        (
            one.id,
            loss_text(one.loss),
            f"{one.distance:.6g}",
            "proved" if one.is_exact else "at most",
            "?" if one.flat_dimension is None else str(one.flat_dimension),
            "yes" if one.leads_here else "",
        )
        for one in found.likenesses
    ]
