"""Arguments of functions that take a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landtopo.checks import checked_array
from landtopo.errors import InvalidArgument
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array

__all__ = ["given_point", "refuse"]


def refuse(caller: str, model: SmoothModel, more: Mapping[str, Any]) -> None:
    """Refuse arguments that mean something for networks only."""
    for name, value in more.items():
        if value is not None:
            raise InvalidArgument(
                f"The '{name}' argument of {caller} is for networks, and must be left out for "
                f"{model.name}."
            )


def given_point(name: str, caller: str, model: SmoothModel, value: ArrayLike) -> Array:
    """A point that was given, flat and in units of the model."""
    shape = model.shaped(np.ones(model.size)).shape
    wanted = f"({model.size},)" if len(shape) == 1 else f"{shape} or ({model.size},)"
    given = checked_array(
        name, caller, value, wanted, lambda found: found in (shape, (model.size,))
    )
    return model.inside(given)
