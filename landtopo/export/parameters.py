"""Landscapes of energies over a parameter in sentences and tables, a value of it a row."""

from __future__ import annotations

from typing import Any

from landtopo.export.energies import about_energies, minimum_table, transition_state_table
from landtopo.export.prepare import Prepared, Record
from landtopo.export.tables import Table
from landtopo.landscape.metrics import components
from landtopo.landscape.schema import LINEAGE, MODEL, PARAMETER, rungs_of
from landtopo.wording import UNKNOWN, counted, loss_text, number

__all__ = ["energies_told"]

# A terminal and a page have room for so many rows.
_LISTED = 60
_CONTINUES = "continues"


def energies_told(prepared: Prepared) -> tuple[list[str], tuple[Table, ...]]:
    """What is said of a landscape of energies: sentences and tables.

    Parameters
    ----------
    prepared : Prepared
    """
    if PARAMETER not in prepared.attributes:
        tables = (minimum_table(prepared), transition_state_table(prepared))
        return about_energies(prepared), tables
    told: dict[str, Any] = prepared.attributes[PARAMETER]
    lines = [edge for edge in prepared.edges if edge["kind"] == LINEAGE]
    if "rungs" in told:
        return _over_widths(prepared, told), (_values(prepared, told),)
    sentences = [_overview(prepared, told), *_fates(prepared, lines)]
    if "derivatives" in prepared.attributes:
        sentences.append(f"Derivatives are made of {prepared.attributes['derivatives']}.")
    sentences.append(
        "Minima that starts do not meet and that are not continued from another value may be "
        "missing, and what happens between two values and is undone there is not seen."
    )
    return sentences, (_values(prepared, told), _events(prepared, told, lines))


def _over_widths(prepared: Prepared, told: dict[str, Any]) -> list[str]:
    """What is said where rungs are widths of students, of which none follows from another."""
    values = told["values"]
    return [
        f"{prepared.attributes[MODEL]}, {told['name']} from {values[0]} to {values[-1]}: "
        f"{counted(len(prepared.nodes), 'minimum', 'minima')} in all.",
        "No neuron can vanish or be split, so that no minimum of one width is one of the next, and "
        "there is no lineage.",
        "The lowest value of a width is the lowest that is known; minima that starts do not meet "
        "are missing.",
    ]


def _overview(prepared: Prepared, told: dict[str, Any]) -> str:
    values = told["values"]
    return (
        f"{prepared.attributes[MODEL]} at {counted(len(values), 'value')} of {told['name']} from "
        f"{values[0]:g} to {values[-1]:g}: {counted(len(prepared.nodes), 'minimum', 'minima')} "
        "in all."
    )


def _fates(prepared: Prepared, lines: list[Record]) -> list[str]:
    """How many minima are followed, and which are not."""
    last = max((node["width"] for node in prepared.nodes), default=0)
    traced = {edge["from_id"] for edge in lines}
    kept = {edge["from_id"] for edge in lines if edge["operation"] == _CONTINUES}
    lost = [n["id"] for n in prepared.nodes if n["width"] < last and n["id"] not in traced]
    sentences = [
        f"{counted(len(kept), 'minimum is', 'minima are')} followed to the next value without an "
        f"event, {len(traced - kept)} with one."
    ]
    if lost:
        sentences.append(f"Of {counted(len(lost), 'minimum', 'minima')} no end was found.")
    return sentences


def _values(prepared: Prepared, told: dict[str, Any]) -> Table:
    """A value of the parameter a row."""
    graph, rows = prepared.graph(), []
    new = _new(prepared)
    for place, value in zip(rungs_of(told), told["values"], strict=True):
        nodes = [node for node in prepared.nodes if node["width"] == place]
        ids = {node["id"] for node in nodes}
        passes = [e for e in prepared.edges if e["kind"] != LINEAGE and e["from_id"] in ids]
        parts = components(graph.subgraph(ids)) if ids else []
        rows.append(
            (
                f"{value:g}",
                str(len(nodes)),
                loss_text(min(node["loss"] for node in nodes)) if nodes else UNKNOWN,
                str(len(passes)),
                str(len(parts)),
                str(len(ids & new)) if place > rungs_of(told)[0] else UNKNOWN,
            )
        )
    header = (told["name"], "minima", "lowest energy", "transition states", "parts", "appear")
    return Table(header, tuple(rows[:_LISTED]), _more(len(rows), "values"))


def _new(prepared: Prepared) -> set[str]:
    """Minima that none of the value before stays in."""
    kept = {e["to_id"] for e in prepared.edges if e["kind"] == LINEAGE and e["fate"] == "stays"}
    return {node["id"] for node in prepared.nodes} - kept


def _events(prepared: Prepared, told: dict[str, Any], lines: list[Record]) -> Table:
    """What happens to minima between two values, an event a row."""
    rows = [
        (
            edge["from_id"],
            edge["operation"],
            _between(edge),
            edge["to_id"],
            number(edge["fraction"]),
        )
        for edge in lines
        if edge["operation"] != _CONTINUES
    ]
    header = ("minimum", "what happens", f"at {told['name']} =", "ends in", "share")
    return Table(header, tuple(rows[:_LISTED]), _more(len(rows), "events"))


def _between(edge: Record) -> str:
    """The middle of the values between which an event lies, to the digits that are known."""
    low, high = edge["parameter_low"], edge["parameter_high"]
    return f"{(low + high) / 2.0:.6g} +- {(high - low) / 2.0:.1g}"


def _more(count: int, what: str) -> tuple[str, ...]:
    return (f"... and {count - _LISTED} more {what}.",) if count > _LISTED else ()
