"""Which known family a trained network belongs to, or comes closest to.

Training stops somewhere near a minimum, its neurons in any order. The gradient flow of the
population loss says to which minimum the place belongs; the distance modulo symmetry, which family
looks most like it. Both are told, because they can differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array, checked_instance, checked_weights
from landtopo.errors import InvalidArgument
from landtopo.models.networks.dynamics.flow import flow_weights
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.families import FamilyIndex
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.statistics import weights_from_statistics
from landtopo.models.networks.symmetry import closest_copy
from landtopo.models.networks.units import unit_of
from landtopo.objective import Array
from landtopo.points.records import CriticalPoint, Family, Kind
from landtopo.shown import Brief, Table
from landtopo.tolerances import SAME_PLACE
from landtopo.units import Linear, Squared

__all__ = ["Identification", "Likeness", "identify", "in_teacher_coordinates"]

# Overlaps among neurons that are alike by chance differ by more; networks that lie further off than
# this part of their length are elsewhere.
_ALIKE = 0.02
_ELSEWHERE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness(Brief):
    """How far a network is from a family.

    Attributes
    ----------
    id : str
        The family.
    loss : float
        Of its members.
    distance : float
        Frobenius distance of the weights to the closest copy of the representative.
    is_exact : bool
        Whether no copy of the representative is closer.
    flat_dimension : int or None
        Where it is not zero the family is a flat set, and other members may be closer.
    leads_here : bool
        Whether the gradient flow from the network ends in the family.
    """

    id: str
    loss: Squared[float]
    distance: Linear[float]
    is_exact: bool
    flat_dimension: int | None
    leads_here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification(Table):
    """What a trained network is among the families that are known.

    Attributes
    ----------
    loss : float
        Population loss of the network.
    grad_norm : float
        Norm of its gradient.
    end : CriticalPoint
        Where the gradient flow from the network leads.
    end_distance : float
        From the network to there, by the labels it has.
    end_description : str
        What the end is, for a person.
    likenesses : tuple of Likeness
        All families of this width: the one that the flow ends in, then the others, the closest
        first.
    verdict : str
        One sentence.
    turned : str or None
        A family whose neurons overlap among themselves as those of the network do, although the
        network lies elsewhere: it may be given in other coordinates than the teacher's.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.find_minima(problem, starts=20)
    >>> lt.identify(problem, [[0.1, 0.9], [1.1, 0.0]], found.families).family
    'w2-f0'
    """

    loss: Squared[float]
    grad_norm: Linear[float]
    end: CriticalPoint
    end_distance: Linear[float]
    end_description: str
    likenesses: tuple[Likeness, ...]
    verdict: str
    turned: str | None = None

    _told = ("family", "loss", "grad_norm", "end_distance", "end_description")
    _printed: ClassVar[tuple[str, ...]] = (
        "id",
        "loss",
        "distance",
        "is_exact",
        "flat_dimension",
        "leads_here",
    )

    @property
    def family(self) -> str | None:
        """The family that the gradient flow ends in; None if it is not among those given."""
        return next((one.id for one in self.likenesses if one.leads_here), None)

    def rows(self) -> list[dict[str, Any]]:
        """One row a family, in the order of `likenesses`."""
        return [{name: getattr(one, name) for name in self._printed} for one in self.likenesses]


def identify(
    problem: TeacherStudent, weights: ArrayLike, families: Sequence[Family]
) -> Identification:
    """Say which family a trained network belongs to, and which it is closest to.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, r + E)
        The network; for weights in other coordinates see `in_teacher_coordinates`.
    families : sequence of Family
        What is known at this width, such as `find_minima(problem).families`.

    Returns
    -------
    Identification

    Raises
    ------
    InvalidArgument
        If weights do not fit the problem, or a family is of another width.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=2)
    >>> found = lt.find_minima(problem, starts=20)
    >>> print(lt.identify(problem, [[0.1, 0.9], [1.1, 0.0]], found.families).verdict)
    The gradient flow from these weights ends in w2-f0, 0.1732 away.
    """
    checked_instance("problem", "identify", problem, TeacherStudent)
    problem.require_relu("identify")
    given = checked_weights("identify", weights, problem.rank, width=problem.width)
    for family in families:
        checked_instance("families", "identify", family, Family)
        if family.width != problem.width:
            raise InvalidArgument(
                "The 'families' argument of identify must hold families of width "
                f"{problem.width}; got {family.id}."
            )
    value, gradient = PopulationLoss(problem).value_and_gradient(given)
    end = _end(problem, given)
    number = FamilyIndex(problem, families).find(end.weights)
    unit = unit_of(problem.teacher)
    likenesses = []
    for place, family in enumerate(families):
        copy = closest_copy(given / unit, family.weights / unit, problem.teacher.vectors / unit)
        likenesses.append(
            Likeness(
                id=family.id,
                loss=family.loss,
                distance=unit * copy.distance,
                is_exact=copy.exact,
                flat_dimension=family.flat_dimension,
                leads_here=place == number,
            )
        )
    likenesses.sort(key=lambda one: (not one.leads_here, one.distance, one.id))
    apart = _apart(given, end.weights)
    return Identification(
        loss=float(value),
        grad_norm=float(np.linalg.norm(gradient)),
        end=end,
        end_distance=apart,
        end_description=read_point(problem, end.weights).description,
        likenesses=tuple(likenesses),
        verdict=_verdict(
            end, None if number is None else families[number].id, apart, SAME_PLACE * unit
        ),
        turned=_turned(given, families, {one.id: one.distance for one in likenesses}),
    )


def in_teacher_coordinates(
    problem: TeacherStudent, weights: ArrayLike, vectors: ArrayLike
) -> Array:
    """Weights of inputs in d dimensions, in the coordinates in which everything is computed.

    Parameters
    ----------
    problem : TeacherStudent
    weights : array_like, shape (K, d)
    vectors : array_like, shape (M, d)
        The teacher's vectors in the same coordinates; their Gram matrix must be the problem's.

    Returns
    -------
    ndarray, shape (K, r + E)
        With the same overlaps among themselves and with the teacher.

    Raises
    ------
    InvalidArgument
        If shapes do not fit, or the vectors are those of another teacher.

    Examples
    --------
    >>> import numpy as np
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), width=1)
    >>> turned = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0]])
    >>> lt.in_teacher_coordinates(problem, 2.0 * turned[:1], turned).round(6) + 0.0
    array([[2., 0.]])
    """
    function = "in_teacher_coordinates"
    checked_instance("problem", function, problem, TeacherStudent)
    problem.require_relu(function)
    size, width = problem.teacher.size, problem.width
    v = checked_array(
        "vectors", function, vectors, f"({size}, d)", lambda s: len(s) == 2 and s[0] == size
    )
    w = checked_array(
        "weights",
        function,
        weights,
        f"({width}, {v.shape[1]})",
        lambda s: s == (width, v.shape[1]),
    )
    difference = float(np.abs(v @ v.T - problem.teacher.gram).max())
    if difference > 1e-6 * float(np.abs(problem.teacher.gram).max()):
        raise InvalidArgument(
            "The 'vectors' argument of in_teacher_coordinates must be those of the teacher; a "
            f"product of two of them differs by {difference:.3g}."
        )
    return weights_from_statistics(problem, w @ w.T, w @ v.T)


def _end(problem: TeacherStudent, weights: Array) -> CriticalPoint:
    flow = flow_weights(problem, weights)
    return classify(problem, flow.weights[-1])


def _turned(
    weights: Array, families: Sequence[Family], distances: Mapping[str, float]
) -> str | None:
    """A family with the same overlaps among neurons, whose eigenvalues no rotation changes."""
    mine, size = np.linalg.eigvalsh(weights @ weights.T), float(np.linalg.norm(weights))
    for family in families:
        theirs = np.linalg.eigvalsh(family.weights @ family.weights.T)
        alike = float(np.linalg.norm(mine - theirs)) <= _ALIKE * float(np.linalg.norm(mine))
        if alike and distances[family.id] > _ELSEWHERE * size:
            return family.id
    return None


def _apart(weights: Array, end: Array) -> float:
    columns = max(weights.shape[1], end.shape[1])
    padded = [np.pad(w, ((0, 0), (0, columns - w.shape[1]))) for w in (weights, end)]
    return float(np.linalg.norm(padded[0] - padded[1]))


def _verdict(end: CriticalPoint, name: str | None, apart: float, same: float) -> str:
    if end.grad_norm > end.grad_tolerance:
        return "The gradient flow from these weights was not followed to a critical point."
    if name is None:
        kind = "a minimum" if end.kind is Kind.MINIMUM else f"a point that is {end.kind}"
        return (
            f"The gradient flow from these weights ends in {kind} at loss {end.loss:.10g} that "
            "is in none of the families given."
        )
    if apart <= same:
        return f"These weights are a point of {name}."
    return f"The gradient flow from these weights ends in {name}, {apart:.4g} away."
