"""Proofs as people and as programs read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landtopo_cli.tables import number, table

if TYPE_CHECKING:
    from landtopo.progress import Progress
    from landtopo.proofs.certificate_file import PointProof
    from landtopo.proofs.certification import Certificate
    from landtopo.proofs.complete import CompleteList
    from landtopo_cli.request import Request

__all__ = ["answers", "certificate_files", "complete_lists", "in_percent"]


def answers(
    proofs: Sequence[tuple[str, Certificate | PointProof]],
) -> tuple[Callable[[], Any], Callable[[], str]]:
    """What is printed of proofs: for programs, and for people."""
    return (
        lambda: [{"id": name, **_record(proof)} for name, proof in proofs],
        lambda: _table(proofs),
    )


def certificate_files(folder: Path | None, names: Sequence[str]) -> dict[str, Path]:
    """Where certificates go, by id; the folder is made."""
    if folder is None:
        return {}
    folder.mkdir(exist_ok=True)
    return {name: folder / f"{Path(name).stem}.json" for name in names}


def _record(proof: Certificate | PointProof) -> dict[str, Any]:
    """A proof in JSON; bounds are rigorous."""
    from landtopo.proofs.certification import Certificate

    told = {
        "status": proof.status.value,
        "kind": str(proof.kind),
        "index": proof.index,
        "radius": proof.radius,
        "loss_bounds": list(proof.loss_bounds),
        "neurons": proof.neurons,
    }
    if isinstance(proof, Certificate):
        return told | {
            "index_in_span": proof.index_in_span,
            "index_normal": proof.index_normal,
            "isolation": proof.isolation,
            "eigenvalue_bounds": proof.eigenvalue_bounds.tolist(),
            "normal_bounds": proof.normal_bounds.tolist(),
            "normal_multiplicity": proof.normal_multiplicity,
            "precision": proof.options.precision,
            "weights": proof.weights.tolist(),
        }
    return told | {"unknowns": proof.unknowns}


def _table(proofs: Sequence[tuple[str, Certificate | PointProof]]) -> str:
    """One line a point."""
    from landtopo.proofs.certification import Certificate

    header = ["family", "neurons", "proved", "index", "loss at least", "at most", "radius"]
    full = all(isinstance(proof, Certificate) for _, proof in proofs)
    header += ["isolation", "lowest curvature at least"] if full else ["unknowns"]
    rows = []
    for name, proof in proofs:
        row = [
            name,
            str(proof.neurons),
            str(proof.kind),
            "-" if proof.index is None else str(proof.index),
            number(proof.loss_bounds[0], 17),
            number(proof.loss_bounds[1], 17),
            number(proof.radius, 2),
        ]
        if isinstance(proof, Certificate):
            lowest = proof.eigenvalue_bounds[:1, 0].tolist()
            row += [number(proof.isolation, 2), number(lowest[0], 6) if lowest else "-"]
        else:
            row.append(str(proof.unknowns))
        rows.append((*row, proof.status.value))
    return table((*header, "what"), rows)


@contextmanager
def in_percent(progress: Progress, label: str) -> Iterator[Callable[[float], None]]:
    """Show a part between 0 and 1 as it grows."""
    progress.begin(label, 100)
    shown = 0

    def reached(part: float) -> None:
        nonlocal shown
        while shown < int(100 * part):
            shown += 1
            progress.advance()

    yield reached
    progress.end()


def complete_lists(request: Request, within: float, folder: Path | None, force: bool) -> int | None:
    """Answer with all critical points of each width; the exit code says whether there is a gap.

    `within` is in degrees. A list that is complete goes into a file of the folder.
    """
    from landtopo.proofs.complete import CompleteStatus, complete_list
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.sources import check_files, check_folder

    if folder is not None:
        check_folder(folder)
    found = []
    with request.work("certify") as work:
        work.refuse_starts("all directions are searched")
        files = certificate_files(folder, [f"w{width}-complete" for width in work.widths])
        check_files(tuple(files.values()), force)
        for width in work.widths:
            label = f"width {width}: directions decided, in percent"
            with in_percent(work.progress, label) as decided:
                one = complete_list(
                    work.problem(width), decided, math.radians(within), work.journal
                )
                found.append((width, one))
            file = files.get(f"w{width}-complete")
            if file is not None and one.complete:
                one.write(file)
            elif file is not None:
                # No file of before stands for what is not proved now.
                file.unlink(missing_ok=True)
    request.answer(
        lambda: [_list_record(width, one) for width, one in found],
        lambda: "\n\n".join(_list_text(width, one) for width, one in found),
    )
    done = all(one.status is CompleteStatus.COMPLETE for _, one in found)
    return None if done else INCOMPLETE


def _list_record(width: int, found: CompleteList) -> dict[str, Any]:
    return {
        "width": width,
        "status": found.status.value,
        "complete": found.complete,
        "angles": [] if found.angles is None else list(found.angles),
        "points": [
            {
                **row,
                "loss_bounds": list(point.loss_bounds),
                "weights": point.weights.tolist(),
            }
            for row, point in zip(found.rows(), found.points, strict=True)
        ],
        "undecided": found.undecided.tolist(),
        "undecided_outside": found.undecided_outside.tolist(),
        "undecided_part": found.volume,
        "boxes": found.boxes,
    }


def _list_text(width: int, found: CompleteList) -> str:
    rows = [
        (
            point.description,
            str(point.kind),
            "-" if point.index is None else str(point.index),
            str(point.flat_dimension),
            number(point.loss_bounds[0], 12),
            number(point.loss_bounds[1], 12),
        )
        for point in found.points
    ]
    low, high = map(math.degrees, found.angles or (0.0, 0.0))
    teachers = f", for every angle from {low:.9g} to {high:.9g} degrees" if low < high else ""
    told = [
        f"Width {width}{teachers}:",
        table(("what it is", "kind", "index", "flat", "loss at least", "at most"), rows),
        found.status.value,
        f"{found.boxes} boxes of directions; {found.volume:.3g} of all are not decided.",
    ]
    return "\n".join(told)
