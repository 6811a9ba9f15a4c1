"""One family in detail, as people and as programs read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from landtopo_cli.families import problem_line, problem_record
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    from landtopo.models.networks.points.reading import Reading
    from landtopo.models.networks.problem import TeacherStudent
    from landtopo.models.networks.symmetry import BlockPattern
    from landtopo.objective import Array
    from landtopo.points.records import Family
    from landtopo_cli.known import Known

__all__ = ["Detail", "detail", "detail_record", "detail_text"]

# More eigenvalues than this are summed up.
_SHOWN = 6


class Detail(NamedTuple):
    """Everything that is said of one point."""

    problem: TeacherStudent
    family: Family
    reading: Reading
    blocks: BlockPattern


def detail(problem: TeacherStudent, point: Known) -> Detail:
    """Classify and read a point."""
    from landtopo.models.networks.points.classify import classify
    from landtopo.models.networks.points.families import describe_family
    from landtopo.models.networks.points.reading import read_point
    from landtopo.models.networks.statistics import summary_statistics
    from landtopo.models.networks.symmetry import block_pattern

    found = classify(problem, point.weights)
    family = describe_family(problem, found, count=0, found_by=point.id)
    return Detail(
        problem,
        replace(family, id=point.id),
        read_point(problem, found.weights),
        block_pattern(summary_statistics(problem.teacher, found.weights)),
    )


def detail_record(entry: Detail) -> dict[str, Any]:
    """The detail in JSON; neurons are counted from 1."""
    point, reading = entry.family.point, entry.reading
    record = entry.family.record()
    # How often it was met is known to a search, not to a point.
    del record["count"], record["found_by"]
    return {
        "problem": problem_record(entry.problem),
        **record,
        "eigenvalues": point.eigenvalues.tolist(),
        "normal_eigenvalues": point.normal_eigenvalues.tolist(),
        "normal_multiplicity": point.normal_multiplicity,
        "partners": [int(m) + 1 if m >= 0 else None for m in reading.partner],
        "partner_cosines": reading.cosine.tolist(),
        "split_groups": [[k + 1 for k in group] for group in reading.split_groups],
        "blocks": entry.blocks.record(),
    }


def detail_text(entry: Detail) -> str:
    """The detail for people."""
    family, point = entry.family, entry.family.point
    facts = [
        ("loss", loss_text(family.loss)),
        ("gradient norm", number(point.grad_norm, 2)),
        ("verdict", f"{point.kind}: {point.reason}"),
        ("index, nullity", f"{point.index}, {point.nullity} (gap {number(point.gap, 2)})"),
        ("curvatures in the span", _spectrum(point.eigenvalues)),
        (
            "curvatures outside it",
            f"{_spectrum(point.normal_eigenvalues)}, each {point.normal_multiplicity} times",
        ),
        ("flat dimension", "-" if family.flat_dimension is None else str(family.flat_dimension)),
        ("symmetry", f"{family.isotropy}, order {family.isotropy_order}"),
        ("labelled copies", str(family.orbit_size)),
        ("lowest slope to grow", number(family.psi_min)),
    ]
    room = max(len(name) for name, _ in facts)
    return "\n\n".join(
        [
            f"{family.id}: {family.description}\n{problem_line(entry.problem)}",
            "\n".join(f"{name:<{room}}  {value}" for name, value in facts),
            _neurons(entry),
        ]
    )


def _spectrum(values: Array) -> str:
    if len(values) <= _SHOWN:
        return " ".join(number(float(value), 5) for value in values) or "none"
    first = " ".join(number(float(value), 5) for value in values[: _SHOWN - 1])
    return f"{first} ... {number(float(values[-1]), 5)} ({len(values)})"


def _neurons(entry: Detail) -> str:
    import numpy as np

    rank = entry.problem.rank
    weights = entry.family.weights
    rows = []
    for k, row in enumerate(weights):
        partner = int(entry.reading.partner[k])
        rows.append(
            (
                str(k + 1),
                number(float(np.linalg.norm(row)), 5),
                str(partner + 1) if partner >= 0 else "-",
                number(float(entry.reading.cosine[k]), 5) if partner >= 0 else "-",
                *(f"{round(value, 4) + 0.0:.4f}" for value in row[:rank]),
                number(float(np.linalg.norm(row[rank:])), 3),
            )
        )
    header = ("neuron", "norm", "teacher", "cosine", *(f"w{m + 1}" for m in range(rank)), "outside")
    return table(header, rows)
