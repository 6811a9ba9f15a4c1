"""Paths as people and as programs read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from landtopo.wording import counted
from landtopo_cli.families import problem_line, problem_record
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.paths.record import PathRecord

__all__ = ["missing", "path_record", "path_text"]


def path_record(path: PathRecord, start: str, end: str) -> dict[str, Any]:
    """A path in JSON."""
    return {"problem": problem_record(path.problem), "from": start, "to": end, **path.as_dict()}


def path_text(path: PathRecord, start: str, end: str) -> str:
    """A path for people: every minimum and every pass on it."""
    from landtopo.symmetry.permutations import format_cycles

    title = f"{problem_line(path.problem)}: path from {start} to {end}"
    if path.permutation is not None:
        title += f", relative permutation {format_cycles(path.permutation, len(path.start))}"
    counts = path.evaluations.as_dict()
    parts = [
        f"{title}.",
        path.status,
        *(_heights(path) if path.verified else _ends(path)),
        f"{path.bands} bands; {counts['gradient']} gradients, {counts['hessian']} Hessians, "
        f"{counts['value']} values; {path.seconds:.2g} s, seed {path.seed}.",
    ]
    return "\n\n".join(parts)


def _heights(path: PathRecord) -> list[str]:
    return [
        f"highest loss        {loss_text(path.highest_loss)}  ({path.kind})\n"
        f"barrier from start  {loss_text(path.barrier_from)}\n"
        f"barrier from end    {loss_text(path.barrier_to)}",
        _stations(path),
        *_pushed_on(path),
    ]


def _ends(path: PathRecord) -> list[str]:
    """What is known without a path: the two losses, and nothing of what separates them."""
    first, last = (loss_text(float(loss)) for loss in path.minima_losses[[0, -1]])
    missing = len(path.missing)
    return [
        f"loss of the start   {first}\nloss of the end     {last}",
        "No height and no barrier can be told"
        + (
            f"; {counted(missing, 'connection')} between known minima would be needed."
            if missing
            else "."
        ),
    ]


def missing(path: PathRecord, picture: Path) -> list[str]:
    """Sentences that say what the picture of an incomplete path lacks."""
    return [
        f"'{picture}' shows no path, only what is missing of it. {path.status}",
        *(gap.sentence() for gap in path.gaps()),
    ]


def _stations(path: PathRecord) -> str:
    rows = [
        (float(at), "minimum", loss_text(float(loss)), "", "", "")
        for at, loss in zip(path.minima_positions, path.minima_losses, strict=True)
    ]
    rows += [
        (
            float(at),
            "transition state",
            loss_text(state.loss),
            str(state.index),
            number(float(state.eigenvalues[0]) if len(state.eigenvalues) else None),
            number(state.grad_norm, 2),
        )
        for at, state in zip(path.transition_positions, path.transition_states, strict=True)
    ]
    header = ("position", "point", "loss", "index", "lowest curvature", "gradient")
    return table(header, [(number(at, 4), *rest) for at, *rest in sorted(rows)])


def _pushed_on(path: PathRecord) -> list[str]:
    return [
        f"A descent on step {number} came to rest at a saddle, at loss {loss_text(saddle.loss)}, "
        "and was pushed on."
        for number, step in enumerate(path.steps, start=1)
        for saddle in step.through
    ]
