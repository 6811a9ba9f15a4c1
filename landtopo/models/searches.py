"""Minima and saddles of a model, from many starts; what `landtopo` comes to for a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from landtopo.checks import (
    checked_count,
    checked_jobs,
    checked_seed,
)
from landtopo.journal import Forgetful, Journal
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.given import refuse
from landtopo.models.smooth import FunctionSearch, SmoothModel, follow_to, grouped
from landtopo.points.climbs import SaddleStart
from landtopo.points.records import Kind
from landtopo.progress import Progress, Silent

__all__ = ["find_minima", "find_saddles"]

_STARTS = 200
_CHUNK = 16
_MOST = 100_000_000


def find_minima(
    model: SmoothModel,
    *,
    starts: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    journal: Journal | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> FunctionSearch:
    """Minima of a model from random starts, up to symmetry.

    Parameters
    ----------
    model : SmoothModel
    starts : int, optional
        200 by default.
    seed : int
    jobs : int
        Number of processes; the result does not depend on it.
    journal : Journal, optional
    progress : Progress, optional
    **more
        Arguments for networks, which are refused.
    """
    refuse("find_minima", model, more)
    found = model.starts.minima(
        starts=checked_count("starts", "find_minima", starts or _STARTS, most=_MOST),
        seed=checked_seed("find_minima", seed),
        jobs=checked_jobs("find_minima", jobs),
        journal=journal or Forgetful(),
        progress=progress or Silent(),
    )
    return model.told_search(found)


def find_saddles(
    model: SmoothModel,
    *,
    index: int = 1,
    starts: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    journal: Journal | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> FunctionSearch:
    """Saddles of a given index, from random starts, and for index 1 from soft modes of minima.

    Parameters
    ----------
    model : SmoothModel
    index : int
        Number of negative eigenvalues.
    starts : int, optional
        Number of random starts, 200 by default, and most starts from soft modes.
    seed : int
    jobs : int
        Number of processes; the result does not depend on it.
    journal : Journal, optional
    progress : Progress, optional
    **more
        Arguments for networks, which are refused.
    """
    refuse("find_saddles", model, more)
    index = checked_count("index", "find_saddles", index, most=model.size)
    starts = checked_count("starts", "find_saddles", starts or _STARTS, most=_MOST)
    seed, jobs = checked_seed("find_saddles", seed), checked_jobs("find_saddles", jobs)
    journal, progress = journal or Forgetful(), progress or Silent()
    minima = None
    if index == 1:
        minima = model.starts.minima(
            starts=starts, seed=seed, jobs=jobs, journal=journal, progress=progress
        )
    climbs = [_random_climb(model, seed, number) for number in range(starts)]
    further = [] if minima is None else list(islice(_modes(model, minima), starts))
    pieces = [
        Piece(
            name=f"saddles/{model.stage}/{index}",
            function=_climb,
            arguments=(model, chunk, index),
        )
        for group in (climbs, further)
        for chunk in _chunks(group)
    ]
    progress.begin(f"{model.label}: saddles", len(pieces))
    results = Pool(jobs, journal).run(pieces, finished=lambda: progress.advance(1))
    progress.end()
    found = grouped(
        model,
        results,
        independent=starts,
        sources=("random starts", "soft modes"),
        wanted=lambda point: point.kind is Kind.SADDLE and point.index == index,
        names=("saddle", "other"),
        search={"method": "eigenvector following", "index": index, "seed": seed},
    )
    return model.told_search(found)


def _random_climb(model: SmoothModel, seed: int, number: int) -> SaddleStart:
    key = np.random.SeedSequence(seed, spawn_key=(model.stage, number, 1))
    return model.starts.random(np.random.default_rng(key))


def _modes(model: SmoothModel, minima: FunctionSearch) -> Iterator[SaddleStart]:
    """Climbs from soft modes of the minima in turn, so that a limit cuts all of them alike."""
    waiting = [
        model.starts.from_modes(family.point, modes=model.size, seed=0)
        for family in minima.families
    ]
    while waiting:
        alive = []
        for climbs in waiting:
            start = next(climbs, None)
            if start is not None:
                yield start
                alive.append(climbs)
        waiting = alive


def _chunks(starts: Sequence[SaddleStart]) -> Iterator[list[SaddleStart]]:
    for first in range(0, len(starts), _CHUNK):
        yield list(starts[first : first + _CHUNK])


def _climb(model: SmoothModel, starts: Sequence[SaddleStart], index: int) -> dict[str, Any]:
    return follow_to(model, [(start.x, start.direction) for start in starts], index)
