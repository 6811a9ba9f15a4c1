"""The columns of a landscape graph: names, types, units and meanings, in one table.

Whatever writes, reads or shows a landscape graph takes the columns from here: the exporters, the
offline page and docs/file-formats.md, whose tables are `markdown_table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from landtopo.shown import Brief

__all__ = [
    "COLUMNS",
    "ENERGY_COLUMNS",
    "FORMAT_VERSION",
    "INFINITE",
    "LINEAGE",
    "MINIMUM",
    "MODEL",
    "PARAMETER",
    "STUDENTS",
    "SYMMETRY",
    "TRANSITIONS",
    "Column",
    "ColumnType",
    "Owner",
    "columns_of",
    "markdown_table",
    "rungs_of",
]

#: Version of the column table; it grows by one when a column changes its meaning or goes away.
FORMAT_VERSION = 1

#: The graph attribute `dim` for inputs of any dimension.
INFINITE = "infinite"

#: The graph attribute that says what a landscape is of, where that is no network and has no widths.
MODEL = "model"

#: The graph attribute that says which points of such a landscape are copies of each other.
SYMMETRY = "symmetry"
#: Students with a constraint or a trained second layer, as `named_model` makes them.
STUDENTS = "students"

#: The graph attribute that says which parameter of a model has which values, one for each rung.
PARAMETER = "parameter"

#: Values of the column `kind`.
MINIMUM = "minimum"
LINEAGE = "lineage"
TRANSITIONS = ("saddle", "corner", "flat")

Owner = Literal["graph", "node", "edge"]

#: "exact integer" may exceed 64 bits, and every file holds it as decimal text.
#: "vector", "matrix" and "structure" are JSON where a format has no nested values.
ColumnType = Literal[
    "integer", "exact integer", "number", "boolean", "text", "vector", "matrix", "structure"
]

_LOSS = "squared output"
_CURVATURE = "squared output per squared weight"


@dataclass(frozen=True, slots=True)
class Column(Brief):
    """One attribute of the graph, of its nodes or of its edges.

    Attributes
    ----------
    owner : {"graph", "node", "edge"}
        What has the attribute.
    name : str
        lower_snake_case.
    type : ColumnType
        The one type of all values of the column; a value that is not known is absent.
    unit : str
        Unit, or "" for a pure number or a text.
    meaning : str
        One phrase.
    required : bool
        Every row has a value.
    """

    owner: Owner
    name: str
    type: ColumnType
    unit: str
    meaning: str
    required: bool = False


_graph = partial(Column, "graph")
_node = partial(Column, "node")
_edge = partial(Column, "edge")

#: Every column, in the order in which tables show them.
COLUMNS: tuple[Column, ...] = (
    _graph("format_version", "integer", "", "version of these columns", required=True),
    _graph("landtopo_version", "text", "", "version of landtopo that made the graph"),
    _graph("teacher", "text", "", "the teacher, as on the command line"),
    _graph("gram", "matrix", "", "Gram matrix T of the teacher's vectors"),
    _graph("vectors", "matrix", "weight", "teacher's vectors in the coordinates of all weights"),
    _graph("dim", "text", "", f'dimension d of the inputs, or "{INFINITE}"'),
    _graph("widths", "structure", "", "student widths K that were studied"),
    _graph("seed", "exact integer", "", "root seed of all random numbers"),
    _graph("starts", "structure", "", "number of independent starts at each width"),
    _graph(
        "start_search",
        "structure",
        "",
        "by width: how starts were drawn and followed, how they ended, and the critical points "
        "among their ends that are no minima, or may be none",
    ),
    _graph("coverage", "structure", "", "what the starts have seen, and may have missed, by width"),
    _graph(
        "transition_search",
        "structure",
        "",
        "by width: how searches for transitions ended, what they may have missed, why they stopped",
    ),
    _graph(
        "failed_pairs",
        "structure",
        "",
        "by width: families between which no path was found, and how often it was tried",
    ),
    _graph(
        "reachability",
        "structure",
        "",
        "by width: the runs behind the reachability of families, and where they started",
    ),
    _node("id", "text", "", "w<width>-f<number>, numbered by increasing loss", required=True),
    _node("kind", "text", "", MINIMUM, required=True),
    _node("width", "integer", "neurons", "student width K", required=True),
    _node("loss", "number", _LOSS, "population loss L with the factor 1/2", required=True),
    _node("is_global", "boolean", "", "the loss is zero: a global minimum"),
    _node("description", "text", "", "the minimum in one line"),
    _node("reason", "text", "", "why it is called a minimum"),
    _node("found_by", "text", "", "start distribution or method that found it first"),
    _node("count", "integer", "starts", "independent starts that ended here"),
    _node("share", "number", "fraction", "count divided by the number of starts"),
    _node("share_low", "number", "fraction", "lower end of the binomial interval of share"),
    _node("share_high", "number", "fraction", "upper end of the binomial interval of share"),
    _node("reachability", "number", "fraction", "runs from the stated start that end here"),
    _node("reachability_low", "number", "fraction", "lower end of its binomial interval"),
    _node("reachability_high", "number", "fraction", "upper end of its binomial interval"),
    _node("index", "integer", "", "negative Hessian eigenvalues in d dimensions"),
    _node("nullity", "integer", "", "zero Hessian eigenvalues in d dimensions"),
    _node("gap", "number", "ratio", "first non-zero eigenvalue over the last zero one, in size"),
    _node("flat_dimension", "integer", "", "dimension of the connected flat set it belongs to"),
    _node(
        "smallest_eigenvalue",
        "number",
        _CURVATURE,
        "smallest Hessian eigenvalue; zero up to rounding if flat",
    ),
    _node(
        "smallest_normal_eigenvalue",
        "number",
        _CURVATURE,
        "smallest eigenvalue of the normal block A: curvature outside the teacher's span",
    ),
    _node("grad_norm", "number", "squared output per weight", "norm of the gradient"),
    _node("psi_min", "number", "squared output per weight", "lowest slope for one more neuron"),
    _node("effective_width", "integer", "neurons", "neurons of the reduced network"),
    _node("anti_aligned", "integer", "neurons", "overlap with their teacher neuron is negative"),
    _node("zero_neurons", "integer", "neurons", "neurons with weight zero"),
    _node("isotropy", "text", "", "symmetries that fix the point, such as S_5 x S_1"),
    _node("isotropy_order", "exact integer", "", "order of the isotropy group"),
    _node("orbit_size", "exact integer", "", "labelled copies: K! |Aut(T)| / isotropy_order"),
    _node("weights", "matrix", "weight", "a representative: one neuron a row, span axes first"),
    _node("eigenvalues", "vector", _CURVATURE, "Hessian eigenvalues of the representative"),
    _edge(
        "id",
        "text",
        "",
        "w<width>-t<number> for a transition, l<number> for a lineage",
        required=True,
    ),
    _edge("kind", "text", "", "saddle, corner, flat (transitions) or lineage", required=True),
    _edge("from_id", "text", "", "family at the first end", required=True),
    _edge(
        "to_id",
        "text",
        "",
        "family at the second end; equal to from_id for labelled copies",
        required=True,
    ),
    _edge("loss", "number", _LOSS, "height of the pass: loss of the transition state"),
    _edge("barrier_from", "number", _LOSS, "height of the pass above from_id"),
    _edge("barrier_to", "number", _LOSS, "height of the pass above to_id"),
    _edge("index", "integer", "", "negative Hessian eigenvalues of the transition state"),
    _edge("grad_norm", "number", "squared output per weight", "norm of the gradient there"),
    _edge("smallest_eigenvalue", "number", _CURVATURE, "smallest Hessian eigenvalue there"),
    _edge("permutation", "text", "", "relative permutation of the neurons, in cycles from 1"),
    _edge("cycle_type", "text", "", "cycle lengths of the permutation"),
    _edge("parity", "text", "", "even or odd permutation"),
    _edge(
        "teacher_permutation",
        "text",
        "",
        "permutation of the teacher neurons that goes with it; numbers above M stand for mirror "
        "images of dependent teachers",
    ),
    _edge("outside_span", "boolean", "", "the transition state leaves the teacher's span"),
    _edge(
        "through_saddle",
        "boolean",
        "",
        "symmetry makes a descent end in a lower saddle, from which it was followed on",
    ),
    _edge("found_by", "text", "", "method that found it first"),
    _edge("times_met", "integer", "searches", "searches that ended at the transition state"),
    _edge("verified", "boolean", "", "both descents from the transition state were followed"),
    _edge("weights", "matrix", "weight", "the transition state: one neuron a row"),
    _edge("eigenvalues", "vector", _CURVATURE, "Hessian eigenvalues of the transition state"),
    _edge("profile", "structure", f"weight, {_LOSS}", "[arc length, loss] along the path"),
    _edge("operation", "text", "", "lineage: zero neuron or split"),
    _edge("neuron", "integer", "", "lineage: the neuron that was split, counted from 1"),
    _edge("fate", "text", "", "lineage: stays (still a minimum) or flows (into to_id)"),
    _edge("fraction", "number", "fraction", "lineage: escape directions that end in to_id"),
    _edge(
        "fraction_low",
        "number",
        "fraction",
        "lineage: lower end of its 95 % interval, where the directions are a random sample",
    ),
    _edge("fraction_high", "number", "fraction", "lineage: upper end of the same interval"),
    _edge(
        "directions",
        "exact integer",
        "directions",
        "lineage: escape directions that fraction is a part of: all local minima of psi met and "
        "their images under symmetry, or the sample",
    ),
    _edge(
        "followed",
        "integer",
        "directions",
        "lineage: those that the flow was followed from, one of each symmetry class",
    ),
)


_ENERGY = "unit of energy"
_STIFFNESS = "unit of energy per squared unit of length"
_STAGE = "number of coordinates, or of the parameter's value or rung"
_SEARCHES = (
    "seed",
    "starts",
    "start_search",
    "coverage",
    "transition_search",
    "failed_pairs",
    "landtopo_version",
)
_POINT: tuple[tuple[str, ColumnType, str, str], ...] = (
    ("found_by", "text", "", "the search that met it first"),
    (
        "smallest_normal_eigenvalue",
        "number",
        _STIFFNESS,
        "students: smallest eigenvalue of the Hessian in a direction that no neuron uses",
    ),
    ("index", "integer", "", "negative Hessian eigenvalues"),
    ("smallest_eigenvalue", "number", _STIFFNESS, "smallest Hessian eigenvalue, gauge left out"),
    ("grad_norm", "number", "unit of energy per unit of length", "norm of the gradient"),
    ("eigenvalues", "vector", _STIFFNESS, "Hessian eigenvalues, gauge left out"),
    ("log_product", "number", "", "logarithm of the product of positive Hessian eigenvalues"),
    ("point_group_order", "integer", "", "order of the point group"),
    ("inertia", "vector", "", "principal moments of inertia"),
    ("coordinates", "vector", "", "coordinates, those of one particle after the other"),
    ("given", "text", "", "the line of the file, where its values would be written otherwise"),
    (
        "given_coordinates",
        "text",
        "",
        "the same of the line of coordinates",
    ),
)

#: The columns of a landscape of energies: a database of minima and transition states.
ENERGY_COLUMNS: tuple[Column, ...] = (
    _graph("format_version", "integer", "", "version of these columns", required=True),
    _graph(MODEL, "text", "", "what the landscape is of", required=True),
    _graph(
        "derivatives",
        "text",
        "",
        "what derivatives may be wrong by, where they are made of differences",
    ),
    _graph(STUDENTS, "text", "", "of students that are more than weights: how they are made again"),
    _graph(SYMMETRY, "structure", "", "which points are copies of each other, in plain values"),
    _graph(
        PARAMETER,
        "structure",
        "",
        "name of the parameter of the model, and its values from the first rung to the last; the "
        "numbers of the rungs, where they are not 1, 2, ...",
    ),
    _graph("database", "structure", "", "how the files were laid out, to write them again"),
    *(
        replace(column, meaning=column.meaning.replace("width", _STAGE))
        for column in COLUMNS
        if column.owner == "graph" and column.name in _SEARCHES
    ),
    _node(
        "id",
        "text",
        "",
        "min<number>, numbered as in min.data, or by increasing energy from 0; over a parameter "
        "v<number of the value>-min<number>, or another letter and the number of the rung",
        required=True,
    ),
    _node("width", "integer", "", "number of the parameter's value, from 1; the width of students"),
    _node("parameter", "number", "", "value of the parameter"),
    _node("kind", "text", "", MINIMUM, required=True),
    _node("loss", "number", _ENERGY, "energy", required=True),
    _node("description", "text", "", "the minimum in one line"),
    _node("reason", "text", "", "why it is called a minimum"),
    _node("count", "integer", "starts", "independent starts that ended here"),
    _node("share", "number", "fraction", "count divided by the number of starts"),
    _node("share_low", "number", "fraction", "lower end of the binomial interval of share"),
    _node("share_high", "number", "fraction", "upper end of the binomial interval of share"),
    _node("nullity", "integer", "", "zero Hessian eigenvalues, gauge left out"),
    _node("gap", "number", "ratio", "first non-zero eigenvalue over the last zero one, in size"),
    _node("flat_dimension", "integer", "", "dimension of the connected flat set it belongs to"),
    _node("isotropy_order", "exact integer", "", "symmetries that leave the minimum as it is"),
    _node("orbit_size", "exact integer", "", "its copies by symmetry, gauge left out"),
    *(_node(*entry) for entry in _POINT),
    _edge(
        "id",
        "text",
        "",
        "ts<number>, numbered by the lines of ts.data, or by increasing energy from 0; over a "
        "parameter v<number of the value>-ts<number>, or another letter and the number of the "
        "rung, and l<number> for a lineage",
        required=True,
    ),
    _edge("kind", "text", "", "saddle: a transition state; or lineage", required=True),
    _edge("from_id", "text", "", "its first minimum", required=True),
    _edge(
        "to_id",
        "text",
        "",
        "its second minimum; equal to from_id for a degenerate rearrangement",
        required=True,
    ),
    _edge("loss", "number", _ENERGY, "energy"),
    _edge("barrier_from", "number", _ENERGY, "energy above that of from_id"),
    _edge("barrier_to", "number", _ENERGY, "energy above that of to_id"),
    _edge("permutation", "text", "", "the symmetry by which the way leads to a copy of to_id"),
    _edge("teacher_permutation", "text", "", "students: the renumbering of the teacher's vectors"),
    _edge("times_met", "integer", "searches", "searches that ended at the transition state"),
    _edge("verified", "boolean", "", "both descents from the transition state were followed"),
    _edge(
        "through_saddle",
        "boolean",
        "",
        "symmetry makes a descent end in a lower saddle, from which it was followed on",
    ),
    _edge("profile", "structure", f"length, {_ENERGY}", "[arc length, energy] along the path"),
    *(_edge(*entry) for entry in _POINT),
    _edge(
        "operation",
        "text",
        "",
        "lineage: what becomes of from_id up to the next value of the parameter: continues, merges "
        "(its copies become one), turns into a saddle, vanishes at a fold, or leaves its flat set; "
        "and what becomes of the minimum to which it then descends",
    ),
    _edge("fate", "text", "", "lineage: stays (a minimum all along) or flows (into to_id)"),
    _edge("fraction", "number", "fraction", "lineage: descents that end in to_id"),
    _edge(
        "directions", "exact integer", "descents", "lineage: descents that fraction is a part of"
    ),
    _edge("followed", "integer", "descents", "lineage: those that were followed"),
    _edge("parameter_low", "number", "", "lineage: value above which the branch of minima ends"),
    _edge("parameter_high", "number", "", "lineage: value below which it ends"),
)


def rungs_of(parameter: Mapping[str, Any]) -> tuple[int, ...]:
    """Numbers of the rungs that a graph attribute `parameter` tells, from the first to the last.

    Parameters
    ----------
    parameter : mapping

    Examples
    --------
    >>> from landtopo.landscape.schema import rungs_of
    >>> rungs_of({"name": "tilt", "values": [0.1, 0.2]})
    (1, 2)
    """
    return tuple(parameter.get("rungs", range(1, len(parameter["values"]) + 1)))


def columns_of(owner: Owner, *, energies: bool = False) -> tuple[Column, ...]:
    """The known columns of the graph, of its nodes or of its edges.

    Parameters
    ----------
    owner : {"graph", "node", "edge"}
    energies : bool
        Those of a landscape of energies, which has the graph attribute `model`.
    """
    table = ENERGY_COLUMNS if energies else COLUMNS
    return tuple(column for column in table if column.owner == owner)


def markdown_table(owner: Owner, *, energies: bool = False) -> str:
    """The columns as a Markdown table, as docs/file-formats.md shows them."""
    rows = ["| name | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for column in columns_of(owner, energies=energies):
        meaning = column.meaning + ("" if column.required else " *(may be absent)*")
        meaning = meaning.replace("<", "&lt;").replace("|", "&#124;")
        rows.append(f"| `{column.name}` | {column.type} | {column.unit} | {meaning} |")
    return "\n".join(rows)
