"""What other papers say, one module for each paper, and how it is recomputed here.

A module defines ``CLAIMS``. A claim names the command that shows the same to a reader; its function
makes a `Finding`, evidence before verdict.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import landtopo as lt

__all__ = [
    "AGREES",
    "DISAGREES",
    "OPEN",
    "Claim",
    "Finding",
    "compare_number",
    "compare_shares",
    "states",
]

AGREES, DISAGREES, OPEN = "agrees", "disagrees", "not testable"

#: Two samples agree when their difference is within so many standard errors. Some thirty are
#: compared, of which one in twelve such tables would have one outside by chance.
SIGMAS = 3.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found, and what follows.

    Attributes
    ----------
    ours : str
        The value as a reader sees it.
    interval : str
        Where it lies for certain, or with which confidence.
    z : float or None
        Difference from the published value in standard errors, where both are samples.
    verdict : str
    why : str
        One sentence where the verdict is not plain *agrees*.
    """

    ours: str
    interval: str = ""
    z: float | None = None
    verdict: str
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One published number or statement.

    Attributes
    ----------
    name : str
        Unique, and a file name.
    source : str
        The paper.
    says : str
        What is claimed.
    published : str
        The number, as printed.
    command : str
        Shows the same.
    find : callable
        Recomputes it.
    """

    name: str
    source: str
    says: str
    published: str
    command: str
    find: Callable[[], Finding]


def compare_shares(count: int, runs: int, published: float, published_runs: int) -> Finding:
    """Whether two binomial shares agree, by their difference in standard errors.

    Parameters
    ----------
    count, runs : int
        Ours.
    published : float
        The published share, between 0 and 1.
    published_runs : int
    """
    pooled = (count + published * published_runs) / (runs + published_runs)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / runs + 1.0 / published_runs))
    z = (count / runs - published) / error if error > 0.0 else 0.0
    low, high = lt.binomial_interval(count, runs)
    return Finding(
        ours=f"{100 * count / runs:.2f} % of {runs}",
        interval=f"95 %: {100 * low:.2f} to {100 * high:.2f} %",
        z=z,
        verdict=AGREES if abs(z) <= SIGMAS else DISAGREES,
        why="" if abs(z) <= SIGMAS else f"The shares are {abs(z):.1f} standard errors apart.",
    )


def compare_number(value: float, published: str, *, error: float) -> Finding:
    """Whether a number agrees with one that was printed with a number of digits.

    Parameters
    ----------
    value, error : float
        Ours, and how well it is known.
    published : str
        The number as printed; it stands for all that are rounded to it.
    """
    digits = len(published.partition(".")[2])
    half = 0.5 * 10.0**-digits
    apart = abs(value - float(published))
    agrees = apart <= half + error
    return Finding(
        ours=f"{value:.12g}",
        interval=f"+- {error:.0e}",
        verdict=AGREES if agrees else DISAGREES,
        why="" if agrees else f"They differ by {apart:.2e}.",
    )


def states(ours: str, holds: bool, *, interval: str = "", why: str = "") -> Finding:
    """A statement that holds or does not."""
    return Finding(ours=ours, interval=interval, verdict=AGREES if holds else DISAGREES, why=why)
