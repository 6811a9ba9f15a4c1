"""Proofs as people and as programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landtopo_cli.tables import number, table

if TYPE_CHECKING:
    from landtopo.proofs.certification import Certificate

__all__ = ["certificate_record", "certificate_table"]


def certificate_record(name: str, proof: Certificate) -> dict[str, Any]:
    """A proof in JSON; bounds are rigorous."""
    return {
        "id": name,
        "status": proof.status.value,
        "kind": str(proof.kind),
        "index": proof.index,
        "index_in_span": proof.index_in_span,
        "index_normal": proof.index_normal,
        "radius": proof.radius,
        "isolation": proof.isolation,
        "loss_bounds": list(proof.loss_bounds),
        "eigenvalue_bounds": proof.eigenvalue_bounds.tolist(),
        "normal_bounds": proof.normal_bounds.tolist(),
        "normal_multiplicity": proof.normal_multiplicity,
        "neurons": len(proof.weights),
        "precision": proof.options.precision,
        "weights": proof.weights.tolist(),
    }


def certificate_table(proofs: Sequence[tuple[str, Certificate]]) -> str:
    """One line a point."""
    header = (
        "family",
        "neurons",
        "proved",
        "index",
        "loss at least",
        "at most",
        "radius",
        "isolation",
        "lowest curvature at least",
        "what",
    )
    return table(
        header,
        (
            (
                name,
                str(len(proof.weights)),
                str(proof.kind),
                "-" if proof.index is None else str(proof.index),
                number(proof.loss_bounds[0], 17),
                number(proof.loss_bounds[1], 17),
                number(proof.radius, 2),
                number(proof.isolation, 2),
                number(float(proof.eigenvalue_bounds[0, 0]), 6)
                if len(proof.eigenvalue_bounds)
                else "-",
                proof.status.value,
            )
            for name, proof in proofs
        ),
    )
