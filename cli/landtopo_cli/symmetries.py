"""How a search by symmetry is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landtopo.wording import counted
from landtopo_cli.families import problem_line, problem_record
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.symmetric.search import SymmetrySearch

__all__ = ["symmetry_record", "symmetry_text"]

_MOST_SADDLES = 12


def symmetry_record(found: SymmetrySearch) -> dict[str, Any]:
    """A search by symmetry as plain JSON values.

    Parameters
    ----------
    found : SymmetrySearch
    """
    return {
        "problem": problem_record(found.problem),
        "search": {
            "blocks": found.blocks,
            "starts": found.starts,
            "cycle_starts": found.cycle_starts,
            "seed": found.seed,
        },
        "classes": [
            {
                "kind": one.group.kind,
                "group": one.group.name,
                "order": one.group.order,
                "teachers": list(one.group.teachers),
                "neurons": list(one.group.neurons),
                "parts": one.group.parts,
                "unknowns": one.unknowns,
                "starts": one.starts,
                "outcomes": one.outcomes,
                "points": list(one.exact),
                "larger": list(one.larger),
                "sentence": one.sentence,
            }
            for one in found.classes
        ],
        "points": [
            {
                "loss": one.loss,
                "kind": str(one.point.kind),
                "index": one.point.index,
                "nullity": one.point.nullity,
                "grad_norm": one.point.grad_norm,
                "smallest_eigenvalue": one.smallest_eigenvalue,
                "effective_width": one.effective_width,
                "anti_aligned": one.anti_aligned,
                "isotropy": one.isotropy,
                "isotropy_order": one.isotropy_order,
                "met": one.met,
                "weights": one.weights.tolist(),
            }
            for one in found.points
        ],
    }


def symmetry_text(found: SymmetrySearch) -> str:
    """A search by symmetry, for people.

    Parameters
    ----------
    found : SymmetrySearch
    """
    parts = [
        f"{problem_line(found.problem)}: critical points by symmetry, seed {found.seed}. "
        f"{counted(len(found.classes), 'class', 'classes')} of groups; "
        f"{counted(len(found.points), 'point')}, {counted(len(found.minima), 'minimum', 'minima')}."
    ]
    if not found.classes:
        parts.append("No two vectors of this teacher stand alike: there is no symmetry to use.")
    if found.minima:
        rows = [
            (loss_text(one.loss), str(one.anti_aligned), one.isotropy, str(one.met))
            for one in found.minima
        ]
        parts.append(f"Minima\n{table(('loss', 'anti-aligned', 'isotropy', 'met'), rows)}")
    saddles = sorted(
        (one for one in found.points if one.point.index), key=lambda one: one.point.index
    )[:_MOST_SADDLES]
    if saddles:
        lines = [
            (
                str(one.point.index),
                loss_text(one.loss),
                str(one.anti_aligned),
                one.isotropy,
                number(one.smallest_eigenvalue, 6),
            )
            for one in saddles
        ]
        head = ("index", "loss", "anti-aligned", "isotropy", "lowest eigenvalue")
        parts.append(f"Saddles of the lowest indices\n{table(head, lines)}")
    if found.classes:
        classes = [tuple(map(str, row.values())) for row in found.rows()]
        head = ("group", "orbits of neurons", "unknowns", "starts", "with just this symmetry")
        parts.append(table(head, classes))
        parts.append(
            "An orbit such as '4 (3+1 of block 1)' has four neurons, each with equal overlaps with "
            f"three vectors of the first block. Groups of up to {counted(found.blocks, 'block')} "
            "were all gone through; every other symmetric point is left alone by one of the "
            "elements of prime order. Points are those that so many starts met, in the teacher's "
            "span; indices are in all dimensions."
        )
    return "\n\n".join(parts)
