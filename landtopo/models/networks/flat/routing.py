"""The fewest slides that turn one way of carrying a reduced network into another.

A *slide* moves weight of one reduced neuron from one student neuron to another that is zero or
already carries the same reduced neuron. What has to change is, for each reduced neuron j, the set
of places (student neurons) whose share differs between start and end: D_j of them.

Lower bound. The slides of j join its differing places into groups whose shares have the same sum
before and after; a group of D places needs D - 1 slides. In general there is one group (z_j = 1),
and with exactly equal shares there can be more. So at least sum_j (D_j - z_j) slides are needed.
A reduced neuron with D_j = 2 that leaves a place entirely and settles in another is a *token*. If
tokens follow each other in a closed cycle, none of them can go first: at least one of them needs
one more slide, for each cycle. If in addition no place is empty and none becomes empty on the way,
one must be made empty: a reduced neuron shared by two places has to be gathered into one of them.

Construction. Gather every group that has to leave all of its places into one place; finish the
groups that keep a place (their hub) as far as possible; move the tokens, ends of chains first;
break each cycle by parking one token in an empty place; scatter. A group with several places at its
start or end can never be stuck in a cycle, because its hub may be chosen elsewhere. The number of
slides then is the lower bound whenever all shares are in general position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["Route", "Slide", "route"]

# Shares that differ by less than this are equal: the last straight piece absorbs the difference.
_SHARE_TOLERANCE = 1e-9
# Subsets of this many places are searched for equal sums (2^14 of them); above, one group is used.
_LARGEST_SEARCH = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide(Brief):
    """One straight move along the flat set.

    Attributes
    ----------
    neuron : int
        Reduced neuron whose weight moves.
    source, target : int
        Student neurons.
    amount : float
        Share that moves, 0 < amount <= 1.
    """

    neuron: int
    source: int
    target: int
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Brief):
    """A sequence of slides.

    Attributes
    ----------
    slides : tuple of Slide
    lower_bound : int
        No sequence of slides is shorter than this.
    """

    slides: tuple[Slide, ...]
    lower_bound: int

    @property
    def optimal(self) -> bool:
        """Whether the number of slides is proven to be the smallest one."""
        return len(self.slides) == self.lower_bound


@dataclass(slots=True)
class _Group:
    """Places of one reduced neuron that exchange weight among themselves only."""

    neuron: int
    leaving: list[int]  # carry it at the start only
    settling: list[int]  # carry it at the end only
    kept: list[int]  # carry it at both ends, with different shares
    amount: float = 0.0  # share that leaves
    hub: int = -1
    goal: int = -1

    def choose(self) -> None:
        """Gather in the first place that is possible, and settle in the first one."""
        self.hub = self.kept[0] if self.kept else self.leaving[0]
        self.goal = self.kept[0] if self.kept else self.settling[0]

    @property
    def size(self) -> int:
        return len(self.leaving) + len(self.settling) + len(self.kept)

    @property
    def is_mobile(self) -> bool:
        return not self.kept

    @property
    def is_token(self) -> bool:
        return not self.kept and len(self.leaving) == 1 and len(self.settling) == 1


@dataclass(slots=True)
class _State:
    shares: Array
    owner: list[int]
    slides: list[Slide] = field(default_factory=list)

    def move(self, neuron: int, source: int, target: int, amount: float) -> None:
        self.slides.append(Slide(neuron=neuron, source=source, target=target, amount=amount))
        self.shares[source] -= amount
        self.shares[target] += amount
        self.owner[target] = neuron
        if self.shares[source] <= _SHARE_TOLERANCE:
            self.shares[source] = 0.0
            self.owner[source] = -1

    def move_all(self, neuron: int, source: int, target: int) -> None:
        self.move(neuron, source, target, float(self.shares[source]))


def route(
    start: Array, start_owner: Sequence[int], end: Array, end_owner: Sequence[int]
) -> Route | None:
    """Slides from one distribution of reduced neurons over student neurons to another.

    Parameters
    ----------
    start, end : ndarray, shape (K,)
        Shares; those of one reduced neuron sum to one.
    start_owner, end_owner : sequence of int, length K
        Reduced neuron that each student neuron carries, -1 for none.

    Returns
    -------
    Route or None
        The slides; after the last one every share is that of `end` to within 1e-9. None if there
        is no way: no student neuron to spare, and the places differ.
    """
    count = max([*start_owner, *end_owner, -1]) + 1
    groups = [
        group for j in range(count) for group in _groups(j, start, start_owner, end, end_owner)
    ]
    bound = _lower_bound(groups, start_owner, count)
    if not _untangle(groups, start_owner, count):
        return None
    state = _State(np.array(start, dtype=np.float64), list(start_owner))
    _gather(groups, state, end)
    _move_hubs(groups, state)
    _scatter(groups, state, end)
    return Route(slides=tuple(state.slides), lower_bound=bound)


def _groups(
    neuron: int, start: Array, start_owner: Sequence[int], end: Array, end_owner: Sequence[int]
) -> list[_Group]:
    before = np.where(np.asarray(start_owner) == neuron, start, 0.0)
    after = np.where(np.asarray(end_owner) == neuron, end, 0.0)
    places = np.flatnonzero(np.abs(before - after) > _SHARE_TOLERANCE)
    groups = []
    for part in _balanced_parts(places, (before - after)[places]):
        group = _Group(
            neuron=neuron,
            leaving=[k for k in part if after[k] == 0.0],
            settling=[k for k in part if before[k] == 0.0],
            kept=[k for k in part if before[k] > 0.0 and after[k] > 0.0],
        )
        group.amount = float(before[group.leaving].sum())
        group.choose()
        groups.append(group)
    return groups


def _balanced_parts(places: NDArray[np.intp], differences: Array) -> list[list[int]]:
    """Split places into as many parts of zero sum as possible."""
    n = len(places)
    if n == 0:
        return []
    whole = [[int(k) for k in places]]
    if n <= 3 or n > _LARGEST_SEARCH:
        return whole
    sums = np.zeros(1)
    for difference in differences:  # sums[mask] of every subset, in the order of the masks
        sums = np.concatenate([sums, sums + difference])
    zero = np.abs(sums) <= n * _SHARE_TOLERANCE
    if int(zero.sum()) == 2:  # the empty set and the whole: general position
        return whole
    # most[mask]: most zero prefixes over the orders of building the mask; each ends a part.
    most = np.zeros(1 << n, dtype=np.int64)
    came = np.zeros(1 << n, dtype=np.int64)
    for mask in range(1, 1 << n):
        best = -1
        for bit in range(n):
            if mask >> bit & 1 and most[mask ^ (1 << bit)] > best:
                best = int(most[mask ^ (1 << bit)])
                came[mask] = bit
        most[mask] = best + int(zero[mask])
    parts: list[list[int]] = []
    mask = (1 << n) - 1
    while mask:
        if zero[mask]:
            parts.append([])
        parts[-1].append(int(places[came[mask]]))
        mask ^= 1 << int(came[mask])
    return [sorted(part) for part in parts]


def _cycles(groups: Sequence[_Group]) -> list[list[_Group]]:
    """Closed cycles of mobile groups, each waiting for the place of the next."""
    at = {group.hub: group for group in groups if group.is_mobile}
    found = []
    seen: set[int] = set()
    for first in at:
        trail: list[int] = []
        place = first
        while place in at and place not in seen:
            seen.add(place)
            trail.append(place)
            place = at[place].goal
        if place in trail:
            found.append([at[p] for p in trail[trail.index(place) :]])
    return found


def _cycles_after_choice(groups: Sequence[_Group]) -> list[list[_Group]]:
    """Choose hubs and goals so that only cycles of tokens remain; return these."""
    while True:
        cycles = _cycles(groups)
        for cycle in cycles:
            flexible = next((group for group in cycle if not group.is_token), None)
            if flexible is None:
                continue
            if len(flexible.leaving) > 1:
                flexible.hub = next(k for k in flexible.leaving if k != flexible.hub)
            else:
                flexible.goal = next(k for k in flexible.settling if k != flexible.goal)
            break
        else:
            return cycles


def _untangle(groups: list[_Group], start_owner: Sequence[int], count: int) -> bool:
    """Join groups so that the cycles that are left can be turned; False if that is impossible.

    Joining two groups of one reduced neuron, or a group and a place whose share stays, costs one
    slide and opens every cycle they are part of.
    """
    cycles = _cycles_after_choice(groups)
    while (pair := _exchangeable(groups, cycles)) is not None:
        pair[0].settling, pair[1].settling = pair[1].settling, pair[0].settling
        pair[0].choose()
        pair[1].choose()
        cycles = _cycles_after_choice(groups)
    while (pair := _shared_by_cycles(cycles)) is not None:
        _join(groups, *pair)
        cycles = _cycles_after_choice(groups)
    if not cycles or _empty_when_gathered(groups, start_owner) > 0:
        return True
    busy = {k for group in groups for k in (*group.leaving, *group.settling, *group.kept)}
    idle = [k for k, owner in enumerate(start_owner) if owner >= 0 and k not in busy]
    for token in (token for cycle in cycles for token in cycle):
        for other in groups:
            if other is not token and other.neuron == token.neuron:
                _join(groups, token, other)
                _cycles_after_choice(groups)
                return True
        for k in idle:
            if start_owner[k] == token.neuron:
                token.kept.append(k)
                token.hub = token.goal = k
                return True
    # Everything is full and stays where it is, but for the tokens: some shared reduced neuron has
    # to give up a place for a while. If its shares change anyway, that costs one slide less.
    for group in groups:
        if len(group.kept) > 1:
            lent = group.kept.pop()
            group.leaving.append(lent)
            group.settling.append(lent)
            return True
    for j in range(count):
        places = [k for k in idle if start_owner[k] == j]
        if len(places) > 1:
            group = _Group(neuron=j, leaving=[places[1]], settling=[places[1]], kept=[places[0]])
            group.hub = group.goal = places[0]
            groups.append(group)
            return True
    return False


def _exchangeable(
    groups: Sequence[_Group], cycles: Sequence[list[_Group]]
) -> tuple[_Group, _Group] | None:
    """A token in a cycle and a group outside of it that carry the same amount of one neuron.

    Exchanging where they settle costs nothing, and opens the cycle or joins it to another one.
    """
    for cycle in cycles:
        for token in cycle:
            for other in groups:
                if (
                    other.neuron == token.neuron
                    and other.is_mobile
                    and abs(other.amount - token.amount) <= _SHARE_TOLERANCE
                    and not any(other is group for group in cycle)
                ):
                    return token, other
    return None


def _shared_by_cycles(cycles: Sequence[list[_Group]]) -> tuple[_Group, _Group] | None:
    """Two tokens of one reduced neuron in different cycles."""
    seen: dict[int, tuple[int, _Group]] = {}
    for number, cycle in enumerate(cycles):
        for token in cycle:
            if token.neuron in seen and seen[token.neuron][0] != number:
                return seen[token.neuron][1], token
            seen[token.neuron] = number, token
    return None


def _join(groups: list[_Group], first: _Group, second: _Group) -> None:
    groups.remove(second)
    first.leaving += second.leaving
    first.settling += second.settling
    first.kept += second.kept
    first.amount += second.amount
    first.choose()


def _empty_when_gathered(groups: Sequence[_Group], start_owner: Sequence[int]) -> int:
    return list(start_owner).count(-1) + sum(
        len(group.leaving) - (1 if group.is_mobile else 0) for group in groups
    )


def _gather(groups: Sequence[_Group], state: _State, end: Array) -> None:
    """Bring each group to its hub, and finish the places that are kept."""
    for group in groups:
        for k in group.leaving:
            if k != group.hub:
                state.move_all(group.neuron, k, group.hub)
    for group in groups:
        others = [k for k in group.kept if k != group.hub]
        for k in sorted(others, key=lambda k: end[k] - state.shares[k]):
            surplus = float(state.shares[k] - end[k])
            if surplus > 0:
                state.move(group.neuron, k, group.hub, surplus)
            else:
                state.move(group.neuron, group.hub, k, -surplus)


def _move_hubs(groups: Sequence[_Group], state: _State) -> None:
    """Bring every mobile group from its hub to its goal: chains from their ends, then cycles."""
    cycles = _cycles(groups)
    turning = [group.hub for cycle in cycles for group in cycle]
    waiting = [group for group in groups if group.is_mobile and group.hub not in turning]
    while waiting:
        ready = next(group for group in waiting if state.owner[group.goal] == -1)
        state.move_all(ready.neuron, ready.hub, ready.goal)
        waiting.remove(ready)
    for cycle in cycles:
        _turn(cycle, state)


def _turn(cycle: Sequence[_Group], state: _State) -> None:
    """Advance a closed cycle of tokens by parking the first of them in an empty place."""
    token = cycle[0]
    parking = state.owner.index(-1)
    state.move_all(token.neuron, token.hub, parking)
    for group in reversed(cycle[1:]):
        state.move_all(group.neuron, group.hub, group.goal)
    state.move_all(token.neuron, parking, token.goal)


def _scatter(groups: Sequence[_Group], state: _State, end: Array) -> None:
    for group in groups:
        for k in group.settling:
            if k != group.goal:
                state.move(group.neuron, group.goal, k, float(end[k]))


def _lower_bound(groups: Sequence[_Group], start_owner: Sequence[int], count: int) -> int:
    differing = [sum(group.size for group in groups if group.neuron == j) for j in range(count)]
    if max(differing, default=0) > _LARGEST_SEARCH:
        # Not searched for equal sums: a group has two places at least.
        base = sum((size + 1) // 2 for size in differing)
    else:
        base = sum(group.size - 1 for group in groups)
    tokens = [group for group in groups if group.is_token and differing[group.neuron] == 2]
    cycles = _cycles(tokens)
    if not cycles:
        return base
    opening = 0
    if not _empty_when_gathered(groups, start_owner):
        # Two slides for a reduced neuron that would not move at all; one for a pair of places whose
        # shares change by a single slide that empties neither; nothing is proven for more.
        leaving = {group.neuron for group in groups if group.is_mobile}
        cost = {0: 2, 2: 1}
        opening = min(
            (
                0 if j in leaving else cost.get(differing[j], 0)
                for j in range(count)
                if list(start_owner).count(j) > 1
            ),
            default=0,
        )
    return base + len(cycles) + opening
