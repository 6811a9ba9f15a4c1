"""Permanent labels: a family keeps the number it was given first, whatever is found later.

Numbers are given in the order of losses when a landscape is first listed. A later atlas reads the
numbers of an earlier one and recognises its points by symmetry; what is new gets the next number,
and the number of what is not found again is not used for anything else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.networks.points.classify import is_zero_loss
from landtopo.models.networks.points.families import family_graph
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import PointGraph, Reference
from landtopo.tolerances import SAME_VALUE

__all__ = ["Known", "numbered", "read_labels"]

#: Points that were numbered before, by landscape and then by label.
Known = dict[str, dict[str, dict[str, Any]]]


def numbered(
    problem: TeacherStudent,
    landscape: str,
    letter: str,
    points: Sequence[Mapping[str, Any]],
    known: Mapping[str, dict[str, Any]],
) -> tuple[list[str], dict[str, dict[str, Any]]]:
    """Labels of points, those of before where they are copies of points that have one.

    Parameters
    ----------
    problem : TeacherStudent
        Of the landscape; its symmetry says what is a copy.
    landscape : str
        Label of the landscape, first part of every label.
    letter : str
        What stands before the number: f for families, t for transition states.
    points : sequence of mapping
        With ``loss`` and ``weights``, in the order in which new ones get their numbers.
    known : mapping
        Points of this letter that have a label, with the same values.

    Returns
    -------
    labels : list of str
    known : dict
        All points that have a label now, those that were not found again included.
    """
    taken = dict(known)
    left = {label: Reference(_graph(problem, point)) for label, point in known.items()}
    labels: list[str | None] = []
    for point in points:
        graph = _graph(problem, point)
        near = [one for one in left if abs(taken[one]["loss"] - point["loss"]) <= SAME_VALUE]
        found = next((one for one in near if left[one].match(graph) is not None), None)
        if found is not None:
            del left[found]
        labels.append(found)
    number = max((_number(label) for label in known), default=0)
    for place, point in enumerate(points):
        if labels[place] is None:
            number += 1
            label = f"{landscape}.{letter}{number}"
            labels[place] = label
            taken[label] = {"loss": point["loss"], "weights": point["weights"]}
    return [str(label) for label in labels], taken


def read_labels(path: str | os.PathLike[str]) -> Known:
    """The numbers that an earlier atlas gave, from its ``labels.json``.

    Raises
    ------
    InvalidArgument
        The file cannot be read, or is none.
    """
    try:
        given = json.loads(Path(path).read_text("utf-8"))
        for points in given.values():
            for label, point in points.items():
                _number(label)
                values = np.append(np.asarray(point["weights"], dtype=np.float64), point["loss"])
                if not np.all(np.isfinite(values)):
                    raise ValueError("a value is not finite")
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        text = " ".join(str(error).split())
        raise InvalidArgument(
            f"'{os.fspath(path)}' is no labels.json of an atlas ({text})."
        ) from None
    known: Known = given
    return known


def _graph(problem: TeacherStudent, point: Mapping[str, Any]) -> PointGraph:
    weights = np.asarray(point["weights"], dtype=np.float64)
    return family_graph(problem, weights, zero_loss=is_zero_loss(point["loss"], weights))


def _number(label: str) -> int:
    return int(label.rpartition(".")[2][1:])
