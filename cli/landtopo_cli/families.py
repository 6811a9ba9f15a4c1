"""Families as people read them, and searches as programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landtopo_cli.request import INFINITE
from landtopo_cli.tables import loss_text, number, share, table

if TYPE_CHECKING:
    from landtopo.models.networks.points.saddles import SaddleResult
    from landtopo.models.networks.points.search import SearchResult
    from landtopo.models.networks.problem import TeacherStudent
    from landtopo.points.records import Family

__all__ = [
    "family_table",
    "minima_text",
    "problem_line",
    "problem_record",
    "saddle_text",
    "search_record",
]


def problem_record(problem: TeacherStudent) -> dict[str, Any]:
    """The problem in JSON."""
    return {
        "teacher": problem.teacher.title,
        "teacher_neurons": problem.teacher.size,
        "rank": problem.rank,
        "width": problem.width,
        "dim": INFINITE if problem.dim is None else problem.dim,
    }


def problem_line(problem: TeacherStudent) -> str:
    """The problem in one phrase."""
    dim = "inputs of any dimension" if problem.dim is None else f"inputs of dim {problem.dim}"
    return f"Teacher {problem.teacher.title}, student width {problem.width}, {dim}"


def search_record(result: SearchResult | SaddleResult) -> dict[str, Any]:
    """A search in JSON: problem, search, families."""
    from landtopo.points.records import Status

    statuses = result.attempts.status
    return {
        "problem": problem_record(result.problem),
        "search": {
            **result.search,
            "attempts": {
                status.name.lower(): statuses.count(status)
                for status in Status
                if status in statuses
            },
            "coverage": result.coverage.record(),
        },
        "families": [family.record() for family in result.families],
        "others": [family.record() for family in result.others],
    }


def minima_text(result: SearchResult) -> str:
    """A search for minima, for people."""
    from landtopo.points.records import Kind, Status

    starts = len(result.attempts)
    converged = result.attempts.status.count(Status.CONVERGED)
    search = result.search
    title = (
        f"{problem_line(result.problem)}: {starts} starts by {search['method']} from "
        f"{search['init']}, seed {search['seed']}; {converged} ended in a critical point."
    )
    undecided = any(family.point.kind is Kind.UNDECIDED for family in result.others)
    others = "Starts also ended in critical points that are no minima" + (
        ", or may be none (undecided)" if undecided else ""
    )
    return _search_text(result, title, "minimum", others)


def saddle_text(result: SaddleResult) -> str:
    """A search for saddles, for people."""
    search = result.search
    title = (
        f"{problem_line(result.problem)}: saddles of index {result.index}, from "
        f"{', '.join(search['sources'])}, seed {search['seed']}. Starts are random ones only."
    )
    return _search_text(result, title, "saddle", "Other critical points that were met")


def _search_text(result: SearchResult | SaddleResult, title: str, wanted: str, others: str) -> str:
    from landtopo.export.story import found_otherwise
    from landtopo.points.records import Kind

    starts = len(result.attempts)
    parts = [title]
    if result.families:
        parts.append(family_table(result.families, starts))
    else:
        parts.append(f"No {wanted} was found.")
    if result.others:
        parts += [f"{others}:", family_table(result.others, starts)]
    parts += [
        f"{family.id}: {family.point.reason}"
        for family in result.others
        if family.point.kind is Kind.UNDECIDED
    ]
    # Starts end in all kinds of critical points, and coverage is about them all.
    met = result.coverage.sentence(family="critical point" if result.others else "family")
    everything = (*result.families, *result.others)
    others = found_otherwise([(each.id, each.count, each.found_by) for each in everything])
    parts.append(f"{met} {others}".rstrip())
    return "\n\n".join(parts)


def family_table(families: Sequence[Family], starts: int) -> str:
    """One line a family."""
    header = ("family", "kind", "loss", "starts", "share", "index", "flat", "copies", "what it is")
    return table(
        header,
        (
            (
                family.id,
                str(family.point.kind),
                loss_text(family.loss),
                str(family.count),
                share(family.count, starts),
                str(family.point.index),
                "-" if family.flat_dimension is None else str(family.flat_dimension),
                number(family.orbit_size),
                family.description,
            )
            for family in families
        ),
    )
