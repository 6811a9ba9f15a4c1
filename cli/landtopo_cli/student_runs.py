"""`reach` and `flow` of students with a trained second layer or a constraint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.dynamics.students import StudentFlow, StudentRuns
    from landtopo_cli.models import Asked

__all__ = ["flow", "reach"]

# Lines of a trajectory.
_ROWS = 16
_WITHOUT_END = {
    "diverged": "left for good: steps were too long for it",
    "unfinished": "did not come to rest within the limits",
}


def reach(asked: Asked, runs: int | None, method: str | None, step: float | None) -> int | None:
    """Say in which points training ends, and how often."""
    from landtopo.models.kept import kept_model
    from landtopo.models.networks.dynamics.ends import RunOptions
    from landtopo.models.networks.dynamics.reachability import reachability
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.shared import share_model

    if runs is not None and asked.starts is not None:
        raise click.UsageError("--starts does nothing beside --runs.")
    if step is not None and method != "gd":
        raise click.UsageError("--step does nothing without --method gd.")
    options = RunOptions(**_given(method=method, step=step))
    how = {name: value for name, value in asked.search.items() if name != "starts"}
    results: list[StudentRuns] = []
    for model in asked.models:
        many = _given(runs=runs or asked.starts)
        found: Any = reachability(model, options=options, **many, **how)  # type: ignore[arg-type]
        asked.keep("reachability", found.search)
        if asked.study is not None:
            for news in share_model(asked.study, kept_model(model)):
                asked.note(news)
        results.append(found)
    records = [found.record() for found in results]
    asked.answer(
        lambda: records[0] if len(records) == 1 else records,
        lambda: "\n\n".join(_reach_text(found) for found in results),
    )
    unfinished = any(share.label == "unfinished" for found in results for share in found.shares())
    return INCOMPLETE if unfinished else None


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _reach_text(found: StudentRuns) -> str:
    families = {family.id: family for family in found.families}
    rows = []
    for share in found.shares():
        family = families.get(share.label)
        rows.append(
            (
                share.label,
                "-" if family is None else str(family.point.kind),
                "-" if family is None else loss_text(family.loss),
                str(share.count),
                f"{100 * share.fraction:.2f} %",
                f"{100 * share.low:.2f}-{100 * share.high:.2f}",
                _WITHOUT_END[share.label] if family is None else family.description,
            )
        )
    header = ("point", "kind", "loss", "runs", "share", "interval", "what it is")
    success = found.success()
    level = (
        "zero loss" if found.zero else f"the lowest loss that these runs know, {found.level:.9g}"
    )
    told = [
        f"{found.search.model}: {found.runs} runs by {found.options}, seed "
        f"{found.search.search['seed']}; intervals of {100 * found.confidence:.0f} %.",
        table(header, rows),
    ]
    if success.count:
        told.append(
            f"{100 * success.fraction:.2f} % ({100 * success.low:.2f}-{100 * success.high:.2f}) "
            f"end at {level}."
        )
    if found.conserved:
        told.append(
            f"The flow keeps {found.conserved}; in these runs it changed by {found.drift:.2g} at "
            "most, relative to its size at the start or to 1."
        )
    return "\n\n".join(told)


def flow(asked: Asked, run: int | None, longest: float | None) -> int | None:
    """Follow the gradient flow from one start."""
    from landtopo.models.networks.dynamics.flow import FlowOptions, FlowStatus
    from landtopo.models.networks.dynamics.students import flow_students
    from landtopo_cli.app import INCOMPLETE

    if asked.starts is not None:
        raise click.UsageError("--starts does nothing here: a trajectory has one start.")
    options = FlowOptions(**_given(longest=longest))
    model: Any = asked.model
    found = flow_students(model, run=run or 0, seed=asked.seed, options=options)
    asked.answer(
        lambda: {"model": model.name, "run": run or 0, "seed": asked.seed, **found.record()},
        lambda: _flow_text(model.name, run or 0, asked.seed, found),
    )
    stopped = found.status is FlowStatus.CONVERGED
    timed = found.status is FlowStatus.TIME and longest is not None
    return None if stopped or timed else INCOMPLETE


def _flow_text(name: str, run: int, seed: int, found: StudentFlow) -> str:
    import numpy as np

    chosen = np.unique(np.linspace(0, len(found.times) - 1, _ROWS).round().astype(int))
    header = ["time", "loss", "gradient", *(["conserved to"] if found.conserved else [])]
    columns = [found.times, found.losses, found.grad_norms]
    columns += [found.drifts] if found.conserved else []
    rows = [tuple(number(float(column[i]), 4) for column in columns) for i in chosen]
    told = f" The flow conserves {found.conserved}." if found.conserved else ""
    return "\n\n".join(
        [
            f"{name}: gradient flow from draw {run}, seed {seed}. {found.status.value}{told}",
            table(tuple(header), rows),
        ]
    )
