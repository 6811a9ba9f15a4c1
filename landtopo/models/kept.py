"""How a landscape graph keeps the minima and transition states of a model."""

from __future__ import annotations

import numpy as np

from landtopo.landscape.gathered import Kept
from landtopo.models.smooth import SmoothModel

__all__ = ["kept_model"]


def kept_model(model: SmoothModel) -> Kept:
    """A model in its graph.

    Parameters
    ----------
    model : SmoothModel
    """
    nothing = model.symmetry.identity(np.zeros(model.size))
    return Kept(
        model=model,
        told=model.told,
        column="coordinates",
        width=model.width,
        length=model.length,
        energy=model.energy,
        element=lambda data: model.shape.element_of(data) or nothing,
        exact=lambda data: True,
    )
