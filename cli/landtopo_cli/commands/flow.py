"""`landtopo flow`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import Positive, Whole, init_option, problem_options
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "flow",
    epilog="""\b
Examples
  landtopo flow --teacher orthonormal:6 --width 6
  landtopo flow --teacher orthonormal:2 --width 2 --rate 0.5 --longest 200 --json
  landtopo flow --teacher orthonormal:2 --width 3 --weights start.npy
""",
)
@problem_options
@click.option(
    "--rate",
    metavar="ETA",
    type=Positive(),
    help="Learning rate of one-pass SGD in high dimension.  [default: gradient flow]",
)
@init_option
@click.option("--run", metavar="I", type=Whole(0), help="Which draw.  [default: 0]")
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Start from these weights instead.",
)
@click.option("--longest", metavar="T", type=Positive(), help="Time to stop at.  [default: 1e6]")
def command(
    request: Request,
    rate: float | None,
    init: str | None,
    run: int | None,
    weights: Path | None,
    longest: float | None,
) -> int | None:
    """Follow the summary statistics (Q, R) under gradient flow or one-pass SGD.

    Draw I is start number I of 'landtopo minima' and run number I of 'landtopo reach' with the
    same seed and distribution. JSON holds the whole trajectory.
    """
    from landtopo.models.networks.dynamics.flow import FlowOptions, FlowStatus
    from landtopo.models.networks.dynamics.statistics_flow import flow_statistics
    from landtopo.models.networks.statistics import summary_statistics
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.known import start_from
    from landtopo_cli.trajectories import trajectory_record, trajectory_text

    if request.starts is not None:
        raise click.UsageError("--starts does nothing here: a trajectory has one start.")
    if weights is not None and (init is not None or run is not None):
        raise click.UsageError("--init and --run do nothing beside --weights.")
    with request.work("flow", rate=rate, init=init, run=run, longest=longest) as work:
        if len(work.widths) > 1:
            raise click.UsageError("A trajectory lives at one width: give --width.")
        (width,) = work.widths
        options = work.options
        name, start = start_from(work, width, weights)
        begin = summary_statistics(work.teacher, start)
        flow = flow_statistics(
            work.problem(width),
            begin.student,
            begin.overlap,
            rate=options.get("rate"),
            options=FlowOptions(**{key: options[key] for key in ("longest",) if key in options}),
        )
    problem = work.problem(width)
    request.answer(
        lambda: trajectory_record(problem, name, flow),
        lambda: trajectory_text(problem, name, flow),
    )
    # At a finite rate there is no rest to come to, so the time is what was asked for.
    asked_for = longest is not None or rate is not None
    stopped = flow.status is FlowStatus.CONVERGED
    return None if stopped or (flow.status is FlowStatus.TIME and asked_for) else INCOMPLETE
