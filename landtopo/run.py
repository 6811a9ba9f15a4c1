"""How work is done: with which random numbers, on how many processes or which cluster, kept where.

Nothing here changes a result: neither the number of processes or threads, nor a cluster, nor what a
journal holds, nor a process that was killed on the way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from time import sleep
from typing import Any

from landtopo.checks import checked_instance, checked_jobs, checked_seed
from landtopo.errors import InvalidArgument, LandtopoError
from landtopo.journal import Forgetful, Journal
from landtopo.progress import Progress, Silent
from landtopo.shown import Brief

__all__ = ["Run", "alone", "end_with", "on_cluster"]

# Seconds until a scheduler must have answered.
_PATIENCE = 30.0
# Seconds between two looks at whether the process that started this one still lives.
_LOOK = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Brief):
    """How a search is run.

    Attributes
    ----------
    seed : int
        Root seed.
    jobs : int
        Number of processes or threads on this machine.
    cluster : str or None
        Address of a dask scheduler whose workers do the work in their place.
    journal : Journal
        Keeps finished pieces.
    progress : Progress
    """

    seed: int = 0
    jobs: int = 1
    cluster: str | None = None
    journal: Journal = field(default_factory=Forgetful, repr=False)
    progress: Progress = field(default_factory=Silent, repr=False)

    @classmethod
    def checked(
        cls,
        caller: str,
        *,
        seed: int,
        jobs: int,
        cluster: str | None = None,
        journal: Journal | None = None,
        progress: Progress | None = None,
    ) -> Run:
        """From the arguments of a public function, which refusals name.

        Raises
        ------
        InvalidArgument
        """
        if cluster is not None and not checked_instance("cluster", caller, cluster, str):
            raise InvalidArgument(
                f"The 'cluster' argument of {caller} must be the address of a dask scheduler; "
                "got an empty text."
            )
        return cls(
            seed=checked_seed(caller, seed),
            jobs=checked_jobs(caller, jobs),
            cluster=cluster,
            journal=journal or Forgetful(),
            progress=progress or Silent(),
        )


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """A call with one thread for linear algebra, whose result depends on their number."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1, "blas"):
        return function(*arguments)


@cache
def end_with(parent: int) -> None:
    """Make this process end soon after the one that started it, which may have been killed."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(_LOOK)
        os._exit(1)

    if os.getppid() == parent:
        Thread(target=watch, daemon=True).start()


def on_cluster(
    address: str, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
) -> Generator[tuple[int, Any], None, None]:
    """Calls on the workers of a cluster: numbers of tasks and results, as they come.

    What a worker had in hand when it was lost is done again by another one.

    Parameters
    ----------
    address : str
        Of a dask scheduler.
    function : callable
        Of a module that the workers can import.
    tasks : sequence of tuple
        Its arguments.

    Raises
    ------
    LandtopoError
        dask is not installed, or no scheduler answers.
    """
    try:
        import distributed
    except ImportError:
        raise LandtopoError(
            "A dask cluster needs the packages dask and distributed: pip install "
            "'landtopo[cluster]'."
        ) from None
    dask: Any = distributed
    try:
        client = dask.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        text = " ".join(str(error).split())
        raise LandtopoError(f"No dask scheduler answers at '{address}': {text}.") from None
    with client:
        # Not pure: equal tasks of different searches are no business of the scheduler's.
        futures = [client.submit(alone, function, *task, pure=False) for task in tasks]
        numbers = {future.key: number for number, future in enumerate(futures)}
        try:
            for future, result in dask.as_completed(futures, loop=client.loop, with_results=True):
                yield numbers[future.key], result
        finally:
            client.cancel(futures)
