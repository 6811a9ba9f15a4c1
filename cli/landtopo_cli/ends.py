"""The ends of a path as people say them: a family's id, ``global``, or a file of weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import click

from landtopo_cli.known import chosen_points, known_minima, weights_from

if TYPE_CHECKING:
    from landtopo.models.networks.problem import TeacherStudent
    from landtopo.objective import Array
    from landtopo_cli.request import Work

__all__ = ["End", "both_ends"]

_SAME_POINT = 1e-9
_ID = re.compile(r"w(\d+)-\w+")


class End(NamedTuple):
    """One end of a path; `is_family` when any labelled copy of it is meant."""

    name: str
    weights: Array
    is_family: bool


def both_ends(
    work: Work, width: int, from_text: str, to_text: str, cycles: str | None
) -> tuple[End, End]:
    """The two ends, as labelled points.

    Parameters
    ----------
    work : Work
    width : int
    from_text, to_text : str
        ``global``, an id such as ``w6-f1``, or the name of an .npy, .csv or .json file.
    cycles : str or None
        Permutation of the second end's neurons. Without one, the second end is the copy of its
        family that is closest to the first, or the other way round if the second is a file.
    """
    if all(text == "global" or not _ID.fullmatch(text) for text in (from_text, to_text)) and (
        width >= work.teacher.size or "global" not in (from_text, to_text)
    ):
        work.refuse_starts("both ends are known without a search")
    start = _end(from_text, work, width)
    end = _end(to_text, work, width)
    if start.is_family and end.is_family and start.name == end.name and cycles is None:
        raise click.UsageError(
            f"Both ends are {start.name}; say with --permutation which labelled copies to join."
        )
    if cycles is not None:
        turned = work.problem(width).function.turns
        end = end._replace(weights=_permuted(end.weights, cycles, turned))
    elif end.is_family:
        end = _closest(work, start, end)
    elif start.is_family:
        start = _closest(work, end, start)
    if _distance(start.weights, end.weights) < _SAME_POINT:
        raise click.UsageError(f"The two ends, {start.name} and {end.name}, are the same point.")
    return start, end


def _end(text: str, work: Work, width: int) -> End:
    problem = work.problem(width)
    if text == "global" and width >= problem.teacher.size:
        return End(text, _zero_loss_point(problem), True)
    if text != "global" and not _ID.fullmatch(text):
        return End(*weights_from(text, width), False)
    if text == "global":
        return End(*known_minima(work, width)[0], True)
    (family,) = chosen_points(work, width, (text,), ())
    return End(*family, True)


def _permuted(weights: Array, cycles: str, turned: bool) -> Array:
    """The copy in which the given neuron k is neuron pi(k), or its opposite."""
    from landtopo.models.networks.symmetry.relabelling import renumbered
    from landtopo.symmetry.permutations import parse_cycles

    return renumbered(weights, parse_cycles(cycles, len(weights), signs=turned))


def _closest(work: Work, target: End, end: End) -> End:
    from landtopo.models.networks.symmetry import closest_copy, symmetry_frame

    copy = closest_copy(
        target.weights,
        end.weights,
        symmetry_frame(work.teacher),
        turned=work.teacher.function.turns,
        seed=work.seed,
    )
    return end._replace(weights=copy.weights)


def _distance(first: Array, second: Array) -> float:
    import numpy as np

    columns = max(first.shape[1], second.shape[1])
    wide = [np.pad(w, ((0, 0), (0, columns - w.shape[1]))) for w in (first, second)]
    return float(np.abs(wide[0] - wide[1]).max())


def _zero_loss_point(problem: TeacherStudent) -> Array:
    """The teacher itself; neurons to spare share the last of its vectors."""
    import numpy as np

    vectors = problem.teacher.vectors
    spare = problem.width - len(vectors)
    last = np.repeat(vectors[-1:] / (spare + 1), spare + 1, axis=0)
    return np.vstack([vectors[:-1], last])
