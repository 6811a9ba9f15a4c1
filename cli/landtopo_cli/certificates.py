"""Proofs as people and as programs read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landtopo_cli.tables import number, table

if TYPE_CHECKING:
    from landtopo.proofs.certificate_file import PointProof
    from landtopo.proofs.certification import Certificate

__all__ = ["answers", "certificate_files"]


def answers(
    proofs: Sequence[tuple[str, Certificate | PointProof]],
) -> tuple[Callable[[], Any], Callable[[], str]]:
    """What is printed of proofs: for programs, and for people."""
    return (
        lambda: [{"id": name, **_record(proof)} for name, proof in proofs],
        lambda: _table(proofs),
    )


def certificate_files(folder: Path | None, names: Sequence[str]) -> dict[str, Path]:
    """Where certificates go, by id; the folder is made."""
    if folder is None:
        return {}
    folder.mkdir(exist_ok=True)
    return {name: folder / f"{Path(name).stem}.json" for name in names}


def _record(proof: Certificate | PointProof) -> dict[str, Any]:
    """A proof in JSON; bounds are rigorous."""
    from landtopo.proofs.certification import Certificate

    told = {
        "status": proof.status.value,
        "kind": str(proof.kind),
        "index": proof.index,
        "radius": proof.radius,
        "loss_bounds": list(proof.loss_bounds),
        "neurons": proof.neurons,
    }
    if isinstance(proof, Certificate):
        return told | {
            "index_in_span": proof.index_in_span,
            "index_normal": proof.index_normal,
            "isolation": proof.isolation,
            "eigenvalue_bounds": proof.eigenvalue_bounds.tolist(),
            "normal_bounds": proof.normal_bounds.tolist(),
            "normal_multiplicity": proof.normal_multiplicity,
            "precision": proof.options.precision,
            "weights": proof.weights.tolist(),
        }
    return told | {"unknowns": proof.unknowns}


def _table(proofs: Sequence[tuple[str, Certificate | PointProof]]) -> str:
    """One line a point."""
    from landtopo.proofs.certification import Certificate

    header = ["family", "neurons", "proved", "index", "loss at least", "at most", "radius"]
    full = all(isinstance(proof, Certificate) for _, proof in proofs)
    header += ["isolation", "lowest curvature at least"] if full else ["unknowns"]
    rows = []
    for name, proof in proofs:
        row = [
            name,
            str(proof.neurons),
            str(proof.kind),
            "-" if proof.index is None else str(proof.index),
            number(proof.loss_bounds[0], 17),
            number(proof.loss_bounds[1], 17),
            number(proof.radius, 2),
        ]
        if isinstance(proof, Certificate):
            lowest = proof.eigenvalue_bounds[:1, 0].tolist()
            row += [number(proof.isolation, 2), number(lowest[0], 6) if lowest else "-"]
        else:
            row.append(str(proof.unknowns))
        rows.append((*row, proof.status.value))
    return table((*header, "what"), rows)
