"""Nested values, compared leaf by leaf, so that the one that is wrong is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from landtopo.study.verification.checks import Check, Comparison

__all__ = ["compare_leaves"]

# Of numbers that are derived from counts, relative to their size.
_SAME = 1e-9


def compare_leaves(compare: Comparison, name: str, stored: Any, wanted: Any) -> Iterator[Check]:
    """Checks of every leaf of a structure; `name` begins with that of the column.

    Parameters
    ----------
    compare : Comparison
    name : str
    stored, wanted : object
        Built from mappings, sequences, numbers and texts.
    """
    if isinstance(wanted, Mapping) and isinstance(stored, Mapping):
        for key in sorted({*stored, *wanted}, key=str):
            yield from compare_leaves(compare, f"{name}.{key}", stored.get(key), wanted.get(key))
    elif _is_list(wanted) and _is_list(stored):
        if len(stored) != len(wanted):
            yield from compare.claim(
                name, f"{len(wanted)} entries", False, stored=f"{len(stored)} entries"
            )
            return
        if all(_same(one, other) for one, other in zip(stored, wanted, strict=True)):
            yield from compare.claim(name, f"{len(wanted)} entries", True, stored="the same")
            return
        for place, (one, other) in enumerate(zip(stored, wanted, strict=True)):
            yield from compare_leaves(compare, f"{name}.{place}", one, other)
    else:
        yield from compare.claim(name, wanted, _same(stored, wanted), stored=str(stored))


def _is_list(value: Any) -> bool:
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)


def _same(stored: Any, wanted: Any) -> bool:
    numbers = (int, float, np.number)
    truths = (bool, np.bool_)
    if isinstance(stored, truths) or isinstance(wanted, truths):
        return bool(isinstance(stored, truths) and isinstance(wanted, truths) and stored == wanted)
    if isinstance(stored, numbers) and isinstance(wanted, numbers):
        one, other = float(stored), float(wanted)
        return stored == wanted or abs(one - other) <= _SAME * max(abs(one), abs(other))
    if _is_list(stored) and _is_list(wanted):
        return len(stored) == len(wanted) and all(map(_same, stored, wanted))
    return bool(stored == wanted)
