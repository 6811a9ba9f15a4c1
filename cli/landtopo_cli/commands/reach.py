"""`landtopo reach`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo_cli.options import (
    STARTS,
    Positive,
    cluster_option,
    force_option,
    init_option,
    problem_options,
)
from landtopo_cli.request import Request, Work
from landtopo_cli.shards import in_shard, shard_option

if TYPE_CHECKING:
    from landtopo.models.networks.dynamics.reachability import Reachability

__all__ = ["command"]


@click.command(
    "reach",
    epilog="""\b
Examples
  landtopo reach --teacher orthonormal:6 --widths 6:8 --runs 2000
  landtopo reach --teacher orthonormal:17 --widths 17:19 --runs 10000 --jobs 2 --out-dir out
  landtopo reach --teacher orthonormal:17 --width 17 --runs 1000000 --shard 2/40 -o part2.landtopo
  landtopo reach --teacher orthonormal:2 --width 2 --dim 1000 --method sgd --rate 0.5
""",
)
@problem_options
@click.option("--runs", metavar="N", type=STARTS, help="[default: 1000]")
@click.option(
    "--method",
    metavar="METHOD",
    type=click.Choice(("flow", "gd", "sgd")),
    help="flow, gd (gradient descent) or sgd.  [default: flow]",
)
@init_option
@click.option("--step", metavar="ETA", type=Positive(), help="Step of gd.  [default: 0.1]")
@click.option(
    "--rate", metavar="ETA", type=Positive(), help="Learning rate of sgd.  [default: 0.1]"
)
@click.option("--duration", metavar="T", type=Positive(), help="Steps/d of sgd.  [default: 500]")
@cluster_option
@shard_option
@click.option(
    "--out-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for a picture: where runs end, against width.",
)
@force_option
def command(
    request: Request,
    runs: int | None,
    method: str | None,
    init: str | None,
    step: float | None,
    rate: float | None,
    duration: float | None,
    cluster: str | None,
    shard: tuple[int, int] | None,
    out_dir: Path | None,
    force: bool,
) -> int | None:
    """Say which families training ends in, and how often, from a stated initialisation.

    Every run follows its own dynamics into the basin of its end point; runs that end at a saddle,
    or do not end, are counted as such. Fractions come with binomial intervals. A graph in the
    study gets them on its nodes, and 'landtopo plot --kind reached' draws them.
    """
    from landtopo.models.networks.dynamics.ends import RunOptions
    from landtopo.models.networks.dynamics.reachability import reachability
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.outputs import Outputs, check_reached, write_reached
    from landtopo_cli.reached import keep_reachability, reach_text
    from landtopo_cli.shared import share

    if runs is not None and request.starts is not None:
        raise click.UsageError("--starts does nothing beside --runs.")
    needs = {"step": "gd", "rate": "sgd", "duration": "sgd"}
    given = {"runs": runs or request.starts, "method": method, "init": init, "step": step}
    outputs = Outputs()
    with request.work("reach", needs=needs, **given, rate=rate, duration=duration) as work:
        if out_dir is not None:
            check_reached(out_dir, work.study, force=force)
        options = RunOptions(**_picked(work.options, "method", "step", "rate", "duration"))

        def search(work: Work, width: int) -> Reachability:
            found = reachability(
                work.problem(width),
                options=options,
                seed=work.seed,
                cluster=cluster,
                journal=work.journal,
                progress=work.progress,
                **_picked(work.options, "runs", "init", "jobs"),
            )
            if work.study is not None:
                keep_reachability(work.study, found)
                for news in share(work.study, width):
                    request.note(news)
            return found

        results = in_shard(request, work.only(shard), search)
        if results is None:
            return None
        one = len(results) == 1
        try:
            if out_dir is not None:
                outputs = write_reached(out_dir, results, work.study)
                if outputs.files:
                    named = " and ".join(f"'{file}'" for file in outputs.files)
                    request.note(f"{named} are written.")
                request.warn(outputs.failed)
        finally:
            request.answer(
                lambda: results[0].record() if one else [found.record() for found in results],
                lambda: reach_text(results),
            )
    finished = not any(found.unfinished for found in results)
    return None if finished and not outputs.failed else INCOMPLETE


def _picked(options: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}
