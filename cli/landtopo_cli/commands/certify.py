"""`landtopo certify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo_cli.options import Positive, force_option, point_options, problem_options
from landtopo_cli.request import Request

if TYPE_CHECKING:
    from landtopo.proofs.certificate_file import PointProof
    from landtopo.proofs.certification import Certificate

__all__ = ["command"]


@click.command(
    "certify",
    epilog="""\b
Examples
  landtopo certify --teacher orthonormal:6 --width 6
  landtopo certify -o six.landtopo --width 6 --family w6-f1 --json
  landtopo certify -o six.landtopo --width 6 --out-dir proofs
  landtopo certify --teacher orthonormal:3 --activation erf --width 3 --out-dir proofs
  landtopo certify -o six.landtopo --width 6 --connections --out-dir proofs
  landtopo certify --complete --teacher equicorrelated:2:-0.3 --width 2
  landtopo certify --complete --teacher orthonormal:2 --widths 1:2 --out-dir lists
  landtopo certify --complete --teacher orthonormal:2 --width 2 --within 0.01
""",
)
@problem_options
@point_options
@click.option(
    "--out-dir",
    "folder",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Write a certificate of each point there, ID.json, that can be checked without landtopo; "
    "with --complete a list that is complete, wK-complete.json.",
)
@force_option
@click.option(
    "--connections",
    is_flag=True,
    help="Prove which minima or lower saddles the descents from the passes of a study's graph "
    "end in; --family chooses passes, and those whose file is in the --out-dir are not proved "
    "again.",
)
@click.option(
    "--complete",
    is_flag=True,
    help="List all critical points, of at most two neurons and two teacher vectors.",
)
@click.option(
    "--within",
    metavar="DEGREES",
    type=Positive(90.0),
    help="With --complete: for all teachers whose angle differs from the given one by no more.",
)
def command(
    request: Request,
    names: tuple[str, ...],
    files: tuple[Path, ...],
    folder: Path | None,
    force: bool,
    connections: bool,
    complete: bool,
    within: float | None,
) -> int | None:
    """Prove in interval arithmetic that points exist, and what they are.

    For each family, also of saddles that a study knows: a box that holds exactly one critical
    point, the signs of its eigenvalues in all dimensions, and bounds of its loss. This is for the
    activations relu, leaky, abs, erf, squared-relu, and quadratic with one neuron. Where parallel
    neurons are as good as one, zero ones are dropped and parallel ones merged first: what is
    proved is about the reduced network, with so many neurons as the table says. Proofs that are
    written are made with the symmetries of a point, from a few unknowns where it has many;
    verification/check_certificates.py checks them.
    With --connections, for relu, tubes are laid around both descents of a pass that the flow
    cannot leave, from the saddle into a neighbourhood of where they end;
    verification/check_connections.py checks what is written.
    With --complete nothing is searched from starts: intervals show where there are critical points
    and that there are no others, or which boxes of directions could not be decided; with --within
    for a whole interval of teachers at once. verification/check_lists.py checks lists that are
    written.
    Needs python-flint (pip install 'landtopo[certify]').
    """
    from landtopo.models.networks.points.reduced import reduce_network
    from landtopo.proofs.certificate_file import prove_point
    from landtopo.proofs.certification import CertificateStatus, certify
    from landtopo.proofs.enclosures import require_flint
    from landtopo.proofs.kernels import network_function
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.certificates import answers, certificate_files, complete_lists
    from landtopo_cli.connections import connection_proofs
    from landtopo_cli.known import chosen_points
    from landtopo_cli.sources import check_files, check_folder

    # Missing flint is said before a search, not after it.
    require_flint()
    if complete and connections:
        raise click.UsageError("Give either --complete or --connections.")
    if complete:
        if names or files:
            raise click.UsageError("--complete takes no --family or --weights.")
        if within is not None and folder is not None:
            raise click.UsageError("--within takes no --out-dir: files are about one teacher.")
        return complete_lists(request, within or 0.0, folder, force)
    if within is not None:
        raise click.UsageError("--within does nothing without --complete.")
    if connections:
        if files:
            raise click.UsageError("--connections takes no --weights: it proves passes of a study.")
        return connection_proofs(request, names, folder, force)
    if folder is not None:
        check_folder(folder)
    proofs: list[tuple[str, Certificate | PointProof]] = []
    with request.work("certify") as work:
        for width in work.widths:
            # An activation without a kernel is refused before a search, not after it.
            network_function(work.problem(width), "certify")
            points = chosen_points(work, width, names, files, saddles=True)
            places = certificate_files(folder, [point.id for point in points])
            check_files(tuple(places.values()), force)
            work.progress.begin(f"width {width}: proofs", len(points))
            for point in points:
                function = work.teacher.function
                reduced = reduce_network(
                    point.weights, work.teacher.rank, function=function
                ).vectors
                problem = work.problem(len(reduced))
                if folder is None:
                    proofs.append((point.id, certify(problem, reduced)))
                else:
                    proof = prove_point(problem, reduced)
                    if proof.record is not None:
                        proof.write(places[point.id])
                    else:
                        # No file of before stands for what is not proved now.
                        places[point.id].unlink(missing_ok=True)
                    proofs.append((point.id, proof))
                work.progress.advance()
            work.progress.end()
    request.answer(*answers(proofs))
    proved = all(proof.status is CertificateStatus.CERTIFIED for _, proof in proofs)
    return None if proved else INCOMPLETE
