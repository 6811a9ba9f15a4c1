"""A landscape graph as one page of Markdown, to be read raw or rendered.

The page holds what a reader needs to judge the graph without another file: the problem, what was
found at each width, how the copies of the minima are joined, what one more neuron changes, and how
sure all of it is. It depends on the graph alone: no dates, no paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from landtopo.export.parameters import energies_told
from landtopo.export.prepare import Prepared
from landtopo.export.story import evidence, in_short, title_of
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
from landtopo.landscape.schema import INFINITE, MODEL
from landtopo.wording import counted, listed

__all__ = ["Picture", "report"]

#: A picture by its kind and width (None for one of all widths).
Picture = tuple[str, int | None]

# A page has room for so many rows of a table.
_ROWS = 24

_ABOUT_PICTURES = {
    "graph": "The graph: widths as columns, loss as height, passes as arcs.",
    "widths": "Loss of every family against the width.",
    "tree": "Which families of width {width} join at which loss.",
    "profile": "Loss along the lowest way out of a family of width {width}.",
}
_ABOUT_ENERGIES = {
    "tree": "Which minima join at which energy.",
    "profile": "Energy along the lowest way out of a minimum.",
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
    if MODEL in prepared.attributes:
        return _energies(prepared, pictures or {})
    graph = prepared.graph()
    shown = pictures or {}
    entries = unresolved(prepared)
    rows = width_rows(graph)
    copies = {row.width: copies_of(graph, row.width) for row in rows}
    parts = [_title(prepared, [entry.width for entry in entries]), _problem(prepared)]
    if rows:
        found = {entry.width: entry for entry in entries}
        lines = [
            f"**Width {row.width}**: {in_short(row, copies[row.width], found[row.width])}"
            for row in rows
        ]
        parts += ["## In short", _bullets(lines)]
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


def _energies(prepared: Prepared, pictures: Mapping[Picture, str]) -> str:
    """The page of a landscape that is of no network."""
    sentences, tables = energies_told(prepared)
    parts = [f"# {title_of(prepared)}", _bullets(sentences)]
    for table in tables:
        if table.rows:
            parts.append(_markdown(table))
    for kind, about in _ABOUT_ENERGIES.items():
        if (kind, None) in pictures:
            parts.append(f"![{about}]({pictures[kind, None]})")
    return "\n\n".join(parts) + "\n"


def _title(prepared: Prepared, widths: list[int]) -> str:
    title = f"# {title_of(prepared)}"
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
    # The teacher's title says what is not usual.
    student = "student" if " | activation=" in attributes.get("teacher", "") else "ReLU student"
    ones = (
        "those of the student"
        if " | outputs=" in attributes.get("teacher", "")
        else "all output weights"
    )
    return (
        f"A {student} of K neurons learns from the teacher {teacher} on Gaussian {inputs}. "
        f"The loss is L = 1/2 E[(f - f*)^2], {ones} are one. "
        f"{made}; the same study gives the same page."
    )


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
    parts.append(_bullets([*evidence(prepared, width), *entry.sentences()]))
    return parts


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
