"""What the things of a landscape are called: by students of networks, and by those of molecules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from landtopo.landscape.schema import MODEL, PARAMETER, rungs_of
from landtopo.shown import Brief

__all__ = ["Words", "rung_name", "words_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(Brief):
    """Names of what is drawn and told.

    Attributes
    ----------
    one, minima : str
        What a node is, and what the nodes are.
    passage, passages : str
        The same of edges over a pass.
    value : str
        What the column `loss` holds.
    axis : str
        The same for an axis of a picture.
    """

    one: str
    minima: str
    passage: str
    passages: str
    value: str
    axis: str


_NETWORKS = Words(
    one="family",
    minima="families of minima",
    passage="transition",
    passages="transitions",
    value="loss",
    axis="loss $L$",
)
_ENERGIES = Words(
    one="minimum",
    minima="minima",
    passage="transition state",
    passages="transition states",
    value="energy",
    axis="energy",
)


def words_of(attributes: Mapping[str, Any]) -> Words:
    """The words for a landscape graph with these graph attributes."""
    return _ENERGIES if MODEL in attributes else _NETWORKS


def rung_name(attributes: Mapping[str, Any], width: int | None) -> str:
    """What one rung of a landscape is called: a width, or a value of the parameter.

    Parameters
    ----------
    attributes : mapping
        Of the graph.
    width : int or None
        As the column `width` has it; None where there are no rungs.

    Returns
    -------
    str
        Empty where there are no rungs.

    Examples
    --------
    >>> from landtopo.landscape.words import rung_name
    >>> rung_name({"parameter": {"name": "tilt", "values": [0.0, 0.25]}, "model": "torus"}, 2)
    'tilt = 0.25'
    >>> rung_name({}, 6)
    'width 6'
    """
    if PARAMETER in attributes and width:
        told = attributes[PARAMETER]
        place = rungs_of(told).index(width)
        return f"{told['name']} = {told['values'][place]:g}"
    return "" if width is None or MODEL in attributes else f"width {width}"
