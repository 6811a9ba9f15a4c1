"""How a block family is told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from landtopo.wording import counted, exact
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.blocks.family import BlockFamily

__all__ = ["block_record", "block_text"]

_DIGITS = 12


def block_record(family: BlockFamily) -> dict[str, Any]:
    """A block family as plain JSON values.

    Parameters
    ----------
    family : BlockFamily
        Onset and expansion are None where they were not asked for, or are not there.
    """
    onset, expansion = family.onset, family.expansion
    return {
        "size": family.size,
        "width": family.width,
        "anti_aligned": "all"
        if family.anti_aligned is None and not family.given
        else family.anti_aligned,
        "extra": family.extra,
        "status": family.status.value,
        "loss": family.loss,
        "grad_norm": family.grad_norm,
        "index": family.index,
        "eigenvalues": family.rows(),
        "overlaps": [
            {"neurons": orbit, "teachers": teacher, "own": own, "value": value}
            for orbit, teacher, own, value in family.overlaps
        ],
        "onset": None
        if onset is None
        else {
            "size": onset.size,
            "loss": onset.loss,
            "representation": onset.representation,
            "where": onset.where,
        },
        "crossings": [
            {
                "size": one.size,
                "loss": one.loss,
                "multiplicity": one.multiplicity,
                "representation": one.representation,
                "where": one.where,
                "rises": one.rises,
            }
            for one in family.crossings
        ],
        "fold": None
        if family.fold is None
        else {"size": family.fold.size, "loss": family.fold.loss},
        "lowest_size": family.lowest_size,
        "expansion": None
        if expansion is None
        else {
            "power": expansion.power,
            "limit": expansion.limit,
            "coefficients": list(expansion.coefficients),
        },
    }


def _dimensions(count: int | float) -> str:
    return exact(count) if isinstance(count, int) else number(count, _DIGITS)


def _who(family: BlockFamily) -> str:
    if family.given:
        blocks = ", ".join(family.blocks)
        return f"blocks of teacher vectors: {blocks}"
    who = "all neurons" if family.anti_aligned is None else counted(family.anti_aligned, "neuron")
    return f"{who} anti-aligned" + (f", one more {family.extra}" if family.extra else "")


def block_text(family: BlockFamily, *, onset: bool) -> str:
    """A block family as people read it.

    Parameters
    ----------
    family : BlockFamily
    onset : bool
        Whether the onset was looked for.
    """
    lines = [f"{_who(family)}; size {number(family.size, _DIGITS)}"]
    if family.index is None:
        lines.append(family.status.value)
    else:
        lines.append(f"loss {loss_text(family.loss)}, index {_dimensions(family.index)}")
        rows = [
            (
                number(one.value, _DIGITS),
                _dimensions(one.multiplicity),
                one.representation,
                one.where,
            )
            for one in family.eigenvalues
        ]
        lines.append(table(("eigenvalue", "multiplicity", "representation", "where"), rows))
    if family.onset is not None:
        found = family.onset
        lines.append(
            f"A minimum from size {number(found.size, _DIGITS)} on: below, an eigenvalue of "
            f"{found.representation} ({found.where}) is negative; loss {loss_text(found.loss)}."
        )
    elif onset:
        lines.append("At no size that it reaches it turns from a saddle into a minimum.")
    if onset and family.crossings:
        zeros = [
            (
                number(one.size, _DIGITS),
                "rises" if one.rises else "falls",
                _dimensions(one.multiplicity),
                one.representation,
                one.where,
                loss_text(one.loss),
            )
            for one in family.crossings
        ]
        head = ("size", "with size", "multiplicity", "representation", "where", "loss")
        lines.append(f"Eigenvalues that are zero:\n{table(head, zeros)}")
    if family.fold is not None:
        lines.append(
            f"It turns back at size {number(family.fold.size, _DIGITS)}, loss "
            f"{loss_text(family.fold.loss)}: below, it is not there."
        )
    elif onset and not math.isnan(family.lowest_size):
        lines.append(f"Sizes down to {number(family.lowest_size, 4)} were looked at.")
    if family.expansion is not None:
        scaled = "size x loss" if family.expansion.power else "loss"
        terms = ", ".join(number(one, _DIGITS) for one in family.expansion.coefficients)
        lines.append(f"At large sizes {scaled} = sum of c_j size^(-j/2), c = {terms}.")
    return "\n".join(lines)
