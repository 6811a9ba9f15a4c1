"""One prepared form of a landscape graph, from which every file and the offline page are made.

Prepared values are built-in Python types, one type a column; what is unknown is absent; nodes,
edges and columns come in an order that depends on nothing but the graph's content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx as nx

from landtopo.errors import InvalidArgument
from landtopo.export.forms import has_its_form
from landtopo.export.looks import EdgeLook, NodeLook, edge_look, node_looks
from landtopo.export.values import infer_type, plain, typed
from landtopo.landscape.schema import MODEL, Column, Owner, columns_of
from landtopo.texts import is_plain_name
from landtopo.wording import listed

__all__ = ["COLUMNS_KEY", "DRAWN", "Prepared", "Record", "natural_key", "prepare"]

Record = dict[str, Any]

#: Columns that files have beside those of the graph: how it is drawn, and the table of columns.
COLUMNS_KEY = "columns"
DRAWN: dict[Owner, tuple[str, ...]] = {
    "graph": (COLUMNS_KEY,),
    "node": ("x", "y", "y_even", "color"),
    "edge": ("color",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A landscape graph in plain values.

    Attributes
    ----------
    columns : tuple of Column
        The columns that occur, in the table's order, unknown ones after the known, by name.
    attributes : dict
        Graph attributes.
    nodes, edges : tuple of dict
        One record a family and an edge, sorted naturally by id; absent values have no key.
    node_looks, edge_looks : dict
        Position and style by id.
    """

    columns: tuple[Column, ...]
    attributes: Record
    nodes: tuple[Record, ...]
    edges: tuple[Record, ...]
    node_looks: dict[str, NodeLook]
    edge_looks: dict[str, EdgeLook]

    def columns_of(self, owner: Owner) -> tuple[Column, ...]:
        """The columns of the graph, the nodes or the edges."""
        return tuple(column for column in self.columns if column.owner == owner)

    def graph(self) -> nx.MultiGraph[str]:
        """The landscape graph again, with arrays for vectors and matrices."""
        return build_graph(self.columns, self.attributes, self.nodes, self.edges)


def build_graph(
    columns: Iterable[Column],
    attributes: Mapping[str, Any],
    nodes: Iterable[Mapping[str, Any]],
    edges: Iterable[Mapping[str, Any]],
) -> nx.MultiGraph[str]:
    """A networkx graph from plain records, with the types that a landscape graph has in memory."""
    kinds = {(column.owner, column.name): column.type for column in columns}

    def values(owner: Owner, record: Mapping[str, Any]) -> Record:
        return {name: typed(value, kinds[owner, name]) for name, value in record.items()}

    # Not as keyword arguments: an attribute may have the name of one of networkx's.
    graph: nx.MultiGraph[str] = nx.MultiGraph()
    graph.graph.update(values("graph", attributes))
    for record in nodes:
        graph.add_node(record["id"])
        graph.nodes[record["id"]].update(values("node", record))
    for record in edges:
        edge = record["from_id"], record["to_id"], record["id"]
        graph.add_edge(*edge)
        graph.edges[edge].update(values("edge", record))
    return graph


