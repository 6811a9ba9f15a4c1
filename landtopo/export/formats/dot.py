"""DOT, for Graphviz.

Graphviz gives its own meaning to names such as width and dim, so ours carry the prefix lt_.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landtopo.export.format import CREATOR, Format, edge_rows, graph_row, node_rows
from landtopo.export.prepare import Prepared

__all__ = ["FORMAT"]

# Points per drawing unit: with them a picture of a few widths fits a page.
_SCALE = 0.5
_POINTS_PER_INCH = 72.0

# What Graphviz is told in its own words.
_DRAWN = ("x", "y", "y_even", "color")


def _write(prepared: Prepared) -> Mapping[str, bytes]:
    lines = [f"// {CREATOR}", "// neato -n2 -Tsvg draws the positions below."]
    lines += [
        f"// lt_{column.name} ({column.owner}, {column.type}"
        + (f", {column.unit}" if column.unit else "")
        + f"): {column.meaning}"
        for column in prepared.columns
    ]
    attributes = graph_row(prepared)
    del attributes["columns"]
    lines.append("graph landscape {")
    lines.append(f"  graph [{_attributes({'outputorder': 'edgesfirst'}, attributes)}];")
    lines.append('  node [style="filled", fontcolor="#000000", fixedsize="true"];')
    for row in node_rows(prepared):
        look = prepared.node_looks[row["id"]]
        diameter = f"{look.size / _POINTS_PER_INCH:.4f}"
        drawn = {
            "pos": f"{look.x * _SCALE:.3f},{look.y * _SCALE:.3f}!",
            "shape": look.shape,
            "fillcolor": look.color,
            "width": diameter,
            "height": diameter,
            "label": "",
            "xlabel": row["id"],
        }
        lines.append(f"  {_quoted(row['id'])} [{_attributes(drawn, row)}];")
    for row in edge_rows(prepared):
        edge = prepared.edge_looks[row["id"]]
        drawn = {"color": edge.color, "style": edge.line, "penwidth": str(edge.thickness)}
        ends = f"{_quoted(row['from_id'])} -- {_quoted(row['to_id'])}"
        lines.append(f"  {ends} [{_attributes(drawn, row)}];")
    lines.append("}")
    return {".dot": ("\n".join(lines) + "\n").encode()}


def _attributes(drawn: Mapping[str, str], row: Mapping[str, Any]) -> str:
    ours = {f"lt_{name}": _text(value) for name, value in row.items() if name not in _DRAWN}
    return ", ".join(
        f"{name if name.isascii() and name.isidentifier() else _quoted(name)}={_quoted(value)}"
        for name, value in {**drawn, **ours}.items()
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


FORMAT = Format(suffix=".dot", title="DOT (Graphviz)", write=_write, files=(".dot",))
