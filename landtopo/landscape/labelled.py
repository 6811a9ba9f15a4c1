"""Labelled connectivity: which copies of the minima are joined below which loss, exactly.

Renumbering what has no numbers of its own, such as the neurons of a network, gives another point
with the same function. Whether such *labelled copies*
of minima are joined by ways that stay below a level is the question behind "the minima of wide
networks are connected". It is answered from the families, their symmetries and the passes between
them, with exact integers, without a list of the copies (`landtopo.landscape.labelled_cover`).

What is counted: the labelled connected components that contain at least one minimum of loss up to
the level, all families together, or only those that contain a copy of a chosen family. For the
global family of an orthonormal teacher with K = M the second count is M! at level zero, 2 from the
level on at which even permutations join, and 1 from the level on at which all do.

The counts are exact for the passes that are in the graph. A pass that was not found can only make
the true number smaller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from landtopo.errors import InvalidArgument
from landtopo.landscape.labelled_cover import (
    Element,
    LabelledCopies,
    LabelledLevel,
    LabelledPart,
    Renumberings,
    merge_levels,
)
from landtopo.shown import Brief, Table
from landtopo.tolerances import LEVEL

__all__ = ["FamilyLevel", "LabelledConnectivity", "connectivity_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyLevel(Brief):
    """A level at which copies of one family appear or join.

    Attributes
    ----------
    level : float
        The loss.
    components : int
        Number of labelled components that contain copies of the family from here on, exact.
    copies : int
        Number of copies in each of them, exact.
    joined : Fraction
        Part of all labelled copies that are joined with a given one, itself included.
    permutations : Renumberings
        Those that lead from a copy to one it is joined with.
    transitions : tuple of str
        What joined components here; empty where the copies appear.
    """

    level: float
    components: int
    copies: int
    joined: Fraction
    permutations: Renumberings
    transitions: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Plain JSON values; integers are exact and can exceed 64 bits."""
        return {
            "level": self.level,
            "components": self.components,
            "copies_in_each": self.copies,
            "joined_fraction": float(self.joined),
            "student_classes": self.permutations.classes,
            "permutations": self.permutations.kind,
            "transitions": list(self.transitions),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledConnectivity(Table):
    """The labelled components below every level.

    Attributes
    ----------
    width : int
        Of networks the number of neurons K.
    group_order : int
        Order of the symmetry group, exact.
    copies : dict of str to int
        Number of labelled copies of each family: connected sets that a relabelling makes of its
        representative and that touch nowhere at its own loss without help of other families.
    levels : tuple of LabelledLevel
        Every level at which components appear or join, upwards.
    highest : float
        Families and passes above this level were not looked at.
    tolerance : float
        Levels that differ by no more are one level.
    left_out : tuple of str
        Transitions that could not be used, because it is not known which copies they join. Where
        there are any, counts are upper bounds.
    undecided : tuple of str
        Families whose flat dimension is not known, taken as isolated points. The same holds.
    """

    width: int
    group_order: int
    copies: dict[str, int]
    levels: tuple[LabelledLevel, ...]
    highest: float
    tolerance: float
    left_out: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One row a level: how many labelled components there are from it on, and why."""
        return [
            {
                "level": event.level,
                "components": event.components,
                "appeared": ", ".join(event.appeared),
                "transitions": ", ".join(event.transitions),
            }
            for event in self.levels
        ]

    def components(self, level: float = math.inf, *, family: str | None = None) -> int:
        """Number of labelled components that contain a minimum of loss up to a level, exact.

        Parameters
        ----------
        level : float
        family : str, optional
            Count only components that contain copies of this family.
        """
        if family is not None:
            part = self.part(family, level)
            return 0 if part is None else part.components
        reached = self._reached(level)
        return reached[-1].components if reached else 0

    def joined_fraction(self, family: str, level: float = math.inf) -> Fraction:
        """Part of the labelled copies of a family that are joined with a given copy, exact.

        The copy itself is included: 1 / K! means that none is joined with any other, 1 that all
        are.

        Raises
        ------
        InvalidArgument
            The family is not there, or the level is below its loss.
        """
        part = self.part(family, level)
        if part is None:
            raise InvalidArgument(
                "The 'level' argument of joined_fraction must not be below the loss of the family; "
                f"got {level!r} for {family}."
            )
        return Fraction(1, part.components)

    def part(self, family: str, level: float = math.inf) -> LabelledPart | None:
        """The families that are joined with one up to a level, and their labelled components.

        None below the family's loss.
        """
        if family not in self.copies:
            raise InvalidArgument(
                f"The 'family' argument must be one of {', '.join(self.copies) or 'no family'}; "
                f"got {family!r}."
            )
        for event in reversed(self._reached(level)):
            for part in event.parts:
                if family in part.carriers:
                    return part
        return None

    def family_levels(self, family: str) -> tuple[FamilyLevel, ...]:
        """Every level at which copies of a family appear or join, upwards."""
        self.part(family)
        found: list[FamilyLevel] = []
        for event in self.levels:
            part = next((part for part in event.parts if family in part.carriers), None)
            if part is None or (found and found[-1].components == part.components):
                continue
            found.append(
                FamilyLevel(
                    level=event.level,
                    components=part.components,
                    copies=self.copies[family] // part.components,
                    joined=Fraction(1, part.components),
                    permutations=part.renumberings(),
                    transitions=part.transitions,
                )
            )
        return tuple(found)

    def joining_level(
        self,
        family: str,
        which: Literal["even permutations", "all permutations", "all copies"] | Element,
        *,
        other: str | None = None,
    ) -> float | None:
        """The lowest level from which on copies are joined.

        Parameters
        ----------
        family : str
        which : {"even permutations", "all permutations", "all copies"} or Element
            Copies that differ by even permutations of neurons, by any permutation of neurons, or by
            any element of the group; or the representative of the family and one given copy of the
            representative of `other`, for networks by a `Relabelling`.
        other : str, optional
            The family that an element is applied to; the same by default.

        Returns
        -------
        float or None
            None if they are joined at no level of the graph.
        """
        self.part(other or family)
        self.part(family)
        for event in self.levels:
            for part in event.parts:
                if family in part.carriers and _joins(part, family, which, other or family):
                    return event.level
        return None

    def record(self, family: str | None = None) -> dict[str, Any]:
        """Plain JSON values; integers are exact and can exceed 64 bits.

        Parameters
        ----------
        family : str, optional
            Adds the levels of this family.
        """
        found: dict[str, Any] = {
            "width": self.width,
            "group_order": self.group_order,
            "copies": dict(self.copies),
            "levels": [
                {
                    "level": event.level,
                    "components": event.components,
                    "appeared": list(event.appeared),
                    "transitions": list(event.transitions),
                }
                for event in self.levels
            ],
            "tolerance": self.tolerance,
            "left_out": list(self.left_out),
            "undecided": list(self.undecided),
        }
        if math.isfinite(self.highest):
            found["highest"] = self.highest
        if family is not None:
            found["family"] = family
            found["family_levels"] = [event.record() for event in self.family_levels(family)]
        return found

    def _reached(self, level: float) -> list[LabelledLevel]:
        return [event for event in self.levels if event.level <= level + self.tolerance]


def connectivity_of(
    width: int,
    copies: LabelledCopies,
    *,
    highest: float = math.inf,
    tolerance: float = LEVEL,
) -> LabelledConnectivity:
    """Labelled connectivity from the orbits of copies of one width.

    Parameters
    ----------
    width : int
    copies : LabelledCopies
    highest : float
        Above this level nothing was looked at.
    tolerance : float
        Levels that differ by no more are one level.

    Raises
    ------
    InvalidArgument
        Two orbits have one id, a link names an orbit that is not there, or a relabelling is no
        element of the group.
    """
    order = copies.symmetry.order
    return LabelledConnectivity(
        width=width,
        group_order=order,
        copies={
            orbit.id: order // orbit.stabiliser.order for orbit in copies.orbits if orbit.counted
        },
        levels=merge_levels(copies.symmetry, copies.orbits, copies.links, tolerance=tolerance),
        highest=highest,
        tolerance=tolerance,
        left_out=copies.left_out,
        undecided=copies.undecided,
    )


def _joins(part: LabelledPart, family: str, which: str | Element, other: str) -> bool:
    if isinstance(which, Element):
        return other in part.carriers and part.holds(family, other, which)
    if which == "all copies":
        return part.components == 1
    # Only the whole group and the group of even permutations have an index below three.
    classes = part.renumberings().classes
    if which == "even permutations":
        return classes <= 2
    if which == "all permutations":
        return classes == 1
    raise InvalidArgument(
        "The 'which' argument of joining_level must be 'even permutations', 'all permutations', "
        f"'all copies' or a Relabelling; got {which!r}."
    )
