"""`landtopo minima`."""

from __future__ import annotations

import click

from landtopo_cli.options import Positive, cluster_option, init_option, problem_options
from landtopo_cli.request import Request
from landtopo_cli.shards import in_shard, shard_option

__all__ = ["command"]


@click.command(
    "minima",
    epilog="""\b
Examples
  landtopo minima --teacher orthonormal:6 --width 6 --starts 5000 --jobs 2
  landtopo minima --teacher equicorrelated:4:-0.1 --widths 4:6 -o four.landtopo
  landtopo minima --teacher orthonormal:8 --width 8 --dim 8 --method gradient-descent --json
  landtopo minima --teacher orthonormal:6 --width 6 --starts 100000 --shard 2/4 -o part2.landtopo
  landtopo minima --model wells.py:wells --propose-symmetry
""",
)
@problem_options
@cluster_option
@shard_option
@click.option(
    "--method",
    metavar="METHOD",
    type=click.Choice(("quasi-newton", "gradient-descent")),
    help="How starts are followed: quasi-newton or gradient-descent.  [default: quasi-newton]",
)
@init_option
@click.option(
    "--step", metavar="ETA", type=Positive(), help="Step of gradient descent.  [default: 0.1]"
)
@click.option(
    "--until-coverage",
    metavar="SHARE",
    type=Positive(below=1.0),
    help="Stop when the estimated coverage is at least this, such as 0.999.",
)
@click.option(
    "--time", "time_limit", metavar="SECONDS", type=Positive(), help="Stop after this time."
)
@click.option(
    "--propose-symmetry",
    is_flag=True,
    help="For a model: say which signed permutations of coordinates its minima suggest, and which "
    "minima would be copies by them. Nothing is merged.",
)
def command(
    request: Request,
    cluster: str | None,
    shard: tuple[int, int] | None,
    method: str | None,
    init: str | None,
    step: float | None,
    until_coverage: float | None,
    time_limit: float | None,
    propose_symmetry: bool,
) -> int | None:
    """Find families of minima from many random starts.

    Every start is followed until the gradient vanishes; the ends are grouped into families modulo
    the symmetry of the problem, and classified by the exact Hessian in all dimensions. The table
    ends with an estimate of what was not seen.
    """
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.families import minima_text, search_record
    from landtopo_cli.known import search_minima
    from landtopo_cli.shared import count_starts, longer_kept, share

    if propose_symmetry:
        raise click.UsageError("--propose-symmetry is for a model; give --model.")
    if shard is not None and (until_coverage or time_limit):
        raise click.UsageError("--shard needs a fixed number of starts; leave out the other limit.")
    with request.work(
        "minima",
        needs={"step": "gradient-descent"},
        method=method,
        init=init,
        step=step,
        until_coverage=until_coverage,
        time_limit=time_limit,
    ) as work:
        results = in_shard(request, work.on(cluster).only(shard), search_minima)
        if results is None:
            return None
        if work.study is not None:
            from landtopo.models.networks.landscape.kept import kept_networks

            for result in results:
                problem = result.problem
                starts = len(result.attempts)
                for news in (
                    *longer_kept(work.study, result.search, problem.width, starts),
                    *share(work.study, problem.width),
                ):
                    request.note(news)
                count_starts(work.study, kept_networks(problem))
    one = len(results) == 1
    request.answer(
        lambda: search_record(results[0]) if one else [search_record(r) for r in results],
        lambda: "\n\n\n".join(minima_text(result) for result in results),
    )
    return None if all(result.families for result in results) else INCOMPLETE
