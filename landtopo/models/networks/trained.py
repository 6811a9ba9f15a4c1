"""Students whose output weights are trained, too, as models of smooth functions.

Points are rows as in `landtopo.models.networks.joint`. Where s is homogeneous, they lie in sectors
of so many negative output weights, and sectors meet where a neuron vanishes: a search for a minimum
goes down in (W, a), where output weights pass through zero, and ends in one of them. Points at
which a neuron vanishes are no minima. For with E[(f - f*)^2] > 0 the slope psi of a new neuron does
not vanish everywhere: 2 L = sum_k a_k psi(w_k) - sum_m b_m psi(v_m). Of a free sign, it leads down.

What is known of flat sets is their neurons (`landtopo.models.networks.splits`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from landtopo.checks import checked_choice, checked_instance
from landtopo.errors import InvalidArgument
from landtopo.model import Relation
from landtopo.models.networks.as_function import (
    NetworkShape,
    Outside,
    StudentModel,
    StudentModels,
    StudentSymmetry,
    problems_of,
    students_from_name,
)
from landtopo.models.networks.joint import JointLoss, SignedLoss, joined, outputs_of, weights_of
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.splits import NEAR, merged, splits
from landtopo.models.networks.starts import StartDistribution, draw_start, parse_distribution
from landtopo.models.networks.tolerances import TIED_OVERLAPS
from landtopo.models.networks.units import in_units
from landtopo.objective import Array
from landtopo.points.ascend import newton
from landtopo.points.stationary import LEAST, FunctionPoint
from landtopo.symmetry.permutations import Permutation

__all__ = [
    "INIT_OUTPUTS",
    "TrainedModel",
    "TrainedShape",
    "trained_from_name",
    "trained_model",
    "trained_models",
]

_NAME = "trained"
#: How output weights start: all 1, or independent N(0, 1).
INIT_OUTPUTS = ("one", "normal")
# Output weights are 1 to this.
_ONE = 1e-6
# What the signs of output weights weigh in distances of copies.
_FAR = 10.0
# Lengths below which a neuron has vanished, in units of the teacher.
_VANISHED = 1e-6
# The length in the frame that stands for output weights, in that of the longest other.
_OWN = 2.3
# Weights that are so much larger than the teacher's are on a way to infinity.
_INFINITE = 300.0
# How far Newton's method may move whole neurons.
_REACH = 1e-3
# Below this value, and with more neurons than teachers, pieces are gathered from so far apart.
_CLOSE = 1e-3
# Curvatures of this part of the largest and less are told from zero by no other route.
_SOFT = 1e-6
# What negative shares are multiplied by where it is tried whether they are free.
_STRETCHED = (0.3, 2.0, 9.0)
# Splits leave the value as it is to this part.
_SAME = 1e-11
_GATHERED = (0.02, 0.1, 0.3)
_NOT_SEARCHED = (
    "Ways on which an output weight changes its sign lead through points at which a neuron "
    "vanishes, and are not searched: what they would join is not joined here, though it may not "
    "be apart. From every flat set without bound at positive loss such a way leads down without a "
    "barrier."
)
_NOT_JOINED = (
    "Ways over saddles with null directions other than the shares of split neurons are left out: "
    "neurons without output weight can lie anywhere on surfaces there."
)
_DOWN: dict[str, Any] = {"maxiter": 2000, "maxfun": 4000, "ftol": 0.0, "gtol": 1e-8}


class TrainedSymmetry(StudentSymmetry):
    """S_K x Aut(T); of an odd s that is not homogeneous also (a, w) -> -(a, w), one by one.

    The frame has one more vector along the output weights, of a length that no other has.

    Parameters
    ----------
    problem : TeacherStudent
        In units of the model.
    place : callable
        As of `StudentSymmetry`.
    """

    def __init__(self, problem: TeacherStudent, place: Callable[[Array], Array]) -> None:
        super().__init__(problem, place)
        frame = self._frame
        self._frame = np.zeros((len(frame) + 1, problem.rank + 1))
        self._frame[:-1, :-1] = frame
        self._frame[-1, -1] = _OWN * float(np.linalg.norm(frame, axis=1).max())

    @property
    def turned(self) -> bool:
        """Whether a neuron with its output weight can be turned around."""
        function = self._problem.function
        return function.degree is None and function.parity == -1

    @property
    def _weight(self) -> float:
        # Of a homogeneous s, copies with other signs are far away.
        return 1.0 if self._problem.function.degree is None else _FAR

    def _compared(self, x: Array) -> Array:
        rows = np.array(self._weights(x))
        rows[:, self._problem.rank] *= self._weight
        return rows

    def closest_copy(self, x: Array, target: Array) -> Array:
        """The closest copy over all symmetries, as far as they can be listed."""
        found = super().closest_copy(x, target).reshape(self._problem.width, -1)
        found[:, self._problem.rank] /= self._weight
        return found.ravel()

    def upright(self, x: Array) -> Array:
        """Neurons in the order of the vectors of the frame that they have most in common with."""
        rows = self._weights(x)
        overlaps = rows[:, : self._problem.rank + 1] @ self._frame.T
        partner = np.argmax(np.abs(overlaps).round(TIED_OVERLAPS), axis=1)
        lengths = np.linalg.norm(rows, axis=1).round(TIED_OVERLAPS)
        return rows[np.lexsort((-lengths, partner))].ravel()

    def simplest(
        self, first: Array, second: Array, element: Permutation, *, loop: bool
    ) -> Relation:
        """The element as it was found: of those for pairs that lie alike it may not be simplest."""
        return Relation(element=element, carrier=self.identity(first))


@dataclass(frozen=True, kw_only=True)
class TrainedShape(NetworkShape):
    """Students of one width with trained output weights; see `NetworkShape`.

    Attributes
    ----------
    init : StartDistribution
        Of the weights at the start.
    init_outputs : str
        Of the output weights at the start: one of `INIT_OUTPUTS`.
    """

    objective: JointLoss | SignedLoss
    init: StartDistribution
    init_outputs: str

    @cached_property
    def symmetry(self) -> TrainedSymmetry:
        """S_K x Aut(T), of points in units of the model."""
        unit = self.length
        return TrainedSymmetry(in_units(self.problem), lambda x: self.place(x * unit) / unit)

    def draw(self, generator: np.random.Generator) -> Array:
        """A random start; where s is homogeneous a stands in the place of its sign."""
        problem = self.problem
        drawn = draw_start(problem, self.init, generator)
        weights = np.zeros((problem.width, self.objective.columns))
        weights[:, : drawn.shape[1]] = drawn
        outputs = np.ones(problem.width)
        if self.init_outputs == "normal":
            outputs = generator.standard_normal(problem.width)
        return self.objective.joint_to(joined(weights, outputs, problem.rank))

    def parts(self, x: Array) -> tuple[Array, Array]:
        """Weights (K, r + E) and output weights (K,) of a point."""
        rows = self.objective.rows(x)
        outputs = outputs_of(rows, self.problem.rank)
        if self.problem.function.degree is not None:
            outputs = np.where(outputs < 0.0, -1.0, 1.0)
        return weights_of(rows, self.problem.rank), outputs

    def place(self, x: Array) -> Array:
        """The point with the signs of output weights in their places, if only these count."""
        return joined(*self.parts(x), self.problem.rank)

    def flaw(self, x: Array) -> str | None:
        """Whether a neuron has vanished, or the search runs to infinity."""
        lengths = np.linalg.norm(self.parts(x)[0], axis=1)
        function = self.problem.function
        if function.degree is not None and lengths.min() <= _VANISHED * self.length:
            return "A neuron has vanished: at positive loss, one of some sign leads down from here."
        teacher = self.problem.teacher
        size = max(float(teacher.norms.max()), float(np.abs(teacher.strengths).max()))
        if np.abs(x).max() > _INFINITE * size:
            return (
                f"Weights have grown to more than {_INFINITE:g} times those of the teacher: the "
                "search runs to infinity."
            )
        return None

    def plain(self, x: Array) -> Array | None:
        """Weights of the student with output weights 1 that a point is, if it is one.

        Of an odd s, a neuron with the output weight -1 is one that is turned around.
        """
        weights, outputs = self.parts(x)
        if self.problem.function.parity == -1:
            weights, outputs = weights * np.sign(outputs)[:, None], np.abs(outputs)
        return weights if np.abs(outputs - 1.0).max() <= _ONE else None

    def is_unbounded(self, x: Array) -> bool:
        """Whether a neuron is split with shares of both signs."""
        return any(group.unbounded for group in splits(*self.parts(x), self.problem.function))

    def negative(self, x: Array) -> int:
        """Number of negative output weights; they count where s is not odd."""
        return int(np.sum(self.parts(x)[1] < 0.0))

    def description(self, x: Array, isotropy: int) -> str:
        """Negative output weights, and neurons that are split."""
        count = self.problem.width
        told = [] if self.symmetry.turned else [f"{self.negative(x)} of {count} outputs negative"]
        for group in splits(*self.parts(x), self.problem.function):
            if len(group.neurons) == 1:
                continue
            numbers = ", ".join(str(k + 1) for k in sorted(group.neurons))
            if not group.whole:
                told.append(f"neurons {numbers} cancel each other")
                continue
            if not np.all(group.shares):
                told.append(f"neurons {numbers} are one, of which some have no output weight")
                continue
            shares = ", ".join(f"{share:.4g}" for share in np.sort(group.shares)[::-1])
            kind = "line" if len(group.neurons) == 2 else "set"
            what = f"unbounded flat {kind}" if group.unbounded else "one neuron"
            told.append(f"{what}: neurons {numbers} are one, split into shares {shares}")
        return "; ".join(told) or "no neuron split"


class TrainedModel(StudentModel):
    """Students of one width with trained output weights, as a model.

    Parameters
    ----------
    shape : TrainedShape
    """

    least = 0.0
    settles = True
    shape: TrainedShape

    @property
    def energy(self) -> float:
        """Curvatures are of order one in units of the teacher."""
        return self.length**2

    def approach(self, x: Array) -> Array:
        """Down in (W, a) to near a minimum."""
        from scipy.optimize import minimize

        loss = self.shape.objective
        start = loss.joint_from(x * self.length)
        down: Any = minimize  # its types know no function that returns both value and gradient
        found = down(loss.joint, start, jac=True, method="L-BFGS-B", options=_DOWN)
        end = np.asarray(loss.joint_to(found.x) / self.length)
        least = self.least_near(end)
        return end if least is None else least

    def least_near(self, x: Array) -> Array | None:
        """Zero loss with more neurons than teachers: pieces gathered where they belong."""
        shape = self.shape
        if shape.problem.width <= shape.problem.teacher.size:
            return None
        if float(self.objective(x).value(x)) > _CLOSE:
            return None
        for near in _GATHERED:
            whole = self._whole(x * self.length, near, zeros=True, reach=1.0) / self.length
            if float(self.objective(x).value(whole)) <= LEAST:
                return whole
        return None

    def settled(self, x: Array) -> Array:
        """The point whose splits have the shares that stand for all, its whole neurons at rest."""
        place = np.ravel(self.shaped(x))
        whole = self._whole(place * self.length, NEAR) / self.length
        value, other = (float(self.objective(x).value(y)) for y in (place, whole))
        return whole if abs(value - other) <= _SAME * (1.0 + abs(value)) else place

    def _whole(self, x: Array, near: float, *, zeros: bool = False, reach: float = _REACH) -> Array:
        """A point with the neurons that are one merged, at rest, and taken apart again."""
        shape = self.shape
        rank, parts = shape.problem.rank, shape.parts(x)
        whole = merged(*parts, shape.problem.function, near, zeros=zeros)
        if whole is None or len(whole.groups) == len(parts[1]):
            return shape.place(x)
        objective = _loss_of(shape.problem.with_width(len(whole.groups)), shape.problem.extra)
        start = joined(whole.weights, whole.outputs, rank)
        end, *_ = newton(objective, start, gradient_tolerance=0.0, region=reach * self.length)
        rows = objective.rows(end)
        return joined(*whole.expanded(weights_of(rows, rank), outputs_of(rows, rank)), rank)

    def flat_dimension(self, x: Array, nullity: int) -> int:
        """Of zero loss, where null directions may be walls, the shares that are free."""
        return self.free_shares(x) if float(self.objective(x).value(x)) <= LEAST else nullity

    def free_shares(self, x: Array) -> int:
        """Dimension of the flat set of splits that a point lies on."""
        parts = self.shape.parts(x * self.length)
        return len(parts[1]) - len(splits(*parts, self.shape.problem.function))

    def is_flat(self, point: FunctionPoint) -> bool:
        """Whether free shares are all there is, and leave the value as it is when they change."""
        if self.free_shares(point.x) != point.nullity:
            return False
        shape = self.shape
        rank, parts = shape.problem.rank, shape.parts(point.x * self.length)
        whole = merged(*parts, shape.problem.function)
        if whole is None:
            return False
        points = np.array(
            [
                joined(*whole.expanded(whole.weights, whole.outputs, stretch), rank)
                for stretch in _STRETCHED
            ]
        )
        apart = np.abs(self.objective(point.x).value(points / self.length) - point.value)
        return bool(apart.max() <= _SAME * (1.0 + abs(point.value)))

    def is_single(self, point: FunctionPoint) -> bool:
        """Whether null directions are free shares; neurons without output weight have others."""
        sizes = np.abs(point.eigenvalues)
        soft = int(np.sum(sizes <= _SOFT * sizes.max(initial=0.0)))
        return point.nullity == soft and point.nullity in (0, self.free_shares(point.x))

    def part_of(self, x: Array) -> tuple[int, ...]:
        """The signs of output weights, where s is homogeneous."""
        if self.shape.problem.function.degree is None:
            return ()
        return tuple(self.shape.parts(x)[1].astype(int).tolist())

    @property
    def not_searched(self) -> str:
        """Ways across signs, where s is homogeneous; else over sets of saddles."""
        return _NOT_JOINED if self.shape.problem.function.degree is None else _NOT_SEARCHED

    def least_set(self, x: Array) -> Hashable | None:
        """Zero loss with more neurons than teachers: in each sector all of it is one family."""
        shape = self.shape
        if shape.problem.width <= shape.problem.teacher.size:
            return None
        if float(self.objective(x).value(x)) > LEAST:
            return None
        return sum(self.part_of(x))


def trained_model(
    problem: TeacherStudent,
    *,
    init: str | StartDistribution = "gaussian:1",
    init_outputs: str = "one",
) -> TrainedModel:
    """Students of one width with trained output weights, as a model.

    Parameters
    ----------
    problem : TeacherStudent
        Its output weights are those of the teacher alone.
    init : str or StartDistribution
        Of the weights at the start of searches.
    init_outputs : str
        Of the output weights: ``one``, or ``normal`` for independent N(0, 1).

    Returns
    -------
    TrainedModel

    Raises
    ------
    InvalidArgument
        An argument cannot be used, or s is even, or known for short neurons only.

    Examples
    --------
    Two neurons of opposite output weights can be one that is split; the minima of smaller widths
    come back on flat lines without bound:

    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3)
    >>> found = lt.find_minima(lt.trained_model(problem, init_outputs="normal"), starts=60)
    >>> [(round(one.loss, 6), one.flat_dimension) for one in found.families][:2]
    [(0.0, 0), (0.076834, 1)]
    """
    checked_instance("problem", "trained_model", problem, TeacherStudent)
    problem.require_ones("trained_model")
    found = trained_models(
        problem.teacher, problem.width, dim=problem.dim, init=init, init_outputs=init_outputs
    ).models[0]
    assert isinstance(found, TrainedModel)
    return found


def trained_models(
    teacher: Teacher,
    widths: int | Iterable[int],
    *,
    dim: int | None = None,
    init: str | StartDistribution = "gaussian:1",
    init_outputs: str = "one",
) -> StudentModels:
    """Students of several widths with trained output weights, for a graph over widths.

    Parameters
    ----------
    teacher : Teacher
    widths : int or iterable of int
    dim : int, optional
        Dimension of the inputs; infinite by default.
    init, init_outputs
        As for `trained_model`.

    Returns
    -------
    ParameterModels
        `landscape_graph` takes it in place of a teacher.

    Raises
    ------
    InvalidArgument
        As of `trained_model`.

    Examples
    --------
    >>> import landtopo as lt
    >>> models = lt.trained_models(lt.Teacher.orthonormal(2), [1, 2])
    >>> [model.size for model in models.models]
    [4, 10]
    """
    caller = "trained_models"
    problems = problems_of(caller, teacher, widths, dim)
    checked_choice("init_outputs", caller, init_outputs, INIT_OUTPUTS)
    if teacher.function.parity == 1:
        raise InvalidArgument(
            f"The teacher of {caller} must have an activation that is not even, for which alone it "
            f"is worked out; got {teacher.function.name}."
        )
    if np.isfinite(teacher.function.longest):
        raise InvalidArgument(
            f"The teacher of {caller} must have an activation that is known for neurons of any "
            f"length; {teacher.function.name} is not."
        )
    start = parse_distribution(init)
    told = [f"{_NAME}:{init_outputs}", teacher.title]
    told += [] if dim is None else [f"dim={dim}"]
    name = " | ".join([*told, f"init={start}"])
    where = "any dimension" if dim is None else f"dimension {dim}"
    title = f"student with a trained second layer, teacher {teacher.title}, inputs of {where}"

    def make(width: int) -> TrainedModel:
        problem = problems[width]
        objective = _loss_of(problem, problem.extra)
        # Rows have an output weight between the coordinates in the span and those outside.
        gauge = Outside(width, problem.rank + 1, objective.columns + 1, objective)
        return TrainedModel(
            TrainedShape(
                name=f"{name} | width={width}",
                title=title,
                problem=problem,
                objective=objective,
                gauge=gauge,
                init=start,
                init_outputs=init_outputs,
            )
        )

    return StudentModels(make, tuple(problems), name, title)


def _loss_of(problem: TeacherStudent, extra: int) -> JointLoss | SignedLoss:
    """The loss in so many columns outside the span."""
    kind = JointLoss if problem.function.degree is None else SignedLoss
    return kind(problem, extra)


def trained_from_name(text: str, widths: Iterable[int] | None) -> StudentModel | StudentModels:
    """What `trained_models` named, made again.

    Parameters
    ----------
    text : str
        Such as ``trained:normal | orthonormal:2 | dim=5 | init=gaussian:1 | width=3``; without the
        last part where widths are given.
    widths : iterable of int, optional

    Raises
    ------
    InvalidArgument
        It is no such name, or its teacher is not there.

    Examples
    --------
    >>> from landtopo.models.networks.trained import trained_from_name
    >>> trained_from_name("trained:normal | orthonormal:2 | init=gaussian:1 | width=3", None).size
    18
    """
    example = "trained:normal | orthonormal:2 | init=gaussian:1 | width=3"
    return students_from_name(text, widths, _named, example=example, options=("init",))


def _named(
    kind: str, teacher: Teacher, widths: Iterable[int], *, dim: int | None, init: str
) -> StudentModels:
    outputs = kind.removeprefix(f"{_NAME}:")
    return trained_models(teacher, widths, dim=dim, init=init, init_outputs=outputs)
