"""The loss of a two-layer network on given samples, and what becomes of it as they grow in number.

L_n(W) = 1/(2 n) sum_i (f(x_i) - y_i)^2 + (g / 2) |W|^2,  f(x) = sum_k a_k s(w_k.x),

for a smooth activation s. Neurons of equal output weight may change places; for even s each may
change its sign. The symmetries of a teacher are none of the samples', so that a family of the
population loss falls apart into one minimum of L_n for each of its copies by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import (
    checked_array,
    checked_count,
    checked_number,
    checked_positive,
    checked_seed,
    shown,
)
from landtopo.errors import InvalidArgument
from landtopo.models.functions import FunctionShape
from landtopo.models.networks.activation import Activation, activation_from_spec
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array, FlowCurve, Pace
from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import NoGauge

__all__ = ["gaussian_samples", "sample_model", "samples_from_file"]

# Groups are listed, and 8! = 40320 is the largest that may be.
_MOST_NEURONS = 8
_KEYS = ("inputs", "targets", "width")
_MORE = ("activation", "outputs", "regulariser", "spread")


class SampleLoss:
    """The loss as an `Objective` of flat weights, one neuron after the other.

    Parameters
    ----------
    inputs : ndarray, shape (n, d)
    targets : ndarray, shape (n,)
    outputs : ndarray, shape (K,)
        Output weights a.
    activation : Activation
        With `slopes`.
    regulariser : float
        g.
    """

    def __init__(
        self,
        inputs: Array,
        targets: Array,
        outputs: Array,
        activation: Activation,
        regulariser: float,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.outputs = outputs
        self.activation = activation
        self.regulariser = regulariser

    @property
    def size(self) -> int:
        """K d."""
        return len(self.outputs) * int(self.inputs.shape[1])

    def _heights(self, x: Array) -> Array:
        """w_k.x_i, shape (n, K)."""
        return np.asarray(self.inputs @ x.reshape(len(self.outputs), -1).T)

    def _missed(self, heights: Array) -> Array:
        """f(x_i) - y_i."""
        return np.asarray(self.activation.function(heights) @ self.outputs - self.targets)

    def value(self, x: Array) -> Array:
        """Values, shape () or (m,)."""
        if x.ndim > 1:
            return np.array([float(self.value(one)) for one in x])
        missed = self._missed(self._heights(x))
        return np.asarray(0.5 * np.mean(missed**2) + 0.5 * self.regulariser * float(x @ x))

    def value_and_gradient(self, x: Array) -> tuple[Array, Array]:
        """Values and gradients."""
        if x.ndim > 1:
            values, gradients = zip(*(self.value_and_gradient(one) for one in x), strict=True)
            return np.array(values), np.array(gradients)
        heights = self._heights(x)
        missed = self._missed(heights)
        first = self._slopes(heights)[0] * self.outputs
        gradient = (first * missed[:, None]).T @ self.inputs / len(missed)
        value = 0.5 * np.mean(missed**2) + 0.5 * self.regulariser * float(x @ x)
        return np.asarray(value), gradient.ravel() + self.regulariser * x

    def hessian(self, x: Array) -> Array:
        """Hessian at one point."""
        heights = self._heights(x)
        missed = self._missed(heights)
        first, second = (slope * self.outputs for slope in self._slopes(heights))
        count, columns = len(self.outputs), self.inputs.shape[1]
        result = np.zeros((count, columns, count, columns))
        for k in range(count):
            for j in range(k + 1):
                weight = first[:, k] * first[:, j]
                if j == k:
                    weight = weight + second[:, k] * missed
                block = (self.inputs * weight[:, None]).T @ self.inputs / len(missed)
                result[k, :, j] = block
                result[j, :, k] = block.T
        whole = result.reshape(self.size, self.size)
        return np.asarray(whole + self.regulariser * np.eye(self.size))

    def _slopes(self, heights: Array) -> tuple[Array, Array]:
        assert self.activation.slopes is not None
        return self.activation.slopes(heights)

    def gauge(self, x: Array) -> Array:
        """None: samples keep no rotation."""
        return np.empty((0, self.size))

    def flow(self, x: Array, pace: Pace) -> FlowCurve | None:
        """Nothing is compiled."""
        return None


@dataclass(frozen=True, kw_only=True)
class SampleShape(FunctionShape):
    """The loss with its start distribution and its words; see `landtopo.models.smooth.Shape`.

    Attributes
    ----------
    spread : float
        Standard deviation of the entries of a start.
    """

    objective: SampleLoss
    spread: float

    @property
    def title(self) -> str:
        """What a page calls it."""
        loss = self.objective
        return (
            f"loss of {len(loss.outputs)} neurons ({loss.activation.name}) on "
            f"{len(loss.targets)} samples"
        )

    def draw(self, generator: np.random.Generator) -> Array:
        """Independent normal entries."""
        return np.asarray(self.spread * generator.standard_normal(self.objective.size))

    def shaped(self, x: Array) -> Array:
        """One neuron a row."""
        return x.reshape(len(self.objective.outputs), -1)

    def description(self, x: Array, isotropy: int) -> str:
        """The lengths of the neurons."""
        lengths = np.sort(np.linalg.norm(self.shaped(x), axis=1))[::-1]
        return f"neurons of lengths {', '.join(f'{length:.4g}' for length in lengths)}"


def sample_model(
    inputs: ArrayLike,
    targets: ArrayLike,
    width: int,
    *,
    activation: str = "erf",
    outputs: Sequence[float] | None = None,
    regulariser: float = 0.0,
    spread: float | None = None,
    name: str = "samples",
) -> SmoothModel:
    """The loss of a two-layer network on given samples, as a model.

    Parameters
    ----------
    inputs : array_like, shape (n, d)
    targets : array_like, shape (n,)
    width : int
        Number K of neurons, up to 8.
    activation : str
        A smooth one.
    outputs : sequence of float, optional
        Output weights, 1 by default.
    regulariser : float
        g of (g / 2) |W|^2, not negative.
    spread : float, optional
        Starts of searches have entries N(0, spread^2); 1 / sqrt(d) by default.
    name : str

    Returns
    -------
    SmoothModel

    Raises
    ------
    InvalidArgument
        An argument cannot be used, or the activation has a kink.

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="erf")
    >>> model = lt.sample_model(*lt.gaussian_samples(problem, 200), width=2)
    >>> found = lt.find_minima(model, starts=8)
    >>> found.families[0].loss < 1e-20
    True
    """
    caller = "sample_model"
    points = checked_array("inputs", caller, inputs, "(n, d)", lambda s: len(s) == 2 and min(s) > 0)
    wanted = checked_array(
        "targets", caller, targets, f"({len(points)},)", lambda s: s == (len(points),)
    )
    width = checked_count("width", caller, width, most=_MOST_NEURONS)
    given = np.ones(width) if outputs is None else outputs
    weights = checked_array("outputs", caller, given, f"({width},)", lambda s: s == (width,))
    if not np.all(weights):
        raise InvalidArgument(
            f"The 'outputs' argument of {caller} must have no zeros; got {shown(weights.tolist())}."
        )
    regulariser = checked_number(
        "regulariser", caller, regulariser, "be a number >= 0", lambda g: 0.0 <= g < np.inf
    )
    function = activation_from_spec(activation)
    if function.slopes is None:
        raise InvalidArgument(
            f"The 'activation' argument of {caller} must be smooth: {function.name} has no second "
            "derivative everywhere."
        )
    loss = SampleLoss(points, wanted, weights, function, regulariser)
    columns = points.shape[1]
    spread = checked_positive("spread", caller, columns**-0.5 if spread is None else spread)
    shape = SampleShape(
        name=name,
        objective=loss,
        spread=spread,
        low=np.full(loss.size, -2.0),
        high=np.full(loss.size, 2.0),
        gauge=NoGauge(loss.size),
        symmetry=SignedPermutations(loss.size, _generators(weights, columns, function.parity)),
    )
    return SmoothModel(shape)


def _generators(outputs: Array, columns: int, parity: int) -> Iterable[list[int]]:
    """Exchanges of neurons of equal output weight, and changes of sign where s is even."""
    rows = np.arange(1, outputs.size * columns + 1).reshape(-1, columns)
    order = np.argsort(outputs, kind="stable")
    for first, second in pairwise(order.tolist()):
        if outputs[first] == outputs[second]:
            moved = rows.copy()
            moved[[first, second]] = rows[[second, first]]
            yield moved.ravel().tolist()
    for k in range(len(outputs) if parity == 1 else 0):
        moved = rows.copy()
        moved[k] = -rows[k]
        yield moved.ravel().tolist()


def gaussian_samples(problem: TeacherStudent, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Gaussian inputs in the coordinates of a problem, and what its teacher says to them.

    Parameters
    ----------
    problem : TeacherStudent
        Its dimension, or that of the teacher's span where inputs are of any dimension.
    count : int
        Number n of samples.
    seed : int

    Returns
    -------
    inputs : ndarray, shape (n, d)
    targets : ndarray, shape (n,)

    Examples
    --------
    >>> import landtopo as lt
    >>> problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, activation="erf")
    >>> [part.shape for part in lt.gaussian_samples(problem, 10)]
    [(10, 3), (10,)]
    """
    count = checked_count("count", "gaussian_samples", count, most=10**8)
    seed = checked_seed("gaussian_samples", seed)
    teacher = problem.teacher
    columns = problem.rank if problem.dim is None else problem.dim
    generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(columns, 5)))
    inputs = generator.standard_normal((count, columns))
    heights = inputs[:, : problem.rank] @ teacher.vectors.T
    return inputs, np.asarray(teacher.function.function(heights) @ teacher.strengths)


