"""Events: what happens at one value of the parameter, with the families on both sides."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq

from landtopo.models.networks.sweeps.branch import Branch, Node
from landtopo.models.networks.sweeps.pieces import Curves, Part
from landtopo.models.networks.sweeps.proved import Proof
from landtopo.models.networks.sweeps.switch import Branching
from landtopo.models.networks.sweeps.trace import WIDE, Happening, HappeningKind
from landtopo.models.networks.symmetry import equivalence, point_graph
from landtopo.shown import Brief
from landtopo.wording import counted, listed

__all__ = ["SAME_POINT", "TRACKED", "Group", "SweepEvent", "event_of", "joined"]

#: Families up to this index are listed.
TRACKED = 1
# Meetings are known to some digits only, until the curve that is met says where they are.
_SAME_VALUE, SAME_POINT = 2e-3, 1e-2

_MISSING = "That cannot be all: something branches off that was not found."
_UNMATCHED = "The minima and passes among these are not just the families listed here."
_ONE_AXIS = "What leaves the span along two axes at once was not looked for."


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepEvent(Brief):
    """Something that happens to minima and passes at one value of the parameter.

    Attributes
    ----------
    value : float
    low, high : float
        8e-9 apart; on both sides the points were solved, and the signs of their eigenvalues differ
        by just this event. At a fold both points are there on one side, and they are less than a
        thousandth apart.
    bracketed : bool
        Whether that succeeded.
    kind : str
        ``birth`` or ``death`` of two families, ``index change``, ``branching`` where families of
        less symmetry begin or end at one (their copies part or come together there), ``meeting``
        where the more symmetric one is not known.
    before, after : tuple of str
        Families of index 0 and 1 that end and begin here.
    changes : int
        How many eigenvalues of the most symmetric family change their sign.
    outside : bool
        Whether they belong to directions outside the teacher's span.
    branching : Branching or None
        All that was found to branch off, whatever its index; None at a fold, and where it was not
        looked at.
    balanced : bool or None
        Whether what is there on both sides may be all: sums of (-1)^index over all critical points
        that were found next to the event agree, and Morse's inequalities hold. None where it was
        not looked at.
    matched : bool or None
        Whether the minima and passes among what branches off are just the families that begin or
        end here at another. None where it was not looked at.
    proofs : tuple of Proof
        One for each point that is known to end or begin here, at its end of the bracket; empty
        where none was asked for, and without python-flint.
    sentence : str
    """

    value: float
    low: float
    high: float
    bracketed: bool
    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    changes: int
    outside: bool
    branching: Branching | None
    balanced: bool | None
    matched: bool | None
    proofs: tuple[Proof, ...]
    sentence: str

    @property
    def certified(self) -> bool | None:
        """Whether each of them is proved at the end of the bracket, with its index.

        Not that they are on one curve, nor that nothing else is there. None without proofs.
        """
        return all(one.at_end for one in self.proofs) if self.proofs else None

    @property
    def account(self) -> str:
        """What branches off, and whether that may be all, in sentences."""
        if self.balanced is None:
            return "What branches off was not looked at."
        if self.branching is None:
            return "Two points of one curve, whose indices differ by one."
        below, above = self.branching.sums
        where = " outside the span" if self.outside else ""
        verb = "changes its sign" if self.changes == 1 else "change their sign"
        told = [
            f"{counted(self.changes, 'eigenvalue')}{where} {verb}, as {self.branching.kernel}.",
            f"Branching off before: {_counts(self.branching, -1)}; after: "
            f"{_counts(self.branching, 1)}.",
            f"With the family itself signs add up to {below} and {above}.",
        ]
        if not self.balanced:
            told.append(_MISSING)
        if not self.matched:
            told.append(_UNMATCHED)
        if self.outside and self.changes > 1:
            told.append(_ONE_AXIS)
        return " ".join(told)

    def record(self) -> dict[str, Any]:
        """The event as plain values."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "bracketed": self.bracketed,
            "kind": self.kind,
            "before": list(self.before),
            "after": list(self.after),
            "changes": self.changes,
            "outside": self.outside,
            "balanced": self.balanced,
            "matched": self.matched,
            "account": self.account,
            "sums": None if self.branching is None else list(self.branching.sums),
            "representation": "" if self.branching is None else self.branching.kernel,
            "branches": [
                {
                    "side": one.side,
                    "index": one.index,
                    "index_outside": one.outer,
                    "isotropy": one.isotropy,
                    "copies": one.copies,
                }
                for one in (self.branching.found if self.branching else ())
            ],
            "certified": self.certified,
            "proofs": [
                {
                    "family": one.family,
                    "value": one.value,
                    "index": one.index,
                    "at_end": one.at_end,
                }
                for one in self.proofs
            ],
            "sentence": self.sentence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Group(Brief):
    """Ends of parts that belong to one event.

    Attributes
    ----------
    curve, happening : int
        Of the most symmetric curve that takes part.
    ends : tuple of (int, int)
        Parts by their places, and 0 for their lower end, 1 for the upper one.
    """

    curve: int
    happening: int
    ends: tuple[tuple[int, int], ...]


