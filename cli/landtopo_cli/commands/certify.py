"""`landtopo certify`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import point_options, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "certify",
    epilog="""\b
Examples
  landtopo certify --teacher orthonormal:6 --width 6
  landtopo certify -o six.landtopo --width 6 --family w6-f1 --json
""",
)
@problem_options
@point_options
def command(request: Request, names: tuple[str, ...], files: tuple[Path, ...]) -> int | None:
    """Prove in interval arithmetic that points exist, and what they are.

    For each family: a box that holds exactly one critical point, the signs of its eigenvalues in
    all dimensions, and bounds of its loss. Zero neurons are dropped and parallel ones merged
    first: what is proved is about the reduced network, with so many neurons as the table says.
    Needs python-flint (pip install 'landtopo[certify]').
    """
    from landtopo.models.networks.points.reduced import reduce_network
    from landtopo.proofs.certification import CertificateStatus, certify
    from landtopo.proofs.enclosures import require_flint
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.certificates import certificate_record, certificate_table
    from landtopo_cli.known import chosen_points

    # Missing flint is said before a search, not after it.
    require_flint()
    proofs = []
    with request.work("certify") as work:
        for width in work.widths:
            points = chosen_points(work, width, names, files)
            work.progress.begin(f"width {width}: proofs", len(points))
            for point in points:
                reduced = reduce_network(point.weights, work.teacher.rank).vectors
                problem = work.problem(len(reduced))
                proofs.append((point.id, certify(problem, reduced)))
                work.progress.advance()
            work.progress.end()
    request.answer(
        lambda: [certificate_record(name, proof) for name, proof in proofs],
        lambda: certificate_table(proofs),
    )
    proved = all(proof.status is CertificateStatus.CERTIFIED for _, proof in proofs)
    return None if proved else INCOMPLETE
