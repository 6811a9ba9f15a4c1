"""ReLU, s(x) = max(x, 0): the activation with kernels of its own (`landtopo.kernels.relu`)."""

from __future__ import annotations

import numpy as np

from landtopo.models.networks.activation import RELU, Activation
from landtopo.models.networks.activations.leaky import Leaky

__all__ = ["NAME", "PARAMETERS", "make"]

NAME = RELU
PARAMETERS = ""


def make(parameters: str) -> Activation:
    """max(x, 0)."""
    return Activation(
        name=NAME,
        tag=Leaky(0.0),
        function=lambda x: np.maximum(x, 0.0),
        exact=lambda mp, x: x if x > 0 else mp.zero,
        degree=1,
        kinks=True,
    )
