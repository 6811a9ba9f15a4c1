"""A landscape graph as one page of Markdown, to be read raw or rendered.

The page holds what a reader needs to judge the graph without another file: the problem, what was
found at each width, how the copies of the minima are joined, what one more neuron changes, and how
sure all of it is. It depends on the graph alone: no dates, no paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

import numpy as np

from landtopo.export.prepare import Prepared, Record
from landtopo.export.tables import (
    Copies,
    Table,
    copies_of,
    copy_table,
    families_of,
    family_table,
    lineage_table,
    transition_table,
    transitions_of,
    width_rows,
    widths_table,
)
from landtopo.export.unresolved import Unresolved, unresolved
from landtopo.landscape.schema import INFINITE
from landtopo.landscape.widths import WidthRow, WidthStep
from landtopo.points.coverage import Coverage
from landtopo.wording import counted, exact, listed, number, percent

__all__ = ["Picture", "report"]

#: A picture by its kind and width (None for one of all widths).
Picture = tuple[str, int | None]

# A page has room for so many rows of a table.
_ROWS = 24
# A sentence has room for so many levels.
_STEPS = 4
# Kinds of search for passes that climb, and the one that does not.
_CLIMBS = ("random starts", "soft modes", "lines")
_BANDS = "bands"

_ABOUT_PICTURES = {
    "graph": "The graph: widths as columns, loss as height, passes as arcs.",
    "widths": "Loss of every family against the width.",
    "tree": "Which families of width {width} join at which loss.",
    "profile": "Loss along the lowest way out of a family of width {width}.",
}

_WORDS = (
    "**Family**: all minima that are one network up to permutations of neurons, symmetries of the "
    "teacher and rotations outside its span; *copies* counts the labelled ones. **Flat**: "
    "dimension of the set of equal loss that it belongs to, 0 for an isolated point. **Lowest "
    "curvature**: smallest Hessian eigenvalue in all dimensions of the inputs. **Pass**: a saddle "
    "of index 1, a corner where a neuron is zero, or a flat connection; *verified* means that both "
    "descents from it were followed to the families it joins. **Barrier**: its height above a "
    "family. **Lowest escape**: the lowest barrier on a way from a minimum to a lower one. "
    "**Pieces**: connected sets of labelled copies. Loss in units of the squared output."
)


def report(prepared: Prepared, pictures: Mapping[Picture, str] | None = None) -> str:
    """The page.

    Parameters
    ----------
    prepared : Prepared
        The graph.
    pictures : mapping of (kind, width) to str, optional
        Files to link, as the page is to name them.

    Returns
    -------
    str
        Markdown that ends with a line break.
    """
    graph = prepared.graph()
    shown = pictures or {}
    entries = unresolved(prepared)
    rows = width_rows(graph)
    copies = {row.width: copies_of(graph, row.width) for row in rows}
    ends = {entry.width: sum(end.count for end in entry.ends) for entry in entries}
    parts = [_title(prepared, [entry.width for entry in entries]), _problem(prepared)]
    if rows:
        parts += [
            "## In short",
            _bullets(_in_short(row, copies[row.width], ends[row.width]) for row in rows),
        ]
    parts += [_picture(shown, "graph", None), _picture(shown, "widths", None)]
    if len(rows) > 1:
        parts += ["## Connectivity against width", _markdown(widths_table(rows))]
    for entry in entries:
        parts.append(f"## Width {entry.width}")
        parts += _width(prepared, entry, copies.get(entry.width), shown)
    lineage = lineage_table(prepared)
    if lineage.rows:
        parts += ["## What one more neuron changes", _markdown(_cut(lineage, "ways"))]
    parts += ["## Words", _WORDS]
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(prepared: Prepared, widths: list[int]) -> str:
    title = f"# Landscape of {prepared.attributes.get('teacher', 'a teacher')}"
    if not widths:
        return title
    if len(widths) > 2 and widths == list(range(widths[0], widths[-1] + 1)):
        return f"{title}, student widths {widths[0]} to {widths[-1]}"
    return f"{title}, student width{'s' * (len(widths) > 1)} {listed(list(map(str, widths)))}"


def _problem(prepared: Prepared) -> str:
    attributes = prepared.attributes
    teacher = attributes.get("teacher", "")
    gram = attributes.get("gram")
    if gram:
        rank = int(np.linalg.matrix_rank(np.array(gram), hermitian=True))
        teacher += f" ({counted(len(gram), 'neuron')}, rank {rank})"
    dim = attributes.get("dim", INFINITE)
    inputs = "inputs of any dimension" if dim == INFINITE else f"inputs of dimension {dim}"
    made = "Computed"
    if "landtopo_version" in attributes:
        made += f" by landtopo {attributes['landtopo_version']}"
    if "seed" in attributes:
        made += f" with seed {attributes['seed']}"
    return (
        f"A ReLU student of K neurons learns from the teacher {teacher} on Gaussian {inputs}. "
        "The loss is L = 1/2 E[(f - f*)^2], all output weights are one. "
        f"{made}; the same study gives the same page."
    )


def _in_short(row: WidthRow, copies: Copies | None, astray: int) -> str:
    found = [
        f"**Width {row.width}**: {counted(row.families, 'family', 'families')} of minima"
        f"{_isolated_or_flat(row)}."
    ]
    if not row.global_families:
        found.append("No minimum of zero loss was found.")
    elif row.global_share is not None:
        found.append(
            f"{percent(row.global_share)} of {row.starts} starts end at zero loss (95 % interval "
            f"{100 * (row.global_low or 0.0):.2f} to {100 * (row.global_high or 0.0):.2f} %)."
        )
    if astray:
        found.append(f"{counted(astray, 'start')} ended in no minimum, or in none for sure.")
    if copies is not None:
        found.append(_joining(copies))
    if row.largest_spurious_loss is not None and row.families > 1:
        found.append(f"The highest minimum has loss {number(row.largest_spurious_loss)}.")
    found += _escapes(row)
    if row.step is not None:
        found.append(_step(row.step))
    return " ".join(found)


def _isolated_or_flat(row: WidthRow) -> str:
    kinds = [
        (count, name)
        for count, name in (
            (row.isolated, "isolated"),
            (row.flat, "flat"),
            (row.undecided, "not known whether flat"),
        )
        if count
    ]
    if len(kinds) == 1:
        return f", {'all ' if row.families > 1 else ''}{kinds[0][1]}"
    return f" ({listed([f'{count} {name}' for count, name in kinds])})"


def _escapes(row: WidthRow) -> list[str]:
    known = [
        (escape.barrier, escape.family) for escape in row.escapes if escape.barrier is not None
    ]
    if not known:
        return []
    (low, easiest), (high, hardest) = min(known), max(known)
    text = f"The barrier to a lower minimum is {number(low, 3)} from {easiest}"
    if easiest == hardest:
        return [text + "."]
    return [f"{text} at least and {number(high, 3)} from {hardest} at most."]


def _joining(copies: Copies) -> str:
    """How the labelled copies of a family are joined, level by level."""
    first, *others = copies.levels
    at = "zero loss" if first.level < 1e-20 else f"its loss {number(first.level)}"
    if first.components == 1:
        if first.copies == 1 and first.permutations.order == 1:
            return f"There is one copy of {copies.family}."
        return f"All labelled copies of {copies.family} lie on one connected set at {at}."
    steps = []
    for event in others:
        which = "even permutations of neurons are joined" * (event.permutations.kind == "even")
        which = "all copies are joined" if event.components == 1 else which
        pieces = f"{exact(event.components)} pieces are left"
        steps.append(
            f"from {number(event.level)} on "
            + (f"{which} ({pieces})" if which and event.components > 1 else which or pieces)
        )
    if len(steps) > _STEPS:
        steps = [*steps[: _STEPS - 1], steps[-1]]
    if copies.levels[-1].components > 1:
        steps.append("no known pass joins the rest" if steps else "no known pass joins them")
    pieces = exact(first.components)
    return f"The labelled copies of {copies.family} are {pieces} pieces at {at}; {listed(steps)}."


def _step(step: WidthStep) -> str:
    parts = []
    if step.stay:
        parts.append(f"{listed(step.stay, 4)} {_verb(step.stay, 'stays a minimum', 'stay minima')}")
    if step.turn:
        into = sorted({line.descendant for line in step.lines if line.family in step.turn})
        verb = _verb(step.turn, "becomes a saddle and flows", "become saddles and flow")
        parts.append(f"{listed(step.turn, 4)} {verb} into {listed(into, 4)}")
    if step.untraced:
        parts.append(f"nothing is known of {listed(step.untraced, 4)}")
    if step.appear:
        parts.append(f"{listed(step.appear, 4)} {_verb(step.appear, 'is', 'are')} new")
    return f"Against width {step.width}: " + "; ".join(parts) + "." if parts else ""


def _verb(names: tuple[str, ...], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def _width(
    prepared: Prepared,
    entry: Unresolved,
    copies: Copies | None,
    pictures: Mapping[Picture, str],
) -> list[str]:
    width = entry.width
    families, passes = families_of(prepared, width), transitions_of(prepared, width)
    parts = []
    if families:
        parts.append(_markdown(_cut(family_table(families), "families")))
    if passes:
        parts.append(_markdown(_cut(transition_table(passes), "transitions")))
    if copies is not None and copies.levels[0].components > 1:
        parts.append(f"Labelled copies of {copies.family}, and from which loss on they are joined:")
        parts.append(_markdown(_cut(copy_table(copies), "levels")))
    parts += [_picture(pictures, "tree", width), _picture(pictures, "profile", width)]
    parts.append("How sure this is, and what is left open:")
    parts.append(_bullets([*_evidence(prepared, width, families), *entry.sentences()]))
    return parts


def _evidence(prepared: Prepared, width: int, families: list[Record]) -> list[str]:
    """What was searched, and what that says of what was not found."""
    attributes, key = prepared.attributes, str(width)
    search = attributes.get("start_search", {}).get(key, {})
    starts = attributes.get("starts", {}).get(key)
    found = []
    if starts is not None:
        how = f" from {search['init']}, followed by {search['method']}" if "init" in search else ""
        found.append(f"{counted(int(starts), 'start')}{how}.")
    coverage = _coverage(attributes.get("coverage", {}).get(key))
    if coverage is not None:
        others = " Critical points that are no minima count too." if search.get("others") else ""
        found.append(coverage.sentence() + others)
    unmet = [node for node in families if node.get("count") == 0]
    if unmet:
        names = [f"{node['id']} ({_search(node)})" for node in unmet]
        found.append(f"Met by no start, but by other searches: {listed(names, 6)}.")
    ways = attributes.get("transition_search", {}).get(key)
    if ways:
        found += _transition_evidence(ways)
    return found


def _search(node: Record) -> str:
    source = str(node.get("found_by", "not said how"))
    return f"climbs from {source}" if source in _CLIMBS else source


def _transition_evidence(ways: Mapping[str, Any]) -> list[str]:
    outcomes = ways.get("outcomes", {})
    climbs = [
        f"{sum(ends.values())} from {source}"
        for source, ends in outcomes.items()
        if source in _CLIMBS
    ]
    text = []
    if climbs:
        text.append(f"Climbs to passes: {listed(climbs)}. {ways.get('stopped', '')}".rstrip())
    coverage = _coverage(ways.get("coverage"))
    if coverage is not None and coverage.starts:
        text.append(
            f"{counted(coverage.starts, 'climb')} from random starts met "
            f"{counted(coverage.families, 'transition')}, {coverage.singletons} of them once; "
            f"estimated coverage {percent(coverage.coverage)}; a transition met with probability "
            f"above {coverage.unseen_share:.2g} would have been seen."
        )
    bands = outcomes.get(_BANDS, {})
    if bands:
        tried, joined = sum(bands.values()), bands.get("joined", 0)
        text.append(f"Bands between copies: {tried} tried, {joined} joined both ends.")
    return text


def _coverage(record: Mapping[str, Any] | None) -> Coverage | None:
    """The estimate that a file holds; None where it is not there or not whole."""
    if not record:
        return None
    try:
        return Coverage(
            **{
                **record,
                # An interval without an upper end is absent from files.
                "richness_interval": tuple(
                    record.get("richness_interval", (float(record["families"]), inf))
                ),
                "rarefaction_starts": np.array(record["rarefaction_starts"]),
                "rarefaction_families": np.array(record["rarefaction_families"]),
            }
        )
    except (KeyError, TypeError):
        return None


def _cut(table: Table, what: str) -> Table:
    """The first rows of a table, and how many more there are."""
    more = len(table.rows) - _ROWS
    if more <= 0:
        return table
    note = f"{more} more {what} are in the files with the whole graph."
    return Table(table.header, table.rows[:_ROWS], (*table.notes, note))


def _picture(pictures: Mapping[Picture, str], kind: str, width: int | None) -> str:
    file = pictures.get((kind, width))
    return f"![{_ABOUT_PICTURES[kind].format(width=width)}]({file})" if file else ""


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {_escaped(line)}" for line in lines)


def _markdown(table: Table) -> str:
    """A table that is aligned in the raw text too."""
    rows = [[_escaped(cell) for cell in row] for row in (table.header, *table.rows)]
    sizes = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    right = [_numeric(column[1:]) for column in zip(*rows, strict=True)]
    lines = [_line(row, sizes, right) for row in rows]
    marks = [
        "-" * (size - 1) + ":" if to_right else "-" * size
        for size, to_right in zip(sizes, right, strict=True)
    ]
    lines.insert(1, _line(marks, sizes, right))
    return "\n".join(lines) + "".join(f"\n\n{_escaped(note)}" for note in table.notes)


def _line(cells: Iterable[str], sizes: list[int], right: list[bool]) -> str:
    padded = [
        cell.rjust(size) if to_right else cell.ljust(size)
        for cell, size, to_right in zip(cells, sizes, right, strict=True)
    ]
    return "| " + " | ".join(padded) + " |"


def _numeric(cells: Iterable[str]) -> bool:
    return all(not cell.strip("0123456789.,+-e %") for cell in cells)


def _escaped(text: str) -> str:
    """Text with nothing that Markdown or HTML would take for markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("\\*\\*", "**")
