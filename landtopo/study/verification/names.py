"""Ids, and what a record is of: numbered by height, and the same as the rows they stand in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from landtopo.landscape.schema import LINEAGE, MINIMUM, TRANSITIONS
from landtopo.study.verification.checks import Check
from landtopo.study.verification.known import Checker, Known, weights_of
from landtopo.study.verification.stored import Record
from landtopo.symmetry.permutations import parse_cycles

__all__ = ["CHECKERS", "places_of", "shown_places"]

# Heights closer than this, in units of the squared teacher, are tied and in any order.
_TIED = 2e-10


def _check_node(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    width = len(stored["weights"])
    yield from compare.equal("width", width)
    yield from compare.equal("kind", MINIMUM)
    point = known.node(record.name)
    heights = [known.node(name).loss for name in known.nodes_at(width)]
    places = places_of(point.loss, heights, _TIED * compare.scale(2))
    number = re.fullmatch(rf"w{width}-f(\d+)", str(stored["id"]))
    good = stored["id"] == record.name and number is not None and int(number[1]) in places
    yield from compare.claim("id", f"{record.name}, number {shown_places(places)} by loss", good)


def _check_edge(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    ends = {stored["from_id"], stored["to_id"]}
    for side in ("from_id", "to_id"):
        yield from compare.claim(side, " or ".join(sorted(record.within)),
                                 ends == set(record.within))  # fmt: skip
    allowed = (*TRANSITIONS, LINEAGE)
    yield from compare.claim("kind", " or ".join(allowed), stored["kind"] in allowed)
    if stored["kind"] == LINEAGE:
        good = stored["id"] == record.name and re.fullmatch(r"l\d+", record.name) is not None
        yield from compare.claim("id", record.name, good)
        return
    width = known.node(record.within[0]).width
    heights = [
        _height(known, data)
        for first, _, data in known.graph.edges(data=True)
        if data["kind"] != LINEAGE and known.node(first).width == width
    ]
    places = places_of(_height(known, stored), heights, _TIED * compare.scale(2))
    number = re.fullmatch(rf"w{width}-t(\d+)", str(stored["id"]))
    good = stored["id"] == record.name and number is not None and int(number[1]) in places
    yield from compare.claim("id", f"{record.name}, number {shown_places(places)} by height", good)
    if weights_of(record) is not None:
        corner = bool(known.evidence(weights_of(record)).parts.zero)
        kind = "corner" if corner else "saddle"
        yield from compare.equal("kind", kind)
    elif stored["kind"] != "flat":
        yield from compare.equal("kind", "flat")
    yield from _permutation(known, record, width)


def _permutation(known: Known, record: Record, width: int) -> Iterator[Check]:
    """Cycle type and parity, which belong to the permutation."""
    compare, stored = known.compare(record), record.values
    if "cycle_type" not in stored and "parity" not in stored:
        return
    images = parse_cycles(str(stored["permutation"]), width)
    lengths, seen = [], set()
    for start in range(width):
        length = 0
        while start not in seen:
            seen.add(start)
            start, length = images[start], length + 1
        lengths += [length] if length else []
    different = sorted(set(lengths), reverse=True)
    text = " ".join(
        str(one) if lengths.count(one) == 1 else f"{one}^{lengths.count(one)}" for one in different
    )
    crossings = sum(images[i] > images[j] for i in range(width) for j in range(i + 1, width))
    parity = "odd" if crossings % 2 else "even"
    yield from compare.claim("cycle_type", text, stored.get("cycle_type") == text)
    yield from compare.claim("parity", parity, stored.get("parity") == parity)
    both = stored.get("cycle_type") == text and stored.get("parity") == parity
    yield from compare.claim("permutation", "one of its cycle type and parity", both)


def _height(known: Known, data: object) -> float:
    """Height of a pass: of its state, or of the higher end."""
    values = dict(data)  # type: ignore[call-overload]
    highest = max(known.node(values[side]).loss for side in ("from_id", "to_id"))
    if values.get("weights") is None:
        return highest
    return max(highest, known.evidence(values["weights"]).loss)


def places_of(height: float, heights: list[float], tied: float) -> range:
    """Numbers that a height can have among all, its own included."""
    below = sum(other < height - tied for other in heights)
    return range(below, sum(other <= height + tied for other in heights))


def shown_places(places: range) -> str:
    """Such numbers, as a message says them."""
    last = places.stop - 1
    return str(places.start) if len(places) < 2 else f"{places.start} to {last}"


CHECKERS = (
    Checker(covers={"node": ("id", "width", "kind")}, run=_check_node),
    Checker(
        covers={"edge": ("id", "kind", "from_id", "to_id", "cycle_type", "parity", "permutation")},
        run=_check_edge,
    ),
)