def joined(known: Curves, parts: list[Part]) -> list[Group]:
    """Ends of parts, by the events that they belong to.

    Parameters
    ----------
    known : Curves
    parts : list of Part

    Returns
    -------
    list of groups
        By increasing parameter.
    """
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for place, part in enumerate(parts):
        for side, number in enumerate(part.ends):
            if number is not None:
                key = _host(known, part.curve, number)
                found.setdefault(key, []).append((place, side))
    groups = [
        Group(curve=curve, happening=number, ends=tuple(sorted(ends)))
        for (curve, number), ends in found.items()
    ]
    return sorted(groups, key=lambda one: known.curves[one.curve].happenings[one.happening].value)


def _host(known: Curves, curve: int, number: int) -> tuple[int, int]:
    """The crossing of a more symmetric curve that a meeting is; else the happening itself."""
    met = known.curves[curve].happenings[number]
    if met.kind is not HappeningKind.MEETING:
        # A closed curve has the happening that it is cut at twice.
        return curve, known.curves[curve].first_of(number)
    reach = known.curve.high - known.curve.low
    near = [
        (abs(other.value - met.value), one.number, one.first_of(place))
        for one in known.curves
        for place, other in enumerate(one.happenings)
        if other.kind is HappeningKind.CROSSING
        and one.is_more_symmetric(known.curves[curve])
        and abs(other.value - met.value) < _SAME_VALUE * reach
        and _alike(known, met, other)
    ]
    if near:
        return min(near)[1:]
    # The curve that is met is not known; all that meet it at one point are one event.
    for one in known.curves[:curve]:
        for place, other in enumerate(one.happenings):
            if (
                other.kind is HappeningKind.MEETING
                and abs(other.value - met.value) < _SAME_VALUE * reach
                and _alike(known, met, other)
            ):
                return one.number, place
    return curve, number


def _alike(known: Curves, one: Happening, other: Happening) -> bool:
    columns = max(one.weights.shape[1], other.weights.shape[1])
    teacher = known.curve.teacher(other.value)
    first, second = (
        point_graph(teacher, np.pad(each.weights, ((0, 0), (0, columns - each.weights.shape[1]))))
        for each in (one, other)
    )
    return equivalence(first, second, tolerance=SAME_POINT) is not None


