"""Huang, Loureiro, Sarao Mannelli, Sharp description of local minima in the loss landscape of
high-dimensional two-layer ReLU neural networks (arXiv 2604.09412, 2026).
"""

from __future__ import annotations

import csv
from functools import cache, partial
from pathlib import Path

import landtopo as lt
from claims import OPEN, Claim, Finding, compare_shares, states
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.dynamics.reachability import Reachability

SOURCE = "Huang, Loureiro and Sarao Mannelli 2026"
PUBLISHED = Path(__file__).parents[2] / "data" / "published" / "flow_frequencies.csv"
SIZE = 17
FLOWS = 10_000
DESCENTS = 2_000
# Starts of vanishing overlap with the teacher, as in the limit of many dimensions.
INIT = "gaussian:1:dim=1000000000"
# Share of runs at the lowest level for K = 17, 18, 19, in per cent.
SUCCESS = {
    "free": (13.25, 64.18, 77.50),
    "trained second layer": (13.24, 67.91, 99.48),
    "normalised": (14.12, 58.35, None),
}


@cache
def flows() -> Reachability:
    """Gradient flows at K = M = 17."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(SIZE), SIZE)
    return lt.reachability(problem, runs=FLOWS, init=INIT, jobs=2)


def frequency(anti_aligned: int, published: float, runs: int) -> Finding:
    """Share of flows that end in minima with so many anti-aligned neurons."""
    share = flows().by_anti_aligned()[anti_aligned]
    return compare_shares(share.count, share.runs, published / 100.0, runs)


def success(width: int, published: float) -> Finding:
    """Share of gradient-descent runs that end at zero loss."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(SIZE), width)
    found = lt.reachability(
        problem, runs=DESCENTS, init="gaussian:1", options=RunOptions(method="gd"), jobs=2
    )
    share = found.global_share()
    return compare_shares(share.count, share.runs, published / 100.0, FLOWS)


def untested() -> Finding:
    """Another way to train, of which another script has the shares."""
    return Finding(ours="", verdict=OPEN, why="Depends on the steps: optimisers.py.")


def stable(teachers: int) -> Finding:
    """Minima with one anti-aligned neuron and one neuron more than the teacher, proved."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(teachers), teachers + 1)
    found = lt.find_minima(problem, starts=4000, jobs=2)
    for family in found.families:
        if family.anti_aligned == 1 and family.effective_width == problem.width:
            proof = lt.certify(problem, family.weights)
            if proof.index == 0:
                least = min(proof.eigenvalue_bounds[0, 0], proof.normal_bounds[0, 0])
                return states(
                    f"a minimum, loss {family.loss:.10f}, smallest eigenvalue {least:.7f}",
                    False,
                    interval="proved",
                    why="The certified minimum contradicts the statement.",
                )
    return states(f"none in {len(found.attempts)} starts", True)


def attractive(size: int, dim: int | None) -> Finding:
    """Minima are attractive fixed points of the flow in (Q, R), saddles are not."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(size), size, dim=dim)
    found = lt.find_minima(problem, starts=300, jobs=2)
    saddles = lt.find_saddles(problem, starts=40, jobs=2)
    minima = [family for family in found.families if family.flat_dimension == 0]
    inside = [s for s in saddles.families if s.weights.shape[1] == size]
    right = all(lt.is_attractive(problem, family.weights) for family in minima)
    wrong = any(lt.is_attractive(problem, family.weights) for family in inside)
    return states(
        f"{len(minima)} families of minima attract, {len(inside)} of saddles do not"
        if right and not wrong
        else "not so",
        right and not wrong and bool(minima),
    )


def same_points(size: int) -> Finding:
    """Minima of the loss do not depend on the dimension of the inputs.

    What starts in one dimension meet is classified in all others: a family that is rare is not met
    in each.
    """
    problems = [
        lt.TeacherStudent(lt.Teacher.orthonormal(size), size, dim=dim)
        for dim in (size, size + 1, 10 * size, None)
    ]
    met = [
        family
        for problem in problems
        for family in lt.find_minima(problem, starts=600, jobs=2).families
    ]
    points = [
        (family, lt.classify(problem, family.weights)) for family in met for problem in problems
    ]
    same = all(
        point.kind is family.point.kind and abs(point.loss - family.loss) <= 1e-12
        for family, point in points
    )
    return states(
        f"{len({round(family.loss, 10) for family in met})} families, minima of one loss for "
        "d = M, M + 1, 10 M and infinite",
        same,
    )


def _frequencies() -> list[Claim]:
    with PUBLISHED.open() as file:
        rows = list(csv.DictReader(file))
    return [
        Claim(
            name=f"flow-share-{row['anti_aligned']}",
            source=SOURCE,
            says=f"Share of flows that end with {row['anti_aligned']} anti-aligned neurons, "
            f"K = M = {row['size']}",
            published=f"{row['percentage']} % of {row['runs']}",
            command=f"landtopo reach --teacher orthonormal:{SIZE} --width {SIZE} --runs {FLOWS} "
            f"--init {INIT}",
            find=partial(
                frequency, int(row["anti_aligned"]), float(row["percentage"]), int(row["runs"])
            ),
        )
        for row in rows
    ]


def _table() -> list[Claim]:
    found = []
    for model, row in SUCCESS.items():
        for width, share in zip((17, 18, 19), row, strict=True):
            if share is None:
                continue
            found.append(
                Claim(
                    name=f"success-{model.replace(' ', '-')}-{width}",
                    source=SOURCE,
                    says=f"Share of gradient-descent runs at the lowest level, M = 17, "
                    f"K = {width}, {model}",
                    published=f"{share} %",
                    command=f"landtopo reach --teacher orthonormal:17 --width {width} --method gd "
                    f"--runs {DESCENTS}",
                    find=partial(success, width, share) if model == "free" else untested,
                )
            )
    return found


CLAIMS = [
    *_frequencies(),
    *_table(),
    *(
        Claim(
            name=f"one-anti-aligned-{teachers}-{teachers + 1}",
            source=SOURCE,
            says=f"No stable family has one anti-aligned neuron, M = {teachers}, "
            f"K = {teachers + 1}",
            published="none",
            command=f"landtopo minima --teacher orthonormal:{teachers} --width {teachers + 1} "
            "--starts 4000",
            find=partial(stable, teachers),
        )
        for teachers in (8, 17)
    ),
    *(
        Claim(
            name=f"fixed-points-{size}-{'infinite' if dim is None else dim}",
            source=SOURCE,
            says=f"Minima are the attractive fixed points of one-pass SGD's flow, K = M = {size}, "
            f"d = {'infinite' if dim is None else dim}",
            published="proved",
            command=f"landtopo saddles --teacher orthonormal:{size} --width {size}",
            find=partial(attractive, size, dim),
        )
        for size, dim in ((6, 6), (6, None), (8, None))
    ),
    *(
        Claim(
            name=f"any-dimension-{size}",
            source=SOURCE,
            says=f"Minima are described by overlaps alone, whatever d is, K = M = {size}",
            published="proved",
            command=f"landtopo minima --teacher orthonormal:{size} --width {size} --dim {size + 1}",
            find=partial(same_points, size),
        )
        for size in (6, 8)
    ),
]
