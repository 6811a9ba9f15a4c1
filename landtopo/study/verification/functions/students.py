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
from landtopo.study.verification.checks import Check
from landtopo.study.verification.functions.known import KnownModel, is_line, place_of
from landtopo.study.verification.known import Checker
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS"]

# Of a loss: rounding of its terms, which are of the size of E[f*^2].
_LOSS = 1e-13
_USED = 1e-9


def _check_students(known: KnownModel, record: Record) -> Iterator[Check]:
    shape: Any = known.model.shape
    if is_line(record) or not hasattr(shape, "is_orthonormal"):
        return
    compare = known.compare(record)
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
            "node": ("loss", "smallest_normal_eigenvalue"),
            "edge": ("loss", "smallest_normal_eigenvalue"),
            "FunctionPoint": ("value",),
        },
        run=_check_students,
    ),
)
