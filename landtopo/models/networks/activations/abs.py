"""s(x) = |x|, which is leaky ReLU with ALPHA = -1."""

from __future__ import annotations

import numpy as np

from landtopo.models.networks.activation import Activation
from landtopo.models.networks.activations.leaky import Leaky

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = "abs"
PARAMETERS = ""


def make(parameters: str) -> Activation:
    """|x|."""
    return Activation(
        name=NAME,
        tag=Leaky(-1.0),
        function=np.abs,
        exact=lambda mp, x: abs(x),
        degree=1,
        parity=1,
        kinks=True,
    )
