"""Safran, Yehudai, Shamir, The effects of mild over-parameterization on the optimization
landscape of shallow ReLU neural networks (COLT 2021): minima published with the paper.
"""

from __future__ import annotations

import csv
from functools import cache, partial
from pathlib import Path

import landtopo as lt
from claims import Claim, Finding, compare_number

SOURCE = "Safran, Yehudai and Shamir 2021"
PUBLISHED = Path(__file__).parents[2] / "data" / "published" / "spurious_minima.csv"


@cache
def minimum(size: int, anti_aligned: int) -> lt.CriticalPoint:
    """The minimum with so many anti-aligned neurons, from its blocks and by its whole Hessian."""
    weights = lt.block_family(anti_aligned, size=size).weights()
    return lt.classify(lt.TeacherStudent(lt.Teacher.orthonormal(size), size), weights)


def loss(size: int, anti_aligned: int, published: str) -> Finding:
    """Its loss."""
    return compare_number(minimum(size, anti_aligned).loss, published, error=1e-14)


def eigenvalue(size: int, anti_aligned: int, published: str) -> Finding:
    """Its smallest curvature."""
    point = minimum(size, anti_aligned)
    least = float(min(point.eigenvalues[0], point.normal_eigenvalues[0]))
    return compare_number(least, published, error=point.zero_tolerance)


def _claims() -> list[Claim]:
    with PUBLISHED.open() as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        size, anti = int(row["size"]), int(row["anti_aligned"])
        command = f"landtopo block --anti-aligned {anti} --size {size}"
        where = f"of the minimum with {anti} anti-aligned neurons, K = M = {size}"
        for name, says, find in (
            ("loss", "Loss", loss),
            ("smallest_eigenvalue", "Smallest eigenvalue", eigenvalue),
        ):
            found.append(
                Claim(
                    name=f"{name.replace('_', '-')}-{size}-{anti}",
                    source=SOURCE,
                    says=f"{says} {where}",
                    published=row[name],
                    command=command,
                    find=partial(find, size, anti, row[name]),
                )
            )
    return found


CLAIMS = _claims()