def event_of(
    known: Curves, group: Group, parts: list[Part], names: list[str], proofs: tuple[Proof, ...]
) -> SweepEvent:
    """An event from the ends of parts that belong to it.

    Parameters
    ----------
    known : Curves
    group : Group
    parts : list of Part
    names : list of str
        Of the parts; empty for those of an index that is not listed.
    proofs : tuple of Proof
    """
    curve = known.curves[group.curve]
    met = curve.happenings[group.happening]
    listed = [(place, side) for place, side in group.ends if names[place]]
    before = [place for place, side in listed if side == 1]
    after = [place for place, side in listed if side == 0]
    bracketed = bool(curve.exact[group.happening])
    if met.kind is HappeningKind.FOLD:
        kind = "death" if before else "birth"
        bracketed = _fold_sides(curve.branch, met) is not None
    elif any(parts[place].curve != group.curve for place, _ in listed):
        kind = "branching"
    else:
        kind = "index change" if met.kind is HappeningKind.CROSSING else "meeting"
    found = curve.branchings[group.happening]
    balanced = None if found is None else found.is_balanced
    if met.kind is HappeningKind.FOLD:
        balanced = bracketed or None
    changes = met.inner + met.outer
    return SweepEvent(
        value=met.value,
        low=met.value - WIDE,
        high=met.value + WIDE,
        bracketed=bracketed,
        kind=kind,
        before=tuple(names[place] for place in before),
        after=tuple(names[place] for place in after),
        changes=max(changes, 1),
        outside=met.outer > 0,
        branching=found,
        balanced=balanced,
        matched=None if found is None else _are_listed(found, group, parts, listed),
        proofs=proofs,
        sentence=_sentence(kind, parts, names, before, after)
        + _copies_told(parts, names, before, after, None if kind == "meeting" else group.curve),
    )


def _are_listed(
    found: Branching, group: Group, parts: list[Part], listed: list[tuple[int, int]]
) -> bool:
    """Whether what branches off with an index that is listed are the parts that end here."""
    branches = Counter((one.side, one.index) for one in found.found if not one.outer)
    ends = Counter(
        (-1 if side else 1, parts[place].index)
        for place, side in listed
        if parts[place].curve != group.curve
    )
    return {key: count for key, count in branches.items() if key[1] <= TRACKED} == ends


def _counts(branching: Branching, side: int) -> str:
    """Points that branch off on one side, by their indices."""
    here = [one for one in branching.found if one.side == side]
    by_index = {
        index: sum(one.copies for one in here if one.index == index)
        for index in sorted({one.index for one in here})
    }
    if not here:
        return "nothing"
    points = listed([f"{count} of index {index}" for index, count in by_index.items()])
    return f"{points} ({counted(len(here), 'family', 'families')})"


def _sentence(
    kind: str, parts: list[Part], names: list[str], before: list[int], after: list[int]
) -> str:
    def told(places: list[int]) -> str:
        told = listed([f"{names[p]} (index {parts[p].index})" for p in places])
        if len(places) == 1 and kind in ("birth", "death"):
            return f"{told} and one of index {parts[places[0]].index + 1}"
        return told or "no minimum and no pass"

    if kind == "birth":
        return f"{told(after)} are there from here on."
    if kind == "death":
        return f"{told(before)} meet and are gone."
    return f"{told(before)} before, {told(after)} after."


def _copies_told(
    parts: list[Part], names: list[str], before: list[int], after: list[int], host: int | None
) -> str:
    """Whose copies are one point here: of families that end or begin on another curve, the host."""
    told = ""
    for places, verb in ((before, "come together"), (after, "part")):
        of = [names[p] for p in places if parts[p].curve != host]
        if of:
            told += f" Copies of {listed(of)} {verb} here."
    return told


def _fold_sides(branch: Branch, met: Happening) -> tuple[Node, Node] | None:
    """The two points at a parameter `WIDE` away from a fold, whose indices differ by one."""
    y = branch.space.basis.T @ met.weights.ravel()
    _, hessian, mixed = branch.parts(y, met.value)
    _, _, rows = np.linalg.svd(np.hstack([hessian, mixed[:, None]]))
    node = branch.node(y, met.value, rows[-1])
    if node is None:
        return None
    found = []
    for way in (-1.0, 1.0):

        def beyond(s: float, way: float = way) -> float:
            there = branch.correct(node, way * s)
            return np.nan if there is None else abs(there.value - met.value) - WIDE

        end = 1e-5
        while beyond(end) < 0 and end < 1e-2:
            end *= 2.0
        if not beyond(end) > 0:
            return None
        s = float(brentq(beyond, 1e-9, end, xtol=1e-15))
        there = branch.correct(node, way * s)
        if there is None:
            return None
        found.append(there)
    first, second = found
    same_side = (first.value - met.value) * (second.value - met.value) > 0
    if not same_side or abs(first.negative[0] - second.negative[0]) != 1:
        return None
    return first, second