def samples_from_file(place: Path, name: str, *, regulariser: float | None = None) -> SmoothModel:
    """The model of an .npz file with `inputs`, `targets` and `width`.

    It may also hold `activation` (a text, ``erf`` by default), `outputs`, `regulariser`, `spread`.

    Parameters
    ----------
    place : Path
    name : str
        What the model is called.
    regulariser : float, optional
        In place of the one that the file holds.
    """
    held: dict[str, Any] = {}
    try:
        with np.load(place, allow_pickle=False) as file:
            held = {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError, TypeError) as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise InvalidArgument(f"'{place}' cannot be read as an .npz file: {text}.") from None
    missing = [key for key in _KEYS if key not in held]
    further = sorted(set(held) - {*_KEYS, *_MORE})
    if missing or further:
        problem = f"lacks {missing[0]}" if missing else f"holds {shown(further[0])}"
        raise InvalidArgument(
            f"'{place}' {problem}; samples have {', '.join(_KEYS)}, and may have "
            f"{', '.join(_MORE)}."
        )
    if held["width"].ndim or held["width"].dtype.kind not in "iu":
        raise InvalidArgument(f"'{place}' must hold a whole number as width.")
    given = {key: held[key] for key in _MORE if key in held}
    for key in given.keys() - {"outputs"}:
        if given[key].ndim:
            raise InvalidArgument(f"'{place}' must hold one value as {key}.")
        given[key] = str(given[key]) if key == "activation" else given[key].item()
    if regulariser is not None:
        given["regulariser"] = regulariser
    return sample_model(held["inputs"], held["targets"], int(held["width"]), name=name, **given)
