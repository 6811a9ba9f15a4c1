"""Safran and Shamir, Spurious local minima are common in two-layer ReLU neural networks.

ICML 2018.
"""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import landtopo as lt
from claims import Claim, Finding, compare_shares, states

SOURCE = "Safran and Shamir 2018"
PUBLISHED = Path(__file__).parents[2] / "data" / "published" / "spurious_percentages.csv"
RUNS = 1000


def percentage(size: int, published: float, runs: int) -> Finding:
    """Share of descents, entries N(0, 1/d), step 0.1, d = M, that do not end at zero loss."""
    found = lt.find_minima(
        lt.TeacherStudent(lt.Teacher.orthonormal(size), size),
        starts=RUNS,
        jobs=2,
        method="gradient-descent",
    )
    spurious = RUNS - sum(family.count for family in found.families if family.is_global)
    return compare_shares(spurious, RUNS, published / 100.0, runs)


def exists(teachers: int, students: int) -> Finding:
    """A spurious minimum, proved with interval arithmetic for inputs of any dimension."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(teachers), students)
    if students == teachers:
        candidates = [lt.block_family(1, size=teachers).weights()]
    else:
        found = lt.find_minima(problem, starts=2000, jobs=2)
        candidates = [
            family.weights
            for family in found.families
            if not family.is_global and family.effective_width == students
        ]
    for weights in candidates:
        proof = lt.certify(problem, weights)
        if proof.index == 0 and proof.loss_bounds[0] > 0.0:
            low, high = proof.loss_bounds
            least = min(proof.eigenvalue_bounds[0, 0], proof.normal_bounds[0, 0])
            return states(
                f"loss {0.5 * (low + high):.10f}, all curvatures above {least:.6f}",
                True,
                interval=f"proved: {low:.15f} to {high:.15f}",
            )
    return states(f"none of {len(candidates)} candidates was proved", False)


def _percentages() -> list[Claim]:
    with PUBLISHED.open() as file:
        rows = list(csv.DictReader(file))
    return [
        Claim(
            name=f"spurious-share-{row['size']}",
            source=SOURCE,
            says="Share of gradient-descent runs that end in a spurious point, "
            f"K = M = {row['size']}",
            published=f"{row['percentage']} % of {row['runs']}",
            command=f"landtopo minima --teacher orthonormal:{row['size']} --width {row['size']} "
            f"--method gradient-descent --starts {RUNS}",
            find=partial(percentage, int(row["size"]), float(row["percentage"]), int(row["runs"])),
        )
        for row in rows
    ]


CLAIMS = [
    *_percentages(),
    *(
        Claim(
            name=f"spurious-minimum-{teachers}-{students}",
            source=SOURCE,
            says=f"There is a spurious local minimum for M = {teachers}, K = {students}",
            published="proved",
            command=f"landtopo certify --teacher orthonormal:{teachers} --width {students}",
            find=partial(exists, teachers, students),
        )
        for teachers, students in [
            *((k, k) for k in range(6, 21)),
            (8, 9),
            *((k, k + 1) for k in range(10, 20)),
        ]
    ),
]
