"""Frequencies of the families that training ends in, against published ones, in full size.

    python verification/dynamics_reachability.py descent      gradient descent, K = M = 6 .. 20
    python verification/dynamics_reachability.py flow         gradient flow, K = M = 17, 10^4 runs
    python verification/dynamics_reachability.py width        K = M, M + 1, M + 2 for M = 6, 10, 17

Every part keeps its runs in a study file under results/ and goes on where it was interrupted.
Published: Safran and Shamir 2018 (percentages of 1000 runs); Huang, Loureiro, Sarao Mannelli 2026
(percentages of 10^4 runs by the number of anti-aligned neurons).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.dynamics.reachability import Reachability, reachability
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.points.coverage import binomial_interval
from landtopo.study import Study

SPURIOUS = {6: 0.3, 8: 12.6, 10: 34.6, 12: 58.5, 17: 89.7, 20: 94.9}
ANTI_ALIGNED = (13.1, 27.5, 29.1, 18.9, 7.6)
STARTS = (
    "gaussian:1",
    "sphere:1",
    "orthogonal:1",
    "small:1e-3",
    "gaussian:1:dim=1000",
    "gaussian:1:dim=1000000000",
)


def run(size: int, width: int, runs: int, init: str, options: RunOptions) -> Reachability:
    """One set of runs, kept in the study of its teacher."""
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    teacher = Teacher.orthonormal(size)
    began = time.perf_counter()
    with Study.resume(folder / f"reachability-{size}.landtopo", teacher) as study:
        result = reachability(
            TeacherStudent(teacher, width),
            runs=runs,
            init=init,
            options=options,
            jobs=2,
            journal=study,
        )
    print(f"  [{time.perf_counter() - began:.0f} s, unfinished {result.unfinished}]", flush=True)
    return result


def compare(percentage: float, published: float, counts: tuple[int, int], runs: int) -> str:
    """Whether two binomial percentages agree, by their difference in standard errors."""
    count, total = counts
    mine = count / total
    theirs = published / 100
    pooled = (count + theirs * runs) / (total + runs)
    error = (pooled * (1 - pooled) * (1 / total + 1 / runs)) ** 0.5
    low, high = binomial_interval(count, total)
    return (
        f"{percentage:6.2f} % [{100 * low:.2f}, {100 * high:.2f}]   published {published:5.1f} %   "
        f"{(mine - theirs) / error:+.1f} standard errors"
    )


def descent() -> None:
    for size, published in SPURIOUS.items():
        print(f"K = M = {size}, gradient descent, step 0.1, 1000 runs from gaussian:1")
        result = run(size, size, 1000, "gaussian:1", RunOptions(method="gd"))
        spurious = result.runs - result.global_share().count
        print("  spurious", compare(spurious / 10, published, (spurious, 1000), 1000))


def flow() -> None:
    for init in STARTS:
        print(f"K = M = 17, gradient flow, 10000 runs from {init}")
        result = run(17, 17, 10_000, init, RunOptions())
        chi = 0.0
        for share, published in zip(result.by_anti_aligned(), ANTI_ALIGNED, strict=False):
            count = (share.count, share.runs)
            print(f"  {share.label}:", compare(100 * share.fraction, published, count, 10_000))
            expected = (share.count + published * 100) / 2
            chi += (share.count - expected) ** 2 / expected + (
                published * 100 - expected
            ) ** 2 / expected
        rest = {s.label: s.count for s in result.by_anti_aligned()[5:] if s.count}
        print(f"  others: {rest};  chi-square of the first five against published: {chi:.1f}")


def width() -> None:
    for size in (6, 10, 17):
        for extra in range(3):
            print(f"M = {size}, K = {size + extra}, gradient flow, 10000 runs from gaussian:1")
            result = run(size, size + extra, 10_000, "gaussian:1", RunOptions())
            share = result.global_share()
            print(
                f"  global {100 * share.fraction:.2f} % "
                f"[{100 * share.low:.2f}, {100 * share.high:.2f}]; by anti-aligned neurons",
                {s.label: round(100 * s.fraction, 2) for s in result.by_anti_aligned()},
            )


if __name__ == "__main__":
    {"descent": descent, "flow": flow, "width": width}[sys.argv[1]]()
