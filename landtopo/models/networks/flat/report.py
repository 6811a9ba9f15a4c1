"""What is reported of the flat directions of a network's critical point: evidence, then verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from landtopo.flat.growth import Growth
from landtopo.flat.local import DirectionKind, LocalReport
from landtopo.flat.null_space import SpectralCut
from landtopo.flat.rank_test import FlatOptions
from landtopo.flat.trace import Trace
from landtopo.models.networks.flat.cells import CellComplex
from landtopo.models.networks.flat.splitting import NeuronSplit
from landtopo.models.networks.flat.stability import StabilityLine
from landtopo.models.networks.flat.zero_loss import ZeroLossSet
from landtopo.models.networks.points.reduced import Reduced
from landtopo.models.networks.problem import TeacherStudent
from landtopo.objective import Array
from landtopo.shown import Brief, Table

__all__ = ["Corner", "FlatDirection", "FlatReport", "FlatStatus"]


class FlatStatus(StrEnum):
    """How the examination of a point ended."""

    DONE = "The null space was taken apart."
    NOT_CRITICAL = "There is no critical point at or near the weights: the gradient is not zero."


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner(Brief):
    """A corner of the flat set: a point at which neurons are zero.

    Attributes
    ----------
    weights : ndarray, shape (K, r + e)
    zero_neurons : tuple of int
        Which student neurons are zero, from 0.
    loss, grad_norm : float
        The gradient of the other neurons.
    segments : int
        Number of segments of the flat set that end here: each zero neuron can take a share of each
        reduced neuron.
    """

    weights: Array
    zero_neurons: tuple[int, ...]
    loss: float
    grad_norm: float
    segments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatDirection(Brief):
    """One null direction of the Hessian in d dimensions.

    Attributes
    ----------
    vector : ndarray, shape (k, r + e + 1) or (k, r + e)
        Unit vector on the k neurons that are not zero; the last column is an unused coordinate,
        present if there is one.
    normal : bool
        Whether it moves neurons into the unused coordinate.
    multiplicity : int
        How many directions of the d-dimensional null space it stands for.
    traces : tuple of Trace
    growth : Growth or None
    analytic_coefficient : float or None
        Of |s|^3 at zero loss, from the closed form for parallel neurons.
    kind : DirectionKind
    """

    vector: Array
    normal: bool
    multiplicity: int
    traces: tuple[Trace, ...]
    growth: Growth | None
    analytic_coefficient: float | None
    kind: DirectionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatReport(Table):
    """Null space and flat set of a critical point.

    Attributes
    ----------
    problem : TeacherStudent
    weights : ndarray, shape (K, r + e)
        The point after Newton's method: zero neurons exactly zero, split ones exactly parallel,
        coordinates outside the span rotated so that only e of them are used.
    loss, grad_norm : float
    moved : float
        Distance of this point from the weights that were given, rotations apart.
    reduced : Reduced
        The reduced network, and how the student carries it.
    eigenvalues : ndarray
        Hessian in the coordinates used, zero neurons and gauge taken out, ascending.
    normal_eigenvalues : ndarray
        Normal block, gauge taken out, ascending; each counts `unused` times.
    unused : int
        Number of unused coordinates, d - r - e, or K - e if d is infinite.
    cut : SpectralCut
        Where zero and non-zero eigenvalues were told apart; `cut.gap` is the gap.
    index, nullity : int
        Negative and zero eigenvalues in d dimensions, gauge not counted.
    predicted_index, predicted_nullity : int
        The same from the reduced network and the law of splitting.
    gauge : int
        Number of gauge directions in d dimensions.
    directions : tuple of FlatDirection
        A basis of the null space, up to multiplicity; gauge first, then flat, then the others.
    local : LocalReport or None
        Evidence of the measured side. If a share is so small that every step next to its corner
        drowns in rounding, it is taken at another point of the same open cell; index, nullity and
        the kinds of the null directions are the same there.
    same_cell : ndarray, shape (k, r + e)
        The non-zero neurons at the point where `local` was measured.
    opened : LocalReport or None
        If neurons are zero: the same at a point inside a cell that meets this corner, where the
        flat set is a manifold; the measured flat dimension comes from there.
    flat_dimension : int
        Exact, from the reduced network.
    traced_dimension : int
        Measured, from traced directions and rank tests.
    corners : tuple of Corner
        The point itself if it is one, and those in which traces ended.
    stability : tuple of StabilityLine
        Spectra along each traced flat direction, to both sides; positions are arclengths from the
        point, negative on the second side.
    cells : CellComplex
        Shape of the set of all students with this reduced network. Of an even activation neurons
        and their opposites count as one there.
    zero_set : ZeroLossSet or None
        At zero loss: shape of the set of all students of zero loss. It is larger than `cells` for
        linearly dependent teachers that other networks represent too.
    splits : tuple of NeuronSplit
        What splitting each neuron of the reduced network does.
    zero_loss : bool
    disagreements : tuple of str
        What independent routes do not agree on; empty if they all agree.
    options : FlatOptions
    status : FlatStatus
    """

    _told = ("status", "loss", "flat_dimension", "index", "nullity", "gauge", "zero_loss")

    problem: TeacherStudent
    weights: Array
    loss: float
    grad_norm: float
    moved: float
    reduced: Reduced
    eigenvalues: Array
    normal_eigenvalues: Array
    unused: int
    cut: SpectralCut
    index: int
    nullity: int
    predicted_index: int
    predicted_nullity: int
    gauge: int
    directions: tuple[FlatDirection, ...]
    local: LocalReport | None
    same_cell: Array
    opened: LocalReport | None
    flat_dimension: int
    traced_dimension: int
    corners: tuple[Corner, ...]
    stability: tuple[StabilityLine, ...]
    cells: CellComplex
    zero_set: ZeroLossSet | None
    splits: tuple[NeuronSplit, ...]
    zero_loss: bool
    disagreements: tuple[str, ...]
    options: FlatOptions
    status: FlatStatus

    def rows(self) -> list[dict[str, Any]]:
        """One row a null direction: how often it counts, and what it is."""
        return [
            {
                "direction": number,
                "kind": str(row.kind),
                "multiplicity": row.multiplicity,
                "out_of_span": row.normal,
                "traces": len(row.traces),
            }
            for number, row in enumerate(self.directions, 1)
        ]

    def count(self, kind: DirectionKind) -> int:
        """Number of null directions of a kind, in d dimensions."""
        return sum(row.multiplicity for row in self.directions if row.kind is kind)

    @property
    def flat(self) -> int:
        """Number of flat null directions in d dimensions."""
        return self.count(DirectionKind.FLAT)

    @property
    def curved(self) -> int:
        """Number of curved null directions in d dimensions."""
        return self.count(DirectionKind.CURVED)

    @property
    def gap(self) -> float:
        """Smallest non-zero over largest zero eigenvalue."""
        return self.cut.gap
