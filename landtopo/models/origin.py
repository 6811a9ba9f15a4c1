"""What a study keeps of a model: how to make it again, and how to tell that it is the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.errors import InvalidArgument
from landtopo.models.named import named_model, named_over
from landtopo.models.parameter import ParameterModels
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Origin", "change_of_file", "is_same", "origin_of", "remade"]

# Points at which the function is compared, and what versions of packages may change there.
_POINTS = 5
_SAME = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin(Brief):
    """A model, as a study keeps it.

    Attributes
    ----------
    name : str
        How `named_model` makes it, such as ``lj:7`` or ``wells.py:wells``; for a model that was
        made in Python, its name.
    digest : str
        SHA-256 of the file that the name tells; empty without one.
    size : int
        Number of coordinates.
    symmetries : int
        Number of symmetries, those of the gauge not counted.
    values : ndarray
        Of the function, in its own units, at random starts; of functions over a parameter, one
        after the other.
    parameter : str
        Name of the parameter, where the study is of models over one, and its values.
    """

    _told = ("name", "size")

    name: str
    digest: str
    size: int
    symmetries: int
    values: Array
    parameter: str = ""


def origin_of(model: SmoothModel | ParameterModels) -> Origin:
    """What a study keeps of a model.

    Examples
    --------
    >>> from landtopo.models.named import named_model
    >>> from landtopo.models.origin import origin_of
    >>> origin_of(named_model("lj:7"))
    Origin(name='lj:7', size=21)
    """
    models: tuple[SmoothModel, ...]
    models = model.models if isinstance(model, ParameterModels) else (model,)
    return Origin(
        name=model.source,
        digest=model.digest,
        size=model.size,
        symmetries=int(models[0].shape.symmetry.order),
        values=np.concatenate([_values(one) for one in models]),
        parameter=model.spelled if isinstance(model, ParameterModels) else "",
    )


def _values(model: SmoothModel) -> Array:
    keys = [np.random.SeedSequence(3, spawn_key=(number,)) for number in range(_POINTS)]
    points = np.array([model.shape.draw(np.random.default_rng(key)) for key in keys])
    return np.asarray(model.shape.objective.value(points))


def is_same(kept: Origin, given: Origin) -> bool:
    """Whether a given model is the one that was kept, to the rounding of its values.

    Parameters
    ----------
    kept, given : Origin
    """
    kinds = [(one.size, one.symmetries, one.parameter, one.values.shape) for one in (kept, given)]
    return kinds[0] == kinds[1] and np.allclose(
        kept.values, given.values, rtol=_SAME, atol=_SAME * float(np.abs(kept.values).max())
    )


def change_of_file(kept: Origin, given: Origin) -> str | None:
    """That the file of a model has changed since it was kept, as a clause, or None.

    Parameters
    ----------
    kept, given : Origin
    """
    if not (kept.digest and given.digest) or kept.digest == given.digest:
        return None
    return (
        f"the file of the model {kept.name} has changed: its SHA-256 was {kept.digest[:12]}, and "
        f"is {given.digest[:12]}"
    )


def remade(kept: Origin) -> SmoothModel | ParameterModels:
    """The model again, by its name; whether it is the same one, `is_same` tells.

    Raises
    ------
    InvalidArgument
        It was made in Python, or its file is not there.
    """
    try:
        return named_over(kept.name, kept.parameter) if kept.parameter else named_model(kept.name)
    except InvalidArgument as error:
        raise InvalidArgument(
            f"The model '{kept.name}' must be given, for it cannot be made again: {error}"
        ) from None
