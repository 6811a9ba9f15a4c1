"""What one point of a network is, recomputed from its weights by quadrature and by trying."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from landtopo.objective import Array
from landtopo.study.store import Study
from landtopo.study.verification.activations.quadrature import Quadrature
from landtopo.study.verification.checks import Comparison
from landtopo.study.verification.evidence import Evidence, Memory
from landtopo.study.verification.known import Known, Stored, UnknownFamilyError
from landtopo.study.verification.labelled import Joint, automorphisms, joint
from landtopo.study.verification.network import gauge_directions
from landtopo.study.verification.stored import Record

__all__ = ["KnownNetworks", "NetworkEvidence"]

# A neuron of this part of the longest one is zero.
_ZERO = 1e-7
# In units of the teacher: the step away from a saddle, the slope at which a flow is at rest, and
# how far Newton's method may go from there.
_AWAY = 1e-3
_REST = 1e-7
_REGION = 5e-2
_LONGEST = 1e6


class NetworkEvidence:
    """Recomputed quantities of a point, each when it is asked for.

    Parameters
    ----------
    given : Evidence
        Of the same weights, for what does not depend on the activation.
    """

    def __init__(self, given: Evidence) -> None:
        self.problem, self.weights = given.problem, given.weights
        self.frame, self.unit = given.frame, given.unit
        teacher = given.teacher
        self.quadrature = Quadrature(teacher.function, teacher.vectors, teacher.strengths)

    @cached_property
    def loss(self) -> tuple[float, float]:
        """The loss, and the error of the quadrature."""
        return self.quadrature.loss(self.weights)

    @cached_property
    def gradient_norm(self) -> float:
        """Frobenius norm of the gradient."""
        return float(np.linalg.norm(self.quadrature.gradient(self.weights)))

    @cached_property
    def live(self) -> Array:
        """The neurons, without those that are zero where s has a kink."""
        lengths = np.linalg.norm(self.weights, axis=1)
        if not self.problem.function.kinks:
            return self.weights
        return np.asarray(self.weights[lengths > _ZERO * lengths.max(initial=0.0)])

    @cached_property
    def inside(self) -> Array:
        """Curvatures in the columns in use, ascending, rotations outside the span left out."""
        gauge = gauge_directions(self.live, self.problem.rank)
        hessian = self.quadrature.hessian(self.live)
        if len(gauge):
            basis = np.linalg.svd(gauge)[2][len(gauge) :]
            hessian = basis @ hessian @ basis.T
        return np.asarray(np.linalg.eigvalsh(hessian))

    @cached_property
    def normal(self) -> Array:
        """Curvatures in one direction that nothing uses, ascending."""
        count, columns = self.live.shape
        wide = np.hstack([self.live, np.zeros((count, 1))])
        last = np.arange(count) * (columns + 1) + columns
        block = self.quadrature.hessian(wide)[np.ix_(last, last)]
        across = self.live[:, self.problem.rank :]
        if np.any(across):
            # Turning a column in use into an unused one changes nothing.
            used = np.linalg.svd(across, full_matrices=False)
            rank = int(np.sum(used[1] > _ZERO * float(used[1].max())))
            basis = np.linalg.svd(used[0][:, :rank].T)[2][rank:]
            block = basis @ block @ basis.T
        return np.asarray(np.linalg.eigvalsh(block))

    @cached_property
    def error(self) -> float:
        """Of a curvature."""
        largest = float(np.abs(self.inside).max(initial=0.0))
        return self.quadrature.error * max(1.0, largest)

    @cached_property
    def index(self) -> int:
        """Negative curvatures in all d dimensions."""
        outside = self.live.shape[1] - self.problem.rank
        whole = self.problem.codimension
        unused = (len(self.live) if whole is None else whole) - outside
        return int(np.sum(self.inside < -self.error) + unused * np.sum(self.normal < -self.error))

    def graph(self, weights: Array) -> Joint:
        """Weights, with their opposites where s is even, and the teacher's frame."""
        if not self.problem.function.turns:
            return joint(weights, self.frame)
        plain = joint(np.vstack([weights, -weights]), self.frame)
        partner = np.zeros_like(plain.tables[0])
        rows = np.arange(len(weights))
        partner[rows, rows + len(rows)] = partner[rows + len(rows), rows] = 1.0
        return Joint(tables=np.concatenate([plain.tables, partner[None]]), classes=plain.classes)

    @cached_property
    def isotropy_order(self) -> int:
        """Renumberings, signed where s is even, and symmetries of f* that fix the point."""
        return automorphisms(self.graph(self.weights)).order

    @cached_property
    def copies(self) -> int:
        """Labelled copies: all elements over those that fix the point."""
        whole = automorphisms(joint(np.zeros((0, self.problem.rank)), self.frame)).order
        turns = 2**self.problem.width if self.problem.function.turns else 1
        return turns * math.factorial(self.problem.width) * whole // self.isotropy_order

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Where the flows from both sides come to rest, along the lowest mode."""
        gauge = gauge_directions(self.weights, self.problem.rank)
        hessian = self.quadrature.hessian(self.weights) + 10.0 * gauge.T @ gauge
        mode = np.linalg.eigh(hessian)[1][:, 0].reshape(self.weights.shape)
        step = _AWAY * self.unit * mode
        first, second = (self._settled(self._flow(self.weights + s * step)) for s in (1, -1))
        return first, second

    def _flow(self, start: Array) -> Array:
        unit, shape = self.unit, start.shape

        def speed(_: float, state: Array) -> Array:
            return np.asarray(-self.quadrature.gradient(state.reshape(shape)).ravel(), float)

        def at_rest(time: float, state: Array) -> float:
            return float(np.linalg.norm(speed(time, state))) - _REST * unit

        at_rest.terminal = True  # type: ignore[attr-defined]
        at_rest.direction = -1.0  # type: ignore[attr-defined]
        found = solve_ivp(
            speed,
            (0.0, _LONGEST),
            start.ravel(),
            method="LSODA",
            rtol=1e-8,
            atol=1e-10 * unit,
            events=at_rest,
        )
        return np.asarray(found.y[:, -1].reshape(shape))

    def _settled(self, end: Array) -> Array:
        """The critical point next to where a flow came to rest, or that place itself."""
        point = end
        for _ in range(8):
            slope = np.asarray(self.quadrature.gradient(point).ravel(), dtype=np.float64)
            inverse = np.linalg.pinv(self.quadrature.hessian(point), rcond=1e-6, hermitian=True)
            step = (inverse @ slope).reshape(point.shape)
            if np.linalg.norm(point - step - end) > _REGION * float(np.linalg.norm(end)):
                return end
            point = point - step
            if np.linalg.norm(step) <= 1e-12 * np.linalg.norm(point):
                break
        return point


class KnownNetworks(Stored):
    """A study of another activation that is verified.

    Parameters
    ----------
    study : Study
    memory : Memory
    """

    def __init__(self, study: Study, memory: Memory) -> None:
        super().__init__(study, memory)
        self._plain = Known(study, memory)

    def evidence(self, weights: Any) -> NetworkEvidence:
        """What is recomputed of a point."""
        given = self._plain.evidence(np.asarray(weights))
        teacher = given.teacher
        key = ("network", teacher.told, teacher.vectors.tobytes(), given.problem.dim,
               given.weights.shape, given.weights.tobytes())  # fmt: skip
        return self.memory.get(key, lambda: NetworkEvidence(given))

    def node(self, name: str) -> NetworkEvidence:
        """What is recomputed of a family of the graph.

        Raises
        ------
        UnknownFamilyError
            The graph has none of that name.
        """
        if name not in self.graph:
            raise UnknownFamilyError(name)
        return self.evidence(self.graph.nodes[name]["weights"])

    def compare(self, record: Record) -> Comparison:
        """Makes checks of a record's fields; tolerances are those of a teacher of norm 1."""
        return self._plain.compare(record)
