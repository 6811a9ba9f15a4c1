"""Minima and saddles of a model, from many starts; what `landtopo` comes to for a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from landtopo.checks import (
    checked_count,
)
from landtopo.journal import Journal
from landtopo.landscape.pool import Piece, Pool
from landtopo.models.given import refuse
from landtopo.models.smooth import FunctionSearch, SmoothModel, follow_to, grouped
from landtopo.points.climbs import SaddleStart
from landtopo.points.records import Kind
from landtopo.progress import Progress
from landtopo.run import Run

__all__ = ["find_minima", "find_saddles"]

_CHUNK = 16
_MOST = 100_000_000


def find_minima(
    model: SmoothModel,
    *,
    starts: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
    journal: Journal | None = None,
    progress: Progress | None = None,
    **more: Any,
) -> FunctionSearch:
    """Minima of a model from random starts, up to symmetry.

    Parameters
    ----------
    model : SmoothModel
    starts : int, optional
        Fewer than 200 by default where there are few coordinates.
    seed : int
    jobs : int
        Number of processes; the result does not depend on it.
    cluster : str, optional
        Address of a dask scheduler whose workers do the work in their place.
    journal : Journal, optional
    progress : Progress, optional
    **more
        Arguments for networks, which are refused.
    """
    refuse("find_minima", model, more)
    run = Run.checked(
        "find_minima", seed=seed, jobs=jobs, cluster=cluster, journal=journal, progress=progress
    )
    starts = checked_count(
        "starts", "find_minima", model.usual_starts if starts is None else starts, most=_MOST
    )
    found = model.starts.minima(starts, run)
    return model.told_search(found)


def find_saddles(
    model: SmoothModel,
    *,
    index: int = 1,
    starts: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    cluster: str | None = None,
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
        Number of random starts, and most starts from soft modes.
    seed : int
    jobs : int
        Number of processes; the result does not depend on it.
    cluster : str, optional
        Address of a dask scheduler whose workers do the work in their place.
    journal : Journal, optional
    progress : Progress, optional
    **more
        Arguments for networks, which are refused.
    """
    refuse("find_saddles", model, more)
    index = checked_count("index", "find_saddles", index, most=model.size)
    starts = checked_count(
        "starts", "find_saddles", model.usual_starts if starts is None else starts, most=_MOST
    )
    run = Run.checked(
        "find_saddles", seed=seed, jobs=jobs, cluster=cluster, journal=journal, progress=progress
    )
    minima = None
    if index == 1:
        minima = model.starts.minima(starts, run)
    climbs = [_random_climb(model, run.seed, number) for number in range(starts)]
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
    run.progress.begin(f"{model.label}: saddles", len(pieces))
    results = Pool(run).run(pieces, finished=lambda: run.progress.advance(1))
    run.progress.end()
    found = grouped(
        model,
        results,
        independent=starts,
        sources=("random starts", "soft modes"),
        wanted=lambda point: point.kind is Kind.SADDLE and point.index == index,
        names=("saddle", "other"),
        search={"method": "eigenvector following", "index": index, "seed": run.seed},
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
