"""Leaky ReLU, s(x) = x for x > 0 and ALPHA x below: the ReLU loss and a quadratic form.

Its kernels are those of ReLU (`landtopo.kernels.rectified`), which keep angles near 0 and pi; so
its tag states its parameter alone. With al = ALPHA, G = (1 - al)^2 G_relu + al c.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from landtopo.checks import shown
from landtopo.errors import InvalidArgument
from landtopo.models.networks.activation import Activation, numbers

__all__ = ["NAME", "PARAMETERS", "Leaky", "make"]

NAME = "leaky"
PARAMETERS = "ALPHA"


class Leaky(NamedTuple):
    """The tag of ReLU, leaky ReLU and |x|."""

    slope: float


def make(parameters: str) -> Activation:
    """max(x, 0) + ALPHA min(x, 0)."""
    given = numbers(NAME, parameters)
    spec = shown(f"{NAME}:{parameters}")
    if len(given) != 1 or not np.isfinite(given[0]) or abs(given[0]) > 10.0:
        raise InvalidArgument(
            f"The 'activation' argument {spec} must have one ALPHA between -10 and 10."
        )
    slope = float(given[0])
    if slope == 1.0:
        raise InvalidArgument(
            f"The 'activation' argument {spec} is linear: the loss is |sum_k a_k w_k - sum_m b_m "
            "v_m|^2 / 2, convex, and its minima are one flat set at zero loss, so that there is no "
            "landscape to explore; give an ALPHA other than 1."
        )
    return Activation(
        name=f"{NAME}:{slope:g}" if float(f"{slope:g}") == slope else f"{NAME}:{slope!r}",
        tag=Leaky(slope),
        function=lambda x: np.where(x > 0.0, x, slope * x),
        exact=lambda mp, x: x if x > 0 else mp.mpf(slope) * x,
        degree=1,
        parity=1 if slope == -1.0 else 0,
        kinks=True,
    )
