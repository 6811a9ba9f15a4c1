"""Attempts without what repeats: the end points of one family are stored once."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from landtopo.points.records import Attempts, Status
from landtopo.study.declared import check_fields

__all__ = ["with_repetition", "without_repetition"]


def without_repetition(attempts: Attempts) -> dict[str, Any]:
    """Plain columns, with the weights of the first attempt of each family."""
    record = {
        field.name: getattr(attempts, field.name)
        for field in fields(attempts)
        if field.name not in ("status", "weights")
    }
    names = list(Status.__members__)
    found, first = np.unique(attempts.family, return_index=True)
    first = first[found >= 0]
    record["statuses"] = names
    record["status"] = np.array(
        [names.index(status.name) for status in attempts.status], dtype=np.uint8
    )
    record["representatives"] = first
    record["weights"] = attempts.weights[first]
    return record


def with_repetition(record: dict[str, Any]) -> Attempts:
    """The inverse; the weights of a row are those of the first attempt of its family, or NaN.

    Raises
    ------
    LookupError, TypeError, ValueError
        It is not a record of attempts.
    """
    statuses = [Status[name] for name in record.pop("statuses")]
    record["status"] = tuple(statuses[code] for code in record["status"])
    representatives, known = record.pop("representatives"), record["weights"]
    if not isinstance(known, np.ndarray):
        raise TypeError("weights are no array")
    weights = np.full((len(record["starts"]), *known.shape[1:]), np.nan)
    for row, point in zip(representatives, known, strict=True):
        weights[record["family"] == record["family"][row]] = point
    record["weights"] = weights
    check_fields(Attempts, record)
    return Attempts(**record)
