"""Confirm every performance claim of docs/paper/paper.md, on one thread of this machine.

A claim is marked behind its sentence, `<!-- claim: NAME = NUMBER -->`. For each, the function
NAME here measures the same quantity; `AT_LEAST` has the claims that are lower bounds. Times are
processor times, the best of a few repetitions. Exit code 1 if a claim does not hold.

    OMP_NUM_THREADS=1 python verification/paper_claims.py
"""

from __future__ import annotations

import csv
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np

import landtopo as lt
from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.dynamics.ends import RunOptions, follow_runs
from landtopo.models.networks.starts import GaussianStart
from landtopo.paths.join import JoinOptions

ROOT = Path(__file__).parent.parent
PAPER = ROOT / "docs" / "paper" / "paper.md"
PUBLISHED = ROOT / "data" / "published" / "spurious_minima.csv"
AT_LEAST = {"minima_per_second"}


def orthonormal(size: int) -> lt.TeacherStudent:
    return lt.TeacherStudent(lt.Teacher.orthonormal(size), size)


def best(call: Callable[[], object], repeats: int) -> float:
    """Shortest processor time of a call, compiled code loaded before."""
    call()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        call()
        times.append(time.process_time() - begin)
    return min(times)


def minima_per_second() -> float:
    """Converged starts a second, K = M = 6."""
    network = lt.PopulationLoss(orthonormal(6)).network(6)
    starts = np.random.default_rng(0).standard_normal((500, 6, 6)) / np.sqrt(6)
    converged = 0

    def search() -> None:
        nonlocal converged
        _, statuses, _ = minimise_batch(starts.copy(), network, 1e-12, 20_000)
        converged = int(np.sum(statuses == 0))

    return converged / seconds if (seconds := best(search, 3)) else 0.0


def gradient_microseconds() -> float:
    """Value and gradient of a batch of 256 points, K = M = 10, for one point."""
    loss = lt.PopulationLoss(orthonormal(10))
    weights = np.random.default_rng(0).standard_normal((256, 10, 10)) / np.sqrt(10)
    return 1e6 * best(lambda: loss.value_and_gradient(weights), 20) / 256


def flow_milliseconds() -> float:
    """One run of gradient flow to its end, K = M = 17, mean of 100."""
    problem = orthonormal(17)
    options = RunOptions(method="flow")
    return 1e3 * best(lambda: follow_runs(problem, GaussianStart(), options, 0, 0, 100), 2) / 100


def path_seconds() -> float:
    """A three-cycle at K = M = 20, to the first verified path."""
    problem = orthonormal(20)
    start = np.eye(20)
    end = start[[1, 2, 0, *range(3, 20)]]
    options = lt.ConnectOptions(join=JoinOptions(improve=0))
    assert lt.connect(problem, start, end, options=options).verified
    return best(lambda: lt.connect(problem, start, end, options=options), 3)


def sgd_ratio() -> float:
    """Time of steps of SGD in 10^6 dimensions over that in 10^3, K = M = 4."""

    def seconds(dim: int) -> float:
        problem = lt.TeacherStudent(lt.Teacher.orthonormal(4), 4, dim=dim)
        weights = 0.3 + 0.5 * np.eye(4)
        times = [0.0, 20_000 / dim]
        return best(lambda: lt.run_sgd(problem, weights, rate=0.1, times=times), 5)

    return seconds(10**6) / seconds(10**3)


def noise_milliseconds() -> float:
    """The noise matrix, K = M = 10."""
    teacher = lt.Teacher.orthonormal(10)
    weights = np.random.default_rng(0).standard_normal((10, 10)) / np.sqrt(10)
    assert lt.noise_term(teacher, weights).accurate
    return 1e3 * best(lambda: lt.noise_term(teacher, weights), 5)


def loss_error() -> float:
    """Largest relative error of a loss against 60 digits, nearly parallel neurons included."""
    problem = orthonormal(3)
    loss = lt.PopulationLoss(problem)
    rng = np.random.default_rng(0)
    points = [rng.standard_normal((3, 3)) for _ in range(5)]
    points += [np.eye(3) + size * rng.standard_normal((3, 3)) for size in (1e-3, 1e-6, 1e-11)]
    return max(
        abs(float((mpmath.mpf(loss.value(point)) - exact) / exact))
        for point in points
        for exact in [exact_loss(point)]
    )


def exact_loss(weights: np.ndarray) -> mpmath.mpf:
    """The definition with the arc cosine, in 60 digits, teacher orthonormal."""
    with mpmath.workdps(60):
        students = [[mpmath.mpf(float(entry)) for entry in row] for row in weights]
        size = len(students)
        teachers = [[mpmath.mpf(int(i == j)) for j in range(size)] for i in range(size)]

        def pair(u: list[mpmath.mpf], v: list[mpmath.mpf]) -> mpmath.mpf:
            p, q = mpmath.norm(u), mpmath.norm(v)
            cosine = max(-1, min(1, mpmath.fdot(u, v) / (p * q)))
            angle = mpmath.acos(cosine)
            return p * q * (mpmath.sin(angle) + (mpmath.pi - angle) * cosine) / (2 * mpmath.pi)

        def total(first: list[list[mpmath.mpf]], second: list[list[mpmath.mpf]]) -> mpmath.mpf:
            return mpmath.fsum(pair(u, v) for u in first for v in second)

        squares = total(students, students) + total(teachers, teachers)
        return squares / 2 - total(students, teachers)


def published_error() -> float:
    """Losses of all minima of data/published/spurious_minima.csv."""
    with PUBLISHED.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows
    errors = []
    for row in rows:
        family = lt.block_family(anti_aligned=int(row["anti_aligned"]), size=int(row["size"]))
        errors.append(abs(family.loss - float(row["loss"])))
    return max(errors)


def claims(text: str) -> dict[str, float]:
    """The claims that a text marks, by name."""
    found = re.findall(r"<!--\s*claim:\s*(\w+)\s*=\s*(\S+)\s*-->", text)
    return {name: float(number) for name, number in found}


def main() -> int:
    """Print a line for each claim."""
    failed = 0
    for name, claimed in claims(PAPER.read_text("utf-8")).items():
        measured = globals()[name]()
        holds = measured >= claimed if name in AT_LEAST else measured <= claimed
        failed += not holds
        bound = "at least" if name in AT_LEAST else "at most"
        verdict = "holds" if holds else "DOES NOT HOLD"
        print(f"{name:24} {bound} {claimed:g}, measured {measured:.3g}: {verdict}", flush=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