def prepare(graph: nx.MultiGraph[str]) -> Prepared:
    """The plain, sorted form of a landscape graph.

    Parameters
    ----------
    graph : networkx.MultiGraph
        As `landscape_graph` makes it (landtopo/landscape/schema.py lists the attributes); other
        attributes are kept, with types inferred from their values.

    Raises
    ------
    InvalidArgument
        The graph is not a landscape graph, or an attribute does not fit its column.
    """
    given: object = graph
    if not isinstance(given, nx.MultiGraph) or given.is_directed():
        raise InvalidArgument(
            "The 'graph' argument of prepare must be an undirected networkx.MultiGraph; "
            f"got {type(graph).__name__}."
        )
    raw_nodes = _raw_nodes(graph)
    raw_edges = _raw_edges(graph)
    columns: list[Column] = []
    records: dict[Owner, list[Record]] = {}
    raw: tuple[tuple[Owner, list[Record]], ...] = (
        ("graph", [dict(graph.graph)]),
        ("node", raw_nodes),
        ("edge", raw_edges),
    )
    for owner, rows in raw:
        known = _columns(owner, rows, energies=MODEL in graph.graph)
        records[owner] = [_record(known, row) for row in rows]
        present = {name for record in records[owner] for name in record}
        columns += [column for column in known if column.name in present]
    nodes, edges = records["node"], records["edge"]
    return Prepared(
        columns=tuple(columns),
        attributes=records["graph"][0],
        nodes=tuple(nodes),
        edges=tuple(edges),
        node_looks=node_looks(nodes),
        edge_looks={record["id"]: edge_look(record) for record in edges},
    )


_DIGITS = frozenset("0123456789")


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key by which w6-f2 comes before w6-f10, and w6 before w10."""
    pieces = filter(None, re.split("([0-9]+)", text))
    # Numbers by length and digits, of any length; at the end, what tells 7 from 07.
    numbered = [
        (1, len(piece.lstrip("0")), piece.lstrip("0")) if piece[0] in _DIGITS else (2, 0, piece)
        for piece in pieces
    ]
    return [*numbered, (0, 0, text)]


def _raw_nodes(graph: nx.MultiGraph[str]) -> list[Record]:
    for node in graph:
        if not is_plain_name(node):
            raise InvalidArgument(
                "The 'graph' argument of prepare must have printable texts as node ids; "
                f"got {node!r}."
            )
    return [{**graph.nodes[node], "id": node} for node in sorted(graph, key=natural_key)]


def _raw_edges(graph: nx.MultiGraph[str]) -> list[Record]:
    found: dict[str, Record] = {}
    for first, second, key, data in graph.edges(keys=True, data=True):
        if not is_plain_name(key) or key in found or key in graph:
            raise InvalidArgument(
                "The 'graph' argument of prepare must have printable texts as edge keys that occur "
                f"only once among all edges and nodes; got {key!r}."
            )
        ends = data.get("from_id", first), data.get("to_id", second)
        if not all(isinstance(end, str) for end in ends) or set(ends) != {first, second}:
            raise InvalidArgument(
                f"The edge '{key}' of the 'graph' argument of prepare must join its from_id and "
                f"to_id, {ends[0]} and {ends[1]}; it joins {first} and {second}."
            )
        found[key] = {**data, "id": key, "from_id": ends[0], "to_id": ends[1]}
    return [found[key] for key in sorted(found, key=natural_key)]


def _columns(owner: Owner, rows: list[Record], *, energies: bool) -> list[Column]:
    known = list(columns_of(owner, energies=energies))
    names = {name for row in rows for name in row} - {column.name for column in known}
    for name in names:
        if not is_plain_name(name) or name in DRAWN[owner]:
            raise InvalidArgument(
                f"The attributes of {owner}s in the 'graph' argument of prepare must have "
                f"printable texts as names, none of them {listed(DRAWN[owner])}; got {name!r}."
            )
    for name in sorted(names):
        kind = infer_type(row[name] for row in rows if name in row)
        known.append(Column(owner, name, kind, "", ""))
    return known


def _record(columns: list[Column], row: Record) -> Record:
    record: Record = {}
    for column in columns:
        name = f" '{row['id']}'" if "id" in row else ""
        where = f"The attribute '{column.name}' of {column.owner}{name}"
        value = plain(row.get(column.name), column.type, where)
        if value is not None:
            if not has_its_form(column.owner, column.name, value):
                raise InvalidArgument(
                    f"{where} is not built as landscape_graph builds it (docs/file-formats.md)."
                )
            record[column.name] = value
        elif column.required:
            raise InvalidArgument(f"{where} is missing, so this is not a landscape graph.")
    return record
