"""Studies of several machines that shared the starts of a search, put together in one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landtopo.errors import InvalidArgument, StudyError
from landtopo.shown import Brief
from landtopo.study.codec import encode
from landtopo.study.store import Study

__all__ = ["MergedStudies", "merge_studies"]

# Chunks of starts and of runs: what else a study holds follows from them by the same commands.
_PIECES = ("starts/", "reach/")


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedStudies(Brief):
    """What came of putting studies together.

    Attributes
    ----------
    path : Path
        The study that holds the pieces of all.
    pieces : int
        Chunks of starts and runs that it holds now.
    added : int
        Those of them that were not in it before.
    differing : int
        Chunks that were found twice with other digits: on machines that compile or add up in
        another way. The first ones were kept.
    """

    path: Path
    pieces: int
    added: int
    differing: int


def merge_studies(
    path: str | os.PathLike[str], parts: Sequence[str | os.PathLike[str]]
) -> MergedStudies:
    """Put the finished chunks of starts and runs of several studies into one.

    Families, graphs and all that follows from the starts are not taken over: the search that the
    parts shared, run with the merged study as its journal, makes them again without following a
    start, and in the same way as if one machine had followed all.

    Parameters
    ----------
    path : path-like
        A study of the same teacher, dimension and seed, or a new file. It may be one of the parts.
    parts : sequence of path-like
        Studies; they are not changed.

    Returns
    -------
    MergedStudies

    Raises
    ------
    InvalidArgument
        There are no parts.
    StudyError
        A part is of another teacher, dimension or seed, or of a model.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> folder = tempfile.mkdtemp()
    >>> teacher, names = lt.Teacher.orthonormal(2), []
    >>> problem = lt.TeacherStudent(teacher, 2)
    >>> for number in (1, 2):
    ...     names.append(os.path.join(folder, f"{number}.landtopo"))
    ...     with lt.Study.create(names[-1], teacher) as study:
    ...         try:
    ...             lt.find_minima(problem, starts=256, journal=lt.Shard(study, number, 2))
    ...         except lt.ShardFinished as end:
    ...             print(end.kept)
    128
    128
    >>> lt.merge_studies(os.path.join(folder, "whole.landtopo"), names).pieces
    2
    """
    if not parts:
        raise InvalidArgument("The 'parts' argument of merge_studies must name a study.")
    with Study.open(parts[0]) as first:
        teacher, dim, seed = first.teacher, first.dim, first.seed
    # All are looked at before anything is written.
    found = 0
    for part in parts:
        with Study.open(part) as study:
            study.check(teacher, dim=dim, seed=seed)
            found += len(_pieces(study))
    if not found:
        raise StudyError("None of the studies holds a finished chunk of starts or runs.")
    added = differing = 0
    with Study.resume(path, teacher, dim=dim, seed=seed) as whole:
        for part in parts:
            if Path(part).exists() and Path(path).samefile(part):
                continue
            with Study.open(part) as study, whole.together():
                for key in _pieces(study):
                    value, kept = study.recall(key), whole.recall(key)
                    if kept is None:
                        whole.remember(key, value)
                        added += 1
                    elif encode(kept) != encode(value):
                        differing += 1
        pieces = len(_pieces(whole))
    return MergedStudies(path=Path(path), pieces=pieces, added=added, differing=differing)


def _pieces(study: Study) -> list[str]:
    return [key for key in study.steps() if key.startswith(_PIECES)]
