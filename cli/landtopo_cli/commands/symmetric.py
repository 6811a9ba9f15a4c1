"""`landtopo symmetric`."""

from __future__ import annotations

import click

from landtopo_cli.options import Whole, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "symmetric",
    epilog="""\b
Examples
  landtopo symmetric --teacher orthonormal:6 --width 6
  landtopo symmetric --teacher orthonormal:10 --width 10 --blocks 2 --cycle-starts 0 --json
""",
)
@problem_options
@click.option("--blocks", metavar="N", type=Whole(1, 100), help="Most blocks.  [default: 3]")
@click.option(
    "--cycle-starts",
    metavar="N",
    type=Whole(0, 1_000_000),
    help="Starts for each class of elements of prime order.  [default: 12]",
)
def command(request: Request, blocks: int | None, cycle_starts: int | None) -> int | None:
    """Find critical points by their symmetry, and say for each symmetry what there is.

    All groups of exchanges within up to N blocks of the teacher's vectors are gone through, with
    every action on the neurons: minima, saddles with their indices, or none with so many starts.
    """
    from landtopo.models.networks.symmetric.search import symmetry_search
    from landtopo_cli.symmetries import symmetry_record, symmetry_text

    results = []
    with request.work("symmetric", blocks=blocks, cycle_starts=cycle_starts) as work:
        for width in work.widths:
            results.append(
                symmetry_search(
                    work.problem(width),
                    seed=work.seed,
                    journal=work.study,
                    progress=work.progress,
                    **work.options,
                )
            )
    one = len(results) == 1
    request.answer(
        lambda: symmetry_record(results[0]) if one else [symmetry_record(r) for r in results],
        lambda: "\n\n\n".join(map(symmetry_text, results)),
    )
    return None
