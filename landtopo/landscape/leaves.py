"""Which families lie below each node of a merge tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

import networkx as nx

from landtopo.shown import brief

__all__ = ["Leaves", "put_leaves"]


class Leaves(Sequence[str]):
    """The families below a node of the tree: a stretch of one list that all nodes share.

    Tuples of their own would take the square of the number of families where a tree is deep.
    """

    __slots__ = ("_all", "_start", "_stop")

    def __init__(self, families: Sequence[str], start: int, stop: int) -> None:
        self._all = families
        self._start = start
        self._stop = stop

    def __len__(self) -> int:
        return self._stop - self._start

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...

    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        inside = range(self._start, self._stop)[place]
        if isinstance(inside, int):
            return self._all[inside]
        return tuple(self._all[number] for number in inside)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (Leaves, tuple)) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return brief(tuple(self))


def put_leaves(tree: nx.DiGraph[str], families: Iterable[str]) -> None:
    """Tell every merge its families, those of what it joins one after the other."""
    merges = [node for node, data in tree.nodes(data=True) if data["kind"] == "merge"]
    below = {merge: list(tree.successors(merge)) for merge in merges}
    sizes = dict.fromkeys(families, 1)
    # A merge comes after all that it joins.
    for merge in merges:
        sizes[merge] = sum([sizes[child] for child in below[merge]])
    starts: dict[str, int] = {}
    free = 0
    for root in tree.graph["roots"]:
        starts[root] = free
        free += sizes[root]
    for merge in reversed(merges):
        free = starts[merge]
        for child in below[merge]:
            starts[child] = free
            free += sizes[child]
    leaves = sorted(families, key=starts.__getitem__)
    for merge in merges:
        start = starts[merge]
        tree.nodes[merge]["families"] = Leaves(leaves, start, start + sizes[merge])
