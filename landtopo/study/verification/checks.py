"""One number or word of the study, recomputed, and what counts as agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from landtopo.shown import Brief

__all__ = ["Check", "Comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Brief):
    """One value of the study, recomputed.

    Attributes
    ----------
    subject : str
        Id of the family, transition, path or search.
    quantity : str
        Name of the field, such as ``loss``.
    stored, recomputed : float or str
    tolerance : float
        Largest difference that counts as agreement; 0 for texts and counts.
    agrees : bool
    """

    subject: str
    quantity: str
    stored: float | str
    recomputed: float | str
    tolerance: float
    agrees: bool

    def record(self) -> dict[str, Any]:
        """Plain values, with the field names as keys."""
        return {name: getattr(self, name) for name in self.__slots__}


class Comparison:
    """Makes checks of the fields of one record.

    Parameters
    ----------
    subject : str
    values : mapping
        What is stored; fields that are not in it are not compared.
    unit : float
        Of lengths; quantities grow with powers of it.
    size : float
        By which all tolerances are multiplied.
    """

    def __init__(
        self, subject: str, values: Mapping[str, Any], *, unit: float = 1.0, size: float = 1.0
    ) -> None:
        self.subject = subject
        self.values = values
        self._unit = unit
        self._size = size

    def scale(self, power: int) -> float:
        """Size of a quantity that grows with a power of the unit."""
        return self._size * self._unit**power

    def number(
        self, name: str, recomputed: float, tolerance: float, *, power: int = 2
    ) -> list[Check]:
        """A number that grows with a power of the unit of lengths; losses with two."""
        stored = self.values.get(name)
        if stored is None:
            return []
        tolerance *= self.scale(power)
        return [self._check(name, float(stored), recomputed, tolerance)]

    def close(self, name: str, recomputed: Any, tolerance: float) -> list[Check]:
        """An array of numbers, shown by its entry that differs most."""
        if self.values.get(name) is None:
            return []
        stored = np.asarray(self.values[name], dtype=np.float64)
        wanted = np.asarray(recomputed, dtype=np.float64)
        if stored.shape != wanted.shape:
            return self.claim(name, f"shape {wanted.shape}", False, stored=f"shape {stored.shape}")
        if not stored.size:
            return self.claim(name, "empty", True, stored="empty")
        apart = np.abs(stored - wanted)
        worst = int(np.argmax(np.where(np.isfinite(apart), apart, np.inf)))
        return [
            self._check(
                name, float(stored.flat[worst]), float(wanted.flat[worst]), float(tolerance)
            )
        ]

    def equal(self, name: str, recomputed: object) -> list[Check]:
        """A count, a truth value or a text."""
        stored = self.values.get(name)
        if stored is None:
            return []
        return self.claim(name, recomputed, _plain(stored) == _plain(recomputed))

    def claim(
        self, name: str, recomputed: object, agrees: bool, *, stored: object = None
    ) -> list[Check]:
        """Something that holds or not; `recomputed` says what should be there."""
        if stored is None:
            stored = self.values.get(name, "nothing")
        return [
            Check(
                subject=self.subject,
                quantity=name,
                stored=str(stored),
                recomputed=str(recomputed),
                tolerance=0.0,
                agrees=bool(agrees),
            )
        ]

    def _check(self, name: str, stored: float, recomputed: float, tolerance: float) -> Check:
        return Check(
            subject=self.subject,
            quantity=name,
            stored=stored,
            recomputed=recomputed,
            tolerance=tolerance,
            agrees=bool(abs(stored - recomputed) <= tolerance),
        )


def _plain(value: object) -> object:
    """For comparison: NumPy scalars as Python's, a truth value not equal to a number."""
    value = value.item() if isinstance(value, np.generic) else value
    return (bool, value) if isinstance(value, bool) else value
