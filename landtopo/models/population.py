"""Minima of a loss on samples against those of the population loss, family by family.

Every copy of a population minimum by the symmetries of the teacher is followed downhill on the
samples' loss. It has a counterpart there if the minimum in which that ends is closer to this copy
than to any other. What a search on the samples has found besides exists only at this number of
samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.landscape.transitions import descend_to_rest
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import function_automorphisms, symmetry_frame
from landtopo.models.networks.symmetry.relabelling import teacher_rotation
from landtopo.models.samples import SampleLoss
from landtopo.models.smooth import FunctionSearch, SmoothModel
from landtopo.objective import Array
from landtopo.points.records import Family, Kind
from landtopo.shown import Brief, Table

__all__ = ["Counterpart", "SampleComparison", "compare_with_population"]

# Symmetries of a teacher of which all copies of a minimum are followed.
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterpart(Brief):
    """A copy of a population minimum, and the minimum on the samples that is next to it.

    Attributes
    ----------
    family : str
        Id of the population family.
    copy : int
        Number of its copy by the symmetries of the teacher.
    exists : bool
        Whether descent from the copy ends in a minimum that is closer to no other copy.
    distance : float
        Of that end from the closest copy by permutations of neurons.
    loss, population_loss : float
        Of the end on the samples, and of the family.
    weights : ndarray, shape (K, d)
        The end.
    sample_family : str or None
        The minimum of the search on the samples that it is; None if the search has not met it.
    """

    family: str
    copy: int
    exists: bool
    distance: float
    loss: float
    population_loss: float
    weights: Array
    sample_family: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleComparison(Table):
    """Population minima with their counterparts on samples, and what only the samples have.

    Attributes
    ----------
    samples : int
        Number n of samples.
    counterparts : tuple of Counterpart
        By family, then by copy.
    only_on_samples : tuple of str
        Minima of the search on the samples that are no counterpart.
    """

    samples: int
    counterparts: tuple[Counterpart, ...]
    only_on_samples: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a copy."""
        told = ("family", "copy", "exists", "distance", "loss", "population_loss", "sample_family")
        return [{name: getattr(one, name) for name in told} for one in self.counterparts]

    def distance(self, family: str) -> float | None:
        """Root mean square of the distances of the counterparts of a family; None without any."""
        found = [one.distance for one in self.counterparts if one.family == family and one.exists]
        return float(np.sqrt(np.mean(np.square(found)))) if found else None


def compare_with_population(
    problem: TeacherStudent, families: Sequence[Family], model: SmoothModel, found: FunctionSearch
) -> SampleComparison:
    """Minima of the population loss against those on samples.

    Parameters
    ----------
    problem : TeacherStudent
        Whose teacher made the targets.
    families : sequence of Family
        Minima of its population loss.
    model : SmoothModel
        As `sample_model` makes it, of inputs in the coordinates of the problem.
    found : FunctionSearch
        Minima of the model.

    Returns
    -------
    SampleComparison

    Raises
    ------
    InvalidArgument
        The model is of no samples, or not of this width and dimension; or the teacher has more than
        1000 symmetries.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="erf")
    >>> population = lt.find_minima(problem, starts=20)
    >>> model = lt.sample_model(*lt.gaussian_samples(problem, 500), width=2)
    >>> found = lt.find_minima(model, starts=8)
    >>> compared = lt.compare_with_population(problem, population.families, model, found)
    >>> [(one.family, one.exists, one.sample_family) for one in compared.counterparts]
    [('w2-f0', True, 'min0')]
    """
    loss = model.shape.objective
    if not isinstance(loss, SampleLoss):
        raise InvalidArgument(
            "The 'model' argument of compare_with_population must be one that sample_model makes; "
            f"got {model.name}."
        )
    width, columns = len(loss.outputs), loss.inputs.shape[1]
    if width != problem.width or columns < problem.rank:
        raise InvalidArgument(
            "The 'model' argument of compare_with_population must be of the problem's width and "
            f"teacher: {problem.width} neurons on at least {problem.rank} inputs; got {width} on "
            f"{columns}."
        )
    copies = [
        (family, number, model.inside(copy))
        for family in families
        for number, copy in enumerate(_copies(problem, family, model, columns))
    ]
    places = [place for _, _, place in copies]
    counterparts = []
    for own, (family, number, place) in enumerate(copies):
        # By the flow: steps of other methods can lead to the next basin.
        end = model.strata.judge(descend_to_rest(model, model.objective(place), place).x)
        apart = [model.symmetry.apart(other, end.x) for other in places]
        match = next(
            (
                one.id
                for one in found.families
                if model.symmetry.match(model.inside(one.x), end.x) is not None
            ),
            None,
        )
        counterparts.append(
            Counterpart(
                family=family.id,
                copy=number,
                exists=end.kind is Kind.MINIMUM and int(np.argmin(apart)) == own,
                distance=apart[own] * model.length,
                loss=model.told(end).value,
                population_loss=family.loss,
                weights=model.shaped(model.told(end).x),
                sample_family=match,
            )
        )
    known = {one.sample_family for one in counterparts if one.exists}
    return SampleComparison(
        samples=len(loss.targets),
        counterparts=tuple(counterparts),
        only_on_samples=tuple(one.id for one in found.families if one.id not in known),
    )


def _copies(
    problem: TeacherStudent, family: Family, model: SmoothModel, columns: int
) -> list[Array]:
    """Copies by the symmetries of the teacher that no permutation of neurons makes."""
    group, frame = function_automorphisms(problem.teacher).group, symmetry_frame(problem.teacher)
    if group.order > _MOST:
        raise InvalidArgument(
            "The 'problem' argument of compare_with_population must have a teacher with at most "
            f"{_MOST} symmetries; {problem.teacher.title} has {group.order}."
        )
    rank, weights = problem.rank, np.asarray(family.weights)
    if weights.shape[1] > columns:
        raise InvalidArgument(
            "The 'families' argument of compare_with_population must lie in the span of the inputs "
            f"of the model, {columns} coordinates; {family.id} has {weights.shape[1]}."
        )
    found: list[Array] = []
    for element in group.elements():
        copy = np.zeros((len(weights), columns))
        copy[:, : weights.shape[1]] = weights
        copy[:, :rank] = weights[:, :rank] @ teacher_rotation(frame, element).T
        place = model.inside(copy)
        if all(model.symmetry.match(place, model.inside(other)) is None for other in found):
            found.append(copy)
    return found
