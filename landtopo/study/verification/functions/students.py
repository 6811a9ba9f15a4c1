"""What points of students say of the loss and of unused directions, by quadrature.

A function of students' rows, such as the loss under a constraint, is otherwise recomputed from its
own values; here these are compared with means over Gaussian inputs that know no pair integral.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from landtopo.objective import Array
from landtopo.study.verification.activations.quadrature import Quadrature
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.functions.known import KnownModel, is_line, place_of
from landtopo.study.verification.known import Checker
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Of a loss: rounding of its terms, which are of the size of E[f*^2].
_LOSS = 1e-13
_USED = 1e-9
# Of squared lengths and products of rows.
_PLACED = 1e-13


def _check_students(known: KnownModel, record: Record) -> Iterator[Check]:
    shape: Any = known.model.shape
    if is_line(record) or not hasattr(shape, "is_orthonormal"):
        return
    compare = known.compare(record)
    name = {"Attempts": "weights", "FunctionPoint": "x"}.get(record.kind, "coordinates")
    yield from _on_constraint(shape, compare, name)
    if record.kind == "Attempts":
        return
    problem, weights = shape.problem, shape.weights(place_of(record))
    teacher = problem.teacher
    quadrature = Quadrature(teacher.function, teacher.vectors, teacher.strengths)
    loss, error = quadrature.loss(weights)
    scale = 2.0 * quadrature.loss(np.zeros_like(weights))[0]
    name = "value" if record.kind == "FunctionPoint" else "loss"
    yield from compare.number(name, loss, 4.0 * error + _LOSS * (1.0 + scale), power=0)
    if "smallest_normal_eigenvalue" in record.values:
        smallest = _normal(quadrature, weights, problem.rank, shape.is_orthonormal)
        slack = 10.0 * quadrature.error
        yield from compare.number("smallest_normal_eigenvalue", smallest, slack, power=0)


def _on_constraint(shape: Any, compare: Comparison, name: str) -> Iterator[Check]:
    """Whether rows have their lengths, or are orthonormal."""
    points = np.atleast_2d(np.asarray(compare.values[name], dtype=np.float64))
    points = points.reshape(-1, shape.objective.size) if name == "coordinates" else points
    points = points[np.all(np.isfinite(points), axis=1)]
    rows = points.reshape(len(points), shape.problem.width, -1)
    products = rows @ rows.transpose(0, 2, 1)
    if shape.is_orthonormal:
        wanted = np.broadcast_to(np.eye(products.shape[1]), products.shape)
    else:
        products = np.diagonal(products, axis1=1, axis2=2)
        wanted = np.broadcast_to(shape.objective.radii**2, products.shape)
    apart = float(np.abs(products - wanted).max(initial=0.0))
    good = apart <= _PLACED * float(np.abs(wanted).max(initial=1.0))
    yield from compare.claim(name, "on the constraint", good, stored=f"{apart:.1g} from it")


def _normal(quadrature: Quadrature, weights: Array, rank: int, orthonormal: bool) -> float:
    """The smallest curvature in one more column, by differences of gradients."""
    count, columns = weights.shape
    wide = np.hstack([weights, np.zeros((count, 1))])
    last = np.arange(count) * (columns + 1) + columns
    block = quadrature.hessian(wide)[np.ix_(last, last)]
    products = np.asarray(quadrature.gradient(weights), dtype=np.float64) @ weights.T
    if orthonormal:
        block = block - 0.5 * (products + products.T)
    else:
        block = block - np.diag(np.diag(products) / np.sum(weights**2, axis=1))
    across = weights[:, rank:]
    left, sizes, _ = np.linalg.svd(across)
    # Turning a column in use into an unused one changes nothing.
    basis = left[:, int(np.sum(sizes > _USED * float(np.linalg.norm(weights)))) :]
    return float(np.linalg.eigvalsh(basis.T @ block @ basis)[0])


CHECKERS = (
    Checker(
        covers={
            "node": ("coordinates", "loss", "smallest_normal_eigenvalue"),
            "edge": ("coordinates", "loss", "smallest_normal_eigenvalue"),
            "FunctionPoint": ("x", "value"),
            "Attempts": ("weights",),
        },
        run=_check_students,
    ),
)
