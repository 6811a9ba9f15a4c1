"""What a comparison of the landscapes of several models says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from landtopo.shown import Brief, Table

__all__ = ["FamilyInModel", "ModelComparison", "ModelWidth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyInModel(Brief):
    """A family of minima in one of the models, and what is nearest to it in the first.

    Attributes
    ----------
    model : str
    width : int
    family : str
    loss : float
    unexplained : float
        The loss in units of the loss without a student, which makes models comparable.
    flat : bool or None
        None where it is not known.
    partner : str or None
        The family of the first model that is nearest in (Q, R) modulo symmetry, if no other family
        of this model is nearer to that one.
    distance : float or None
        To the partner: Frobenius, of the matrices [[Q, R], [R^T, T]] of the closest copies.
    """

    model: str
    width: int
    family: str
    loss: float
    unexplained: float
    flat: bool | None
    partner: str | None
    distance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWidth(Brief):
    """One model at one width.

    Attributes
    ----------
    model : str
    width : int
    families, isolated, flat, undecided : int
        As in `WidthRow`.
    lowest_escape : float or None
        The lowest barrier out of a spurious family to one of lower loss.
    starts : int or None
    spurious_share, spurious_low, spurious_high : float or None
        Part of the starts that ended in no family of zero loss, with its binomial interval. Where
        students are constrained or have a trained second layer: in no family of the lowest loss
        that is known.
    pieces : int or None
        Labelled connected components of the lowest families at their own loss; None where these
        are flat sets of which it is not known.
    lowest : float
        The lowest loss.
    appear : tuple of str
        Families without a partner in the first model.
    go : tuple of str
        Families of the first model, at this width, that are nobody's partner.
    """

    model: str
    width: int
    families: int
    isolated: int
    flat: int
    undecided: int
    lowest_escape: float | None
    starts: int | None
    spurious_share: float | None
    spurious_low: float | None
    spurious_high: float | None
    pieces: int | None
    lowest: float
    appear: tuple[str, ...]
    go: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Plain JSON values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {**values, "appear": list(self.appear), "go": list(self.go)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison(Table):
    """Landscapes of one teacher under several models, side by side.

    Attributes
    ----------
    models : tuple of str
        Their names; the first one is what the others are compared with.
    entries : tuple of ModelWidth
        By width, then in the order of the models.
    families : tuple of FamilyInModel
    """

    _printed: ClassVar[tuple[str, ...]] = (
        "width",
        "model",
        "families",
        "isolated",
        "flat",
        "lowest_escape",
        "spurious_share",
        "spurious_low",
        "spurious_high",
        "pieces",
        "lowest",
    )

    models: tuple[str, ...]
    entries: tuple[ModelWidth, ...]
    families: tuple[FamilyInModel, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a model and width."""
        return [entry.record() for entry in self.entries]
