"""From one model to the next of a ladder: what becomes of the families of the rung below."""

from __future__ import annotations

from dataclasses import dataclass

from landtopo.checks import check_options
from landtopo.points.coverage import binomial_interval
from landtopo.shown import Brief

__all__ = ["Line", "LineageOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageOptions(Brief):
    """How escape directions are chosen.

    Attributes
    ----------
    directions : int
        Sampled directions for every part that is split.
    push : float
        Length of the first step away from a split, in units of the model.
    seed_length : float
        Most length at which a part that grows from nothing begins, in the same units.
    most : int
        Most classes of directions for such a part of which each is followed. Of more, so many
        directions are drawn, and the classes drawn are followed.
    """

    directions: int = 8
    push: float = 1e-3
    seed_length: float = 1e-2
    most: int = 64

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Brief):
    """What became of a family of the rung below when it was lifted in one way.

    Attributes
    ----------
    ancestor : int
        Number of the family on the rung below, by increasing value.
    operation : str
        The way.
    part : int
        The part of the point that it was done to, from 0; -1 where it is done to none.
    stays : bool
        Whether the point is still a minimum.
    descendant : int
        Number of the family in the catalogue.
    count, directions : int
        How many escape directions lead there, and of how many; 1 of 1 if the point stays.
    followed : int
        Directions that were followed, for all that symmetry makes the same; 0 if it stays.
    drawn : bool
        Whether the directions are a sample of independent draws.
    between : tuple of float or None
        Where the rungs are values of a parameter: values between which the branch of minima ends;
        None where it does not.
    """

    ancestor: int
    operation: str
    part: int
    stays: bool
    descendant: int
    count: int
    directions: int
    followed: int
    drawn: bool
    between: tuple[float, float] | None = None

    @property
    def fraction(self) -> float:
        """Part of the escape directions that leads there."""
        return self.count / self.directions

    @property
    def interval(self) -> tuple[float, float]:
        """The fraction twice, or where the directions are a sample its 95 % interval."""
        if self.drawn:
            return binomial_interval(self.count, self.directions)
        return self.fraction, self.fraction
