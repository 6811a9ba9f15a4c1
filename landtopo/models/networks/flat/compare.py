"""Where the measured and the exact side of a flat report do not agree, in sentences."""

from __future__ import annotations

from landtopo.flat.local import LocalReport
from landtopo.models.networks.flat.report import FlatDirection
from landtopo.models.networks.flat.splitting import NeuronSplit

__all__ = ["disagreements"]

# A smaller gap between zero and non-zero eigenvalues is worth a remark.
_LEAST_GAP = 10.0
# Relative difference of measured and analytic cubic coefficients, and absolute difference of
# predicted and computed eigenvalues, from which on they disagree.
_COEFFICIENT = 0.02
_SPLIT_PREDICTION = 1e-9


def disagreements(
    measured: tuple[int, int],
    predicted: tuple[int, int],
    exact: int,
    inside: LocalReport,
    directions: tuple[FlatDirection, ...],
    splits: tuple[NeuronSplit, ...],
    gap: float,
) -> tuple[str, ...]:
    """Sentences on everything that independent routes do not agree on.

    Parameters
    ----------
    measured, predicted : tuple of int
        Index and nullity by the spectrum, and by the law of splitting.
    exact : int
        Flat dimension by the reduced network.
    inside : LocalReport
        The measured side at a point where the flat set is a manifold.
    directions : tuple of FlatDirection
    splits : tuple of NeuronSplit
    gap : float
        Of the spectrum where it is cut.

    Returns
    -------
    tuple of str
    """
    found = list(inside.disagreements)
    if gap < _LEAST_GAP:
        found.append(f"The spectrum has a gap of {gap:.1f} only where it is cut.")
    for name, seen, expected in zip(("index", "nullity"), measured, predicted, strict=True):
        if seen != expected:
            found.append(
                f"The {name} is {seen} by the spectrum, and {expected} by the reduced network and "
                "the law of splitting."
            )
    if inside.flat_dimension != exact:
        found.append(
            f"The flat dimension is {exact} by the reduced network, and {inside.flat_dimension} by "
            "tracing."
        )
    for row in directions:
        if row.analytic_coefficient is None or row.growth is None:
            continue
        for law in row.growth.laws:
            if not abs(law.coefficient / row.analytic_coefficient - 1) <= _COEFFICIENT:
                found.append(
                    f"A curved direction grows with {law.coefficient:.6g} |s|^{law.exponent:.4f}; "
                    f"parallel neurons alone would give {row.analytic_coefficient:.6g} |s|^3."
                )
                break
    worst = max((split.prediction_error for split in splits), default=0.0)
    if worst > _SPLIT_PREDICTION:
        found.append(f"Eigenvalues of a halved neuron differ from their prediction by {worst:.3g}.")
    return tuple(found)
