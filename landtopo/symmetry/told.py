"""Symmetries as plain values, and back: a graph says with them which points are copies.

There are two kinds: exchanges of coordinates with signs, perhaps with a continuous symmetry that
has a name, and identical particles in space.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landtopo.symmetry.coordinates import SignedPermutations
from landtopo.symmetry.gauge import Gauge, Lengths, NoGauge, RigidMotions
from landtopo.symmetry.particles import ParticleSymmetry

__all__ = ["symmetry_from", "symmetry_record"]

Told = SignedPermutations | ParticleSymmetry


def symmetry_record(symmetry: object) -> dict[str, Any] | None:
    """A symmetry as plain values; None where it has none.

    Parameters
    ----------
    symmetry : Symmetry
        A continuous symmetry that is known by a function of the user's has none.

    Examples
    --------
    >>> from landtopo.symmetry.coordinates import SignedPermutations
    >>> from landtopo.symmetry.told import symmetry_record
    >>> symmetry_record(SignedPermutations(2, [[2, 1]]))
    {'coordinates': 2, 'generators': [[2, 1]]}
    """
    if isinstance(symmetry, ParticleSymmetry):
        return {"particles": symmetry.count}
    if not isinstance(symmetry, SignedPermutations):
        return None
    size = symmetry.size
    generators = [
        [int(image) + 1 if image < size else size - int(image) - 1 for image in images[:size]]
        for images in symmetry.group.generators
    ]
    record: dict[str, Any] = {"coordinates": size, "generators": generators}
    gauge = symmetry.gauge
    if isinstance(gauge, NoGauge):
        return record
    if isinstance(gauge, Lengths):
        return {**record, "lengths": gauge.columns}
    if isinstance(gauge, RigidMotions):
        named = {True: "rigid", False: "rotations" if gauge.rotations else "translations"}
        return {**record, named[gauge.rotations and gauge.translations]: gauge.dimension}
    return None


def symmetry_from(record: Mapping[str, Any]) -> Told:
    """The symmetry that `symmetry_record` told.

    Raises
    ------
    InvalidArgument
        The generators are no signed permutations, or there are too many elements to list.

    Examples
    --------
    >>> from landtopo.symmetry.told import symmetry_from
    >>> symmetry_from({"coordinates": 2, "generators": [[2, 1]]}).order
    2
    """
    if "particles" in record:
        return ParticleSymmetry(record["particles"])
    size = record["coordinates"]
    gauge: Gauge = NoGauge(size)
    if "lengths" in record:
        gauge = Lengths(record["lengths"])
    for kind in ("rigid", "rotations", "translations"):
        if kind in record:
            gauge = RigidMotions(
                record[kind], translations=kind != "rotations", rotations=kind != "translations"
            )
    return SignedPermutations(size, record["generators"], gauge=gauge)
