"""Share of runs of gradient descent that reach the lowest level, against published numbers.

Huang, Loureiro and Sarao Mannelli (arXiv 2604.09412) give it for M = 17 and K = 17, 18, 19, for
four ways to train: weights alone, both layers, normalised and orthonormal neurons. Here runs of
each are followed by plain steps of 0.1 from entries N(0, scale^2 / d), and their losses are noted
after 100 to 10^5 steps, so that one table tells what depends on when runs are stopped, on what
counts as success, and on the starts. Orthonormal neurons need d >= K.

    python verification/optimisers.py --runs 2000                   all, d = 17
    python verification/optimisers.py --only free --scale 0.1       shorter starts
    python verification/optimisers.py --only free --dim 1000        of small overlap with teachers

Every hundred runs are written to results/optimisers/; a second call goes on where the first was.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import numpy as np

import landtopo as lt
from landtopo.kernels.descent import CONVERGED, descend_batch
from landtopo.kernels.training import ConstrainedNetwork, TrainedNetwork
from landtopo.models.networks.formulas import formulas_of, with_outputs
from landtopo.models.networks.starts import draw_start, parse_distribution, start_generator

ROOT = Path(__file__).resolve().parent.parent
SIZE = 17
STEP = 0.1
# Numbers of steps after which losses are noted; the runs at rest keep theirs.
STEPS = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
# |grad| of a run at rest, and a loss that is zero: what is below stays below.
REST = 1e-9
ZERO = 1e-8
CHUNK = 100
# How far above the lowest level a loss may be to be counted, and how many levels are told.
ABOVE = (1e-2, 1e-3, 1e-4, 1e-6)
MOST = 8
# Published, in per cent, for K = 17, 18, 19.
PUBLISHED = {
    "free": (13.25, 64.18, 77.50),
    "trained": (13.24, 67.91, 99.48),
    "normalised": (14.12, 58.35, None),
    "orthonormal": (None, None, None),
}


def of(kind: str, width: int, dim: int) -> lt.TeacherStudent:
    """Student and teacher."""
    needed = max(dim, width) if kind == "orthonormal" else dim
    return lt.TeacherStudent(lt.Teacher.orthonormal(SIZE), width, dim=needed)


def landscape(kind: str, problem: lt.TeacherStudent, columns: int) -> Any:
    """The landscape that descent goes down, for one batch."""
    if kind == "trained":
        return TrainedNetwork(with_outputs(problem, columns), SIZE)
    inner = formulas_of(problem).network(columns, problem.width)
    if kind == "free":
        return inner
    lengths = np.ones(problem.width) if kind == "normalised" else np.empty(0)
    return ConstrainedNetwork(inner, lengths)


def starts(kind: str, problem: lt.TeacherStudent, scale: float, seed: int, first: int) -> Any:
    """Points of so many runs: what was drawn, brought to the constraint."""
    init = parse_distribution(f"gaussian:{scale!r}:dim={problem.dim}")
    drawn = [
        draw_start(problem, init, start_generator(seed, problem.width, run))
        for run in range(first, first + CHUNK)
    ]
    weights = np.array(drawn)
    if kind == "trained":
        ones = np.ones((*weights.shape[:2], 1))
        return np.concatenate([weights[..., :SIZE], ones, weights[..., SIZE:]], axis=2)
    if kind == "normalised":
        return weights / np.linalg.norm(weights, axis=2, keepdims=True)
    if kind == "orthonormal":
        left, _, right = np.linalg.svd(weights, full_matrices=False)
        return left @ right
    return weights


def losses(kind: str, problem: lt.TeacherStudent, points: Any) -> Any:
    """Losses of points, through the weights and output weights that they stand for."""
    if kind != "trained":
        return lt.PopulationLoss(problem).value(points)
    outputs, weights = points[..., SIZE], np.delete(points, SIZE, axis=2)
    found = []
    for a, w in zip(outputs, weights, strict=True):
        given = lt.TeacherStudent(problem.teacher, problem.width, problem.dim, outputs=tuple(a))
        found.append(float(lt.PopulationLoss(given).value(w)))
    return np.array(found)


def followed(kind: str, problem: lt.TeacherStudent, scale: float, seed: int, first: int) -> Any:
    """Losses (runs, steps) after each number of steps."""
    points = starts(kind, problem, scale, seed, first)
    flat = np.ascontiguousarray(points.reshape(CHUNK, -1))
    columns = points.shape[2] - (kind == "trained")
    data = landscape(kind, problem, columns)
    found, before = np.empty((CHUNK, len(STEPS))), 0
    moving = np.arange(CHUNK)
    for number, steps in enumerate(STEPS):
        batch = flat[moving]
        # The last gradient of a call makes a step, too, unless the run is at rest.
        _, status, _ = descend_batch(batch, data, STEP, REST, steps - before)
        flat[moving] = batch
        found[:, number] = losses(kind, problem, flat.reshape(points.shape))
        moving = moving[(status != CONVERGED) & (found[moving, number] > ZERO)]
        before = steps
    return found


def told(kind: str, width: int, found: Any, about: str) -> None:
    """The rows of one model and width: shares at the lowest level, by steps and by threshold."""
    runs, published = len(found), PUBLISHED[kind][width - SIZE]
    level = max(0.0, float(found[:, -1].min()))
    click.echo(
        f"\n{kind}, K = {width}, {about}, {runs} runs; published "
        f"{'none' if published is None else f'{published} %'}; lowest level {level:.10f}"
    )
    click.echo("    steps   " + "".join(f"L < lowest + {above:<7.0e}" for above in ABOVE))
    for column, steps in enumerate(STEPS):
        cells = []
        for above in ABOVE:
            count = int(np.sum(found[:, column] <= level + above))
            low, high = lt.binomial_interval(count, runs)
            cells.append(f"{100 * count / runs:6.2f} ({100 * low:.1f}-{100 * high:.1f})")
        click.echo(f"{steps:9d}   " + "  ".join(f"{cell:18s}" for cell in cells))
    values, counts = np.unique(found[:, -1].round(5), return_counts=True)
    order = np.argsort(-counts)[:MOST]
    levels = ", ".join(f"{values[n]:.5f}: {100 * counts[n] / runs:.1f} %" for n in sorted(order))
    click.echo(f"    levels at the end  {levels}")


@click.command(help=__doc__)
@click.option("--runs", default=2000, show_default=True, help="Runs of each, in hundreds.")
@click.option("--only", multiple=True, type=click.Choice(list(PUBLISHED)), help="Of these models.")
@click.option("--width", "widths", multiple=True, type=click.IntRange(SIZE, SIZE + 2))
@click.option("--scale", default=1.0, show_default=True, help="Of starts.")
@click.option("--dim", default=SIZE, show_default=True, help="Of the inputs.")
@click.option("--seed", default=0, show_default=True)
@click.option("--folder", type=Path, default=ROOT / "results" / "optimisers", show_default=False)
def main(
    runs: int,
    only: tuple[str, ...],
    widths: tuple[int, ...],
    scale: float,
    dim: int,
    seed: int,
    folder: Path,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for kind in only or PUBLISHED:
        for width in widths or (SIZE, SIZE + 1, SIZE + 2):
            problem = of(kind, width, dim)
            name = f"{kind}-{width}-{problem.dim}-{scale:g}-{seed}"
            found = []
            for first in range(0, runs, CHUNK):
                file = folder / f"{name}-{first}.npy"
                if not file.exists():
                    draft = file.with_suffix(".part")
                    with draft.open("wb") as stream:
                        np.save(stream, followed(kind, problem, scale, seed, first))
                        os.fsync(stream.fileno())
                    draft.replace(file)
                found.append(np.load(file))
            told(kind, width, np.concatenate(found), f"d = {problem.dim}, starts {scale:g}")


if __name__ == "__main__":
    main()
