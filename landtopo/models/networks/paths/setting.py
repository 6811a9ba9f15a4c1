"""What a connection has to know of the network landscape: copies, gauge, dimensions, zero loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landtopo.models.networks.fixed_objective import FixedSpaceObjective
from landtopo.models.networks.flat.slides import FlatPathStatus, loss_range, slide_path
from landtopo.models.networks.flat.turns import turning_path
from landtopo.models.networks.loss import PopulationLoss, WeightObjective
from landtopo.models.networks.paths.ends import (
    align_outside,
    closest_permutation,
    labelled_distance,
    relative_permutation,
    small_cycles,
)
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.symmetry.fixed_space import (
    EXACT,
    SharedSymmetry,
    interchangeable,
    shared_symmetry,
)
from landtopo.models.networks.symmetry.frame import (
    both_signs,
    function_automorphisms,
    on_frame,
    symmetry_frame,
)
from landtopo.models.networks.symmetry.point_groups import TeacherAutomorphisms
from landtopo.models.networks.symmetry.relabelling import renumbered, teacher_rotation
from landtopo.objective import Array, Objective
from landtopo.paths.restricted import Restricted
from landtopo.paths.setting import Element, Overlap, Pass
from landtopo.points.ascend import Ascent, AscentOptions, ascend
from landtopo.points.evaluations import Counted, Evaluations
from landtopo.points.factors import cholesky
from landtopo.points.known import Invariants
from landtopo.points.records import CriticalPoint, Kind
from landtopo.symmetry.isotypic import isotypic_eigenvalues, useful_blocks
from landtopo.symmetry.permutations import inverse, unsigned
from landtopo.symmetry.shared import Shared
from landtopo.tolerances import SAME_PLACE

__all__ = ["NetworkSetting"]

# Of the small neurons at a maximum, how many are tried as the one that vanishes.
_SMALL_NEURONS = 2
# Differences of losses below this share of the loss of no student at all cannot be told.
_ROUNDING = 1e-15
# Of so many vectors all permutations are looked at for one that turns a way around.
_MOST_ACTIVE = 4
# So many comparisons of points are remembered.
_RELATIONS = 256
_OTHER_INDEX = "The index in d dimensions is {}, not 1."


class NetworkSetting:
    """The population loss in r + e coordinates, as a setting for `join`.

    Parameters
    ----------
    loss : PopulationLoss
    columns : int
        Coordinates D = r + e of each neuron.
    noise : tuple of float
        Displacements of the neurons of first guesses in turn, in units of the teacher's mean norm.
    tolerance : float
        Largest difference between entries of the same labelled point.
    """

    def __init__(
        self,
        loss: PopulationLoss,
        columns: int,
        *,
        noise: tuple[float, ...] = (0.3, 0.6, 0.15, 1.0),
        tolerance: float = SAME_PLACE,
    ) -> None:
        problem = loss.problem
        self.loss = loss
        self.objective = WeightObjective(loss, problem.width, columns)
        self.rank = problem.rank
        self.noise = noise
        self.tolerance = tolerance
        self.scale = float(np.trace(problem.teacher.gram))
        self.unit = float(problem.teacher.norms.mean())
        self.spent = Evaluations()
        self._regions: dict[float, int] = {}
        self._classified: dict[bytes, CriticalPoint] = {}
        self._relations: dict[tuple[bytes, bytes], Element | None] = {}
        self._shared: dict[tuple[bytes, bytes], SharedSymmetry | None] = {}

    @property
    def _kinks(self) -> bool:
        """Whether zero neurons are corners of the landscape."""
        return self.loss.problem.function.kinks

    @property
    def _turns(self) -> bool:
        """Whether each neuron alone can be turned around."""
        return self.loss.problem.function.turns

    @property
    def _merges(self) -> bool:
        """Whether zero and parallel neurons are as good as none and one."""
        problem = self.loss.problem
        return problem.function.degree == 1 and not problem.teacher.has_negative

    def weights(self, x: Array) -> Array:
        """Weights (K, D) of flat coordinates."""
        return self.objective.weights(x)

    def relation(self, x: Array, reference: Array) -> Element | None:
        """The permutation of student neurons, signed or not, that carries one point to another."""
        # The end of a descent is compared with the same minima several times in a row.
        key = x.tobytes(), reference.tobytes()
        if key not in self._relations:
            if len(self._relations) >= _RELATIONS:
                self._relations.clear()
            self._relations[key] = relative_permutation(
                self.weights(reference),
                self.weights(x),
                self.rank,
                turned=self._turns,
                tolerance=self.tolerance,
            )
        return self._relations[key]

    def invariants(self, x: Array) -> Invariants:
        """Sums over the neurons: of their weights, of products of two, and how long W_out is.

        Neurons renumbered and turned outside the span to within `eps` in norm change the sums by at
        most sqrt(K) eps, the sums of products by at most (|W| + |W'|) eps, and the length by eps.
        Neurons that are turned around change the sums of weights alone, which are then left out.
        """
        weights = self.weights(x)
        eps = self.tolerance * len(weights)
        inside = weights[:, : self.rank]
        products = (inside.T @ inside)[self._upper]
        length = float(np.linalg.norm(weights[:, self.rank :]))
        slack = np.full(self.rank + products.size + 1, eps)
        slack[: self.rank] *= len(weights) ** 0.5
        slack[self.rank : -1] *= np.linalg.norm(inside)
        numbers = np.concatenate([inside.sum(axis=0), products, [length]])
        first = self.rank if self._turns else 0
        return Invariants(numbers[first:], slack[first:])

    @cached_property
    def _upper(self) -> tuple[NDArray[np.intp], ...]:
        return np.triu_indices(self.rank)

    def act(self, element: Element, points: Array) -> Array:
        """Renumber the student neurons: neuron i becomes number element[i]."""
        return renumbered(self.weights(points), element).reshape(points.shape)

    def overlap(self, x: Array, target: Array) -> Overlap:
        """The sums of the overlaps of neuron i with number element[i] of the target."""
        first, second = (
            both_signs(self.loss.problem.teacher, self.weights(y)) for y in (x, target)
        )
        share = self.objective.width / len(first)  # opposites count a neuron twice
        return Overlap(0.0, share * (first @ second.T))

    def classes(self, x: Array) -> Element:
        """Equal numbers for neurons that are equal: zero ones, for instance."""
        weights = both_signs(self.loss.problem.teacher, self.weights(x))
        apart = np.abs(weights[:, None] - weights[None]).max(axis=2)
        return tuple(np.argmax(apart <= self.tolerance, axis=1).tolist())

    def closest_copy(self, x: Array, target: Array, rng: np.random.Generator) -> Array:
        """The closest student permutation of a point, of any copy by a teacher automorphism."""
        found = self.automorphism(rng) if rng.random() < 0.5 else None
        weights = self.weights(x if found is None else self.turn(found, x))
        aim = self.weights(target)
        order = self._closest(aim[:, : self.rank], weights[:, : self.rank])
        return align_outside(renumbered(weights, inverse(order)), aim, self.rank).ravel()

    def _closest(self, start: Array, end: Array) -> Element:
        return closest_permutation(start, end, turned=self._turns)

    def automorphism(self, rng: np.random.Generator) -> Element | None:
        """A random teacher automorphism; None if there is only the identity."""
        if self.automorphisms.order == 1:
            return None
        return tuple(int(i) for i in self.automorphisms.group.random(rng))

    def turn(self, automorphism: Element, points: Array) -> Array:
        """Rotate the teacher's span by the matrix that realises an automorphism."""
        weights = self.weights(points).copy()
        rotation = teacher_rotation(symmetry_frame(self.loss.problem.teacher), automorphism)
        weights[..., : self.rank] = weights[..., : self.rank] @ rotation.T
        return np.asarray(weights.reshape(points.shape))

    def reversals(self, x: Array, y: Array) -> Sequence[Element]:
        """Teacher automorphisms that exchange two points, but for the numbering of their neurons.

        Only of the few vectors that are no onlookers: others would take other onlookers along.
        """
        symmetry = self.shared_symmetry(x, y)
        onlookers = () if symmetry is None else symmetry.onlookers
        size = self.loss.problem.teacher.size
        active = [m for m in range(size) if all(m not in members for members in onlookers)]
        if len(active) > _MOST_ACTIVE:
            return ()
        teacher = self.loss.problem.teacher
        gram = teacher.gram
        both = np.hstack([self.weights(y), self.weights(x)])
        found = []
        for order in permutations(active):
            element = list(range(size))
            for m, image in zip(active, order, strict=True):
                element[m] = image
            turned_gram = gram[np.ix_(element, element)]
            if np.any(teacher.strengths[element] != teacher.strengths):
                continue
            if np.abs(turned_gram - gram).max() > EXACT * np.abs(gram).max():
                continue
            images = on_frame(teacher, element)
            turned = np.hstack(list(self.weights(self.turn(images, np.array([x, y])))))
            rows = self._closest(both, turned)
            if np.abs(renumbered(turned, inverse(rows)) - both).max() <= self.tolerance * self.unit:
                found.append(images)
        return found

    @cached_property
    def automorphisms(self) -> TeacherAutomorphisms:
        """The teacher's symmetry, as far as it is exact: images of what is known stay critical."""
        return function_automorphisms(self.loss.problem.teacher, tolerance=EXACT)

    def distance(self, x: Array, y: Array) -> float:
        """Distance over rotations outside the span."""
        return labelled_distance(self.weights(x), self.weights(y), self.rank)

    def first_guess(
        self, x: Array, y: Array, images: int, attempt: int, rng: np.random.Generator
    ) -> Array:
        """The straight line, every neuron bent aside by a random half wave, outside included.

        Straight lines between labelled copies are symmetric, and bands begun on them stop at
        points of high index.
        """
        share = np.linspace(0.0, 1.0, images)
        line = x + share[:, None] * (y - x)
        bend = rng.standard_normal((self.objective.width, self.objective.columns))
        bend *= self.noise[attempt % len(self.noise)] * self.unit / np.sqrt(self.objective.columns)
        line += np.sin(np.pi * share)[:, None] * bend.ravel()
        line[0], line[-1] = x, y
        return np.asarray(line)

    def shared_symmetry(self, x: Array, y: Array) -> SharedSymmetry | None:
        """Exchanges of teacher vectors and neurons that leave both points as they are."""
        if not self._interchangeable or not self.loss.problem.is_plain:
            return None
        key = x.tobytes(), y.tobytes()
        if key not in self._shared:
            self._shared[key] = shared_symmetry(
                self.objective.rows,
                self._interchangeable,
                self.weights(x),
                self.weights(y),
                tolerance=1e-3 * self.tolerance * self.unit,
            )
        return self._shared[key]

    def fixed_space(self, objective: Objective, x: Array, y: Array) -> Restricted | None:
        """The weights that the symmetries of two points leave alone; None without any."""
        symmetry = self.shared_symmetry(x, y)
        if symmetry is None:
            return None
        space = symmetry.space(self.objective.columns)
        inside = FixedSpaceObjective(self.objective, space)
        return Restricted(objective, symmetry, inside, space.basis)

    @cached_property
    def _interchangeable(self) -> tuple[tuple[int, ...], ...]:
        return interchangeable(self.loss.problem.teacher.gram)

    def classified(self, x: Array, symmetry: Shared | None = None) -> CriticalPoint:
        """The critical point at flat coordinates in d dimensions, computed once."""
        key = x.tobytes()
        if key not in self._classified:
            self._classified[key] = classify(self.loss.problem, self.weights(x), symmetry=symmetry)
        return self._classified[key]

    def is_curved_up(self, x: Array, symmetry: Shared | None = None) -> bool:
        """Whether an in-span point has a positive Hessian in d dimensions, beyond rounding.

        Outside the span the Hessian there consists of copies of the normal block.
        """
        weights = self.weights(x)
        outside = np.abs(weights[:, self.rank :]).max(initial=0.0)
        corner = self._kinks and not np.all(np.any(weights, axis=1))
        if outside > 1e-12 * self.unit or corner:
            return False
        inside = WeightObjective(self.loss, self.objective.width, self.rank)
        hessian = inside.hessian(weights[:, : self.rank].ravel())
        least = 1e-9 * np.abs(hessian).sum(axis=1).max()
        irreducible = useful_blocks(symmetry, inside.size)
        values = None if irreducible is None else isotypic_eigenvalues(hessian, irreducible)
        if values is not None and values[0] <= least:
            return False
        blocks = [hessian] if values is None else []
        if self.loss.problem.extra:
            blocks.append(self.loss.normal_block(weights))
        for block in blocks:
            block.reshape(-1)[:: len(block) + 1] -= least
        return all(cholesky(block) is not None for block in blocks)

    def objection(self, ascent: Ascent, symmetry: Shared | None = None) -> str | None:
        """Whether the point has index 1 in all d dimensions, not only in these coordinates.

        A column that W_out leaves empty shows the normal block once; the dimensions that have no
        column here add one index each for every negative eigenvalue of it.
        """
        weights = self.weights(ascent.x)
        norms = np.linalg.norm(weights, axis=1)
        corner = self._kinks and norms.min() < 1e-6 * self.unit
        if corner or ascent.spectrum is None:
            return "A neuron vanishes there, and the loss is not differentiable."
        if symmetry is not None:
            point = self.classified(ascent.x, symmetry)
            if point.index != 1:
                return _OTHER_INDEX.format(point.index)
            return None if point.kind is Kind.SADDLE else point.reason
        left, singular, _ = np.linalg.svd(weights[:, self.rank :])
        used = int(np.sum(singular > 1e-7 * float(np.linalg.norm(weights))))
        spare = self.objective.columns - self.rank - used
        codimension = self.loss.problem.codimension
        remaining = (norms.size if codimension is None else codimension) - used
        block = self.loss.normal_block(weights)
        free = left[:, used:]
        values = np.linalg.eigvalsh(free.T @ block @ free)
        negative = int(np.sum(values < -ascent.spectrum.zero_tolerance))
        index = ascent.spectrum.index + (remaining - spare) * negative
        return None if index == 1 else _OTHER_INDEX.format(index)

    def other_passes(self, x: Array, below: float = np.inf) -> Sequence[Pass]:
        """Corners near a maximum, where a small neuron vanishes, that are passes.

        With the others at a minimum of the narrower network, a neuron that grows from zero in the
        direction u changes the loss by |w| psi(u). Where {psi < 0} falls into several regions,
        every way from one to the other leads over the corner or higher.

        A corner is a pass in no other case. With two zero neurons, either can keep the loss below
        the corner's while the other is taken anywhere, so what is below hangs together; and so it
        does where the others are at a saddle, because going down from there they keep the loss
        below while the zero neuron is taken from one region to the other.
        """
        weights = self.weights(x)
        norms = np.linalg.norm(weights, axis=1)
        if norms.size < 2 or not self._kinks:
            return ()
        small = [int(k) for k in np.argsort(norms, kind="stable") if norms[k] <= 0.5 * self.unit]
        found = (self._corner(weights, k, below) for k in small[:_SMALL_NEURONS])
        return tuple(one for one in found if one is not None)

    def passes_at(self, x: Array) -> Sequence[Pass]:
        """The pass at a corner, where one neuron is zero; none anywhere else."""
        weights = self.weights(x)
        zero = np.flatnonzero(~np.any(weights, axis=1)) if self._kinks else np.empty(0, np.int64)
        found = self._corner(weights, int(zero[0]), np.inf) if zero.size == 1 else None
        return () if found is None else (found,)

    def _corner(self, weights: Array, vanishing: int, below: float) -> Pass | None:
        """The pass where one neuron vanishes and the others are at a minimum."""
        count = len(weights) - 1
        narrower = self.loss.problem.with_width(count)
        objective = Counted(
            WeightObjective(PopulationLoss(narrower), columns=self.objective.columns)
        )
        rest = np.delete(weights, vanishing, axis=0).ravel()
        found = ascend(objective, rest, AscentOptions(index=0, steps=60))
        self.spent += objective.evaluations
        others = found.x.reshape(count, -1)
        outside = float(np.abs(others[:, self.rank :]).max(initial=0.0))
        if not found.converged or found.value >= below or outside > 1e-8:
            return None
        others[:, self.rank :] = 0.0
        key = round(found.value, 9)
        if self._regions.get(key, 2) < 2:
            return None
        certificate = psi_min(narrower, others[:, : self.rank])
        self._regions[key] = certificate.regions
        if certificate.regions < 2:
            return None
        corner = np.insert(others, vanishing, 0.0, axis=0)
        ways = []
        for direction, slope in zip(certificate.directions, certificate.slopes, strict=True):
            used = min(direction.size, self.objective.columns)
            # A neuron lowers the loss by about the square of its slope.
            lost_in_rounding = slope**2 <= _ROUNDING * self.scale
            if lost_in_rounding or np.any(np.abs(direction[used:]) > 1e-9):
                continue
            way = corner.copy()
            # psi(u) s + s^2 / 4 and more: for s beyond -psi the loss soon rises again.
            length = min(1e-2 * self.unit, -float(slope))
            way[vanishing, :used] = length * direction[:used]
            ways.append(way.ravel())
        return (
            None if len(ways) < 2 else Pass(x=corner.ravel(), value=found.value, ways=tuple(ways))
        )

    def followed(self, x: Array) -> list[Any] | None:
        """Nothing is kept."""
        return None

    def settle(self, x: Array) -> Array | None:
        """The point of zero loss that a descent has come close to, where Newton cannot go.

        With more students than teachers the global minima form a flat set with third-order
        walls, which the flow reaches only algebraically.
        """
        problem = self.loss.problem
        if problem.width <= problem.teacher.size or not self._merges:
            return None
        if float(self.objective.value(x)) > 1e-4 * self.scale:
            return None
        end = self.nearest_zero(self.weights(x))
        if end is None:
            return None
        share = np.linspace(0.0, 1.0, 33)
        values = self.objective.value(x + share[:, None] * (end.ravel() - x))
        slack = 1e-15 * self.scale
        return end.ravel() if np.all(np.diff(values) <= slack) else None

    def nearest_zero(self, weights: Array) -> Array | None:
        """Zero-loss weights in which every neuron serves the teacher it is closest to in angle."""
        teacher = self.loss.problem.teacher
        vectors = teacher.strengths[:, None] * teacher.vectors
        overlap = weights[:, : self.rank] @ teacher.vectors.T / teacher.norms
        signs = np.ones(len(weights))
        if self._turns:
            nearest = np.argmax(np.abs(overlap), axis=1)
            signs = np.where(overlap[np.arange(nearest.size), nearest] < 0.0, -1.0, 1.0)
            overlap = np.abs(overlap)
        owner = np.argmax(overlap, axis=1)
        if np.unique(owner).size < teacher.size:
            return None
        # Positive output weights are lengths, and do not change directions.
        length = np.maximum(overlap[np.arange(owner.size), owner], 0.0)
        total = np.bincount(owner, weights=length, minlength=teacher.size)
        if np.any(total <= 0):
            return None
        result = np.zeros_like(weights)
        result[:, : self.rank] = (signs * length / total[owner])[:, None] * vectors[owner]
        return result

    def may_slide(self, x: Array) -> bool:
        """Whether a neuron is zero or parallel to another, so that weight could slide."""
        if not self._merges:
            return False
        weights = self.weights(x)
        norms = np.linalg.norm(weights, axis=1)
        if np.any(norms <= 1e-9 * norms.max()):
            return True
        units = weights / norms[:, None]
        alike = units @ units.T
        if self._turns:
            alike = np.abs(alike)
        alike = alike - 2.0 * np.eye(norms.size)
        return bool(alike.max() > 1.0 - 1e-9)

    def flat_path(self, x: Array, y: Array) -> Array | None:
        """Slides of weight between parallel neurons, when both points are the same network."""
        if not (self.may_slide(x) and self.may_slide(y)):
            return None
        first, last = self.weights(x), self.weights(y)
        values = self.objective.value(np.array([x, y]))
        if abs(values[0] - values[1]) > 1e-13 * self.scale:
            return None
        points = turning_path(first, last) if self._turns else _slid(first, last)
        if points is None:
            return None
        start, lowest, highest, _ = loss_range(self.loss, points, 16)
        if max(highest - start, start - lowest) > 1e-13 * self.scale:
            return None
        return np.asarray(points.reshape(points.shape[0], -1))

    def intermediates(self, x: Array, y: Array, rng: np.random.Generator) -> Sequence[Array]:
        """Copies of x that lead towards y by three neurons, or two, changing places at a time.

        Where many neurons move at once the pass is often higher than by small cycles in turn, and
        even permutations can be had from three-cycles alone, which are the cheapest.
        """
        first, last = self.weights(x), self.weights(y)
        count = len(first)
        match = self._closest(first[:, : self.rank], last[:, : self.rank])
        points = []
        order = list(range(count))
        # Neurons that are to be turned around are so one by one, before any changes its place.
        for k in (k for k in range(count) if match[k] >= count):
            first = first.copy()
            first[k] = -first[k]
            points.append(align_outside(first, last, self.rank).ravel())
        for swap in small_cycles(unsigned(match, count), rng):
            order = [order[i] for i in swap]
            points.append(align_outside(first[order], last, self.rank).ravel())
        if points and np.abs(points[-1] - y).max() <= self.tolerance:
            points.pop()
        return points


def _slid(first: Array, last: Array) -> Array | None:
    """The corners of slides between two points with one reduced network; None if there are none."""
    found = slide_path(first, last)
    return None if isinstance(found, FlatPathStatus) else found[0]
