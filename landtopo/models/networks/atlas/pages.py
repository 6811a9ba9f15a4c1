"""The pages of an atlas: one for each landscape and each family, and the first page.

Pages are made of the graph of an entry, the labels and the certificates alone: no dates, no paths.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import networkx as nx
import numpy as np

from landtopo._version import __version__
from landtopo.export.assets_of import embedded
from landtopo.export.prepare import Prepared, Record, prepare
from landtopo.export.story import evidence
from landtopo.export.tables import families_of, transitions_of
from landtopo.landscape.schema import LINEAGE
from landtopo.models.networks.atlas.entries import AtlasEntry
from landtopo.models.networks.atlas.html import SCRIPT, heat, link, page, pairs, table
from landtopo.objective import Array
from landtopo.shown import Brief
from landtopo.wording import counted, exact, loss_text, number, percent

__all__ = ["Chart", "first_page", "pages_of", "search_rows"]

_DATA = "data.js"
# Eigenvalues that agree to so many digits are one with a multiplicity.
_DIGITS = 7
# What families and passes are called in a graph.
_ID = re.compile(r"\bw\d+-[ft]\d+\b")
_MEANS = {
    "loss": "population loss with the factor 1/2",
    "share": "of independent random starts, with the exact 95 % interval",
    "found by": "the first search that met it",
    "anti-aligned": "neurons whose overlap with their teacher neuron is negative",
    "symmetry": "exchanges of neurons that leave the point in place",
    "copies": "labelled minima that symmetry carries into each other",
    "flat dimension": "of the connected set of equal loss around it; 0 for an isolated minimum",
    "lowest curvature": "smallest Hessian eigenvalue in all dimensions of the inputs",
    "lowest slope": "of the loss with one more small neuron; negative if it is a way out",
    "certificate": "a proof in interval arithmetic that this point exists and is what it is called",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart(Brief):
    """Everything that the pages of an entry are made of.

    Attributes
    ----------
    entry : AtlasEntry
    graph : networkx.MultiGraph
    prepared : Prepared
        The same in plain values.
    labels : dict
        Permanent labels of families and transitions by their ids in the graph.
    proofs : dict
        Certificates by family id; a text that says why there is none in place of one.
    """

    entry: AtlasEntry
    graph: nx.MultiGraph[str]
    prepared: Prepared
    labels: Mapping[str, str]
    proofs: Mapping[str, dict[str, Any] | str]

    @classmethod
    def of(
        cls,
        entry: AtlasEntry,
        graph: nx.MultiGraph[str],
        labels: Mapping[str, str],
        proofs: Mapping[str, dict[str, Any] | str],
    ) -> Chart:
        """With the graph in plain values."""
        return cls(entry=entry, graph=graph, prepared=prepare(graph), labels=labels, proofs=proofs)

    @property
    def command(self) -> str:
        """What makes the graph of the entry again."""
        entry, attributes = self.entry, self.prepared.attributes
        activation = "" if entry.activation == "relu" else f" --activation {entry.activation}"
        starts = attributes["starts"][str(entry.first)]
        return (
            f"landtopo graph --teacher {entry.teacher}{activation} "
            f"--widths {entry.first}:{entry.last} --starts {starts} --seed {attributes['seed']} "
            "--out-dir DIRECTORY"
        )

    def labelled(self, text: str) -> str:
        """A sentence about the graph with the labels of the atlas."""
        return _ID.sub(lambda found: self.labels.get(found[0], found[0]), text)


def pages_of(chart: Chart) -> Iterator[tuple[str, str]]:
    """Paths in the folder of the atlas, and contents, of all files of an entry's landscapes."""
    for width in chart.entry.widths:
        label = chart.entry.label(width)
        yield f"{label}/index.html", _landscape(chart, width)
        for node in families_of(chart.prepared, width):
            own = chart.labels[node["id"]]
            short = own.rpartition(".")[2]
            yield f"{label}/{short}.html", _family(chart, node)
            yield f"{label}/{short}.csv", _csv(np.array(node["weights"]))
            proof = chart.proofs.get(node["id"])
            if isinstance(proof, dict):
                yield f"{label}/{short}.certificate.json", json.dumps(proof, indent=1) + "\n"


def search_rows(chart: Chart) -> list[dict[str, Any]]:
    """What the search on the first page knows of the families and passes of an entry."""
    found = []
    for width in chart.entry.widths:
        label = chart.entry.label(width)
        for node in families_of(chart.prepared, width):
            own = chart.labels[node["id"]]
            found.append(
                {
                    "label": own,
                    "href": f"{label}/{own.rpartition('.')[2]}.html",
                    "what": "minimum",
                    "loss": 0.0 if node["is_global"] else node["loss"],
                    "index": 0,
                    "symmetry": node.get("isotropy", ""),
                    "anti": node.get("anti_aligned", ""),
                    "description": node.get("description", ""),
                }
            )
        for edge in transitions_of(chart.prepared, width):
            if edge["id"] in chart.labels:
                own = chart.labels[edge["id"]]
                ends = [chart.labels[edge[name]] for name in ("from_id", "to_id")]
                found.append(
                    {
                        "label": own,
                        "href": f"{label}/index.html#{own.rpartition('.')[2]}",
                        "what": edge["kind"],
                        "loss": edge["loss"],
                        "index": edge.get("index", ""),
                        "symmetry": "",
                        "anti": "",
                        "description": f"between {ends[0]} and {ends[1]}",
                    }
                )
    return found


def first_page(
    charts: Sequence[Chart], rows: Sequence[Mapping[str, Any]], archive: str
) -> Iterator[tuple[str, str]]:
    """The first page with its search, and the data of the search."""
    yield _DATA, f'"use strict";\nconst ATLAS = {embedded(rows)};\n'
    families = sum(row["what"] == "minimum" for row in rows)
    landscapes = sum(len(chart.entry.widths) for chart in charts)
    header = ("label", "what", "loss", "index", "symmetry", "anti-aligned", "description")
    keys = ("label", "what", "loss", "index", "symmetry", "anti", "description")
    head = "".join(
        f'<th scope="col"><button type="button" data-column="{key}">{escape(name)}</button></th>'
        for key, name in zip(keys, header, strict=True)
    )
    entries = table(
        ("landscapes", "teacher", "activation", "families of minima by width"),
        (
            (
                escape(chart.entry.stem),
                escape(chart.entry.teacher),
                escape(chart.entry.activation),
                ", ".join(
                    link(
                        f"{chart.entry.label(width)}/index.html",
                        f"K = {width}: {len(families_of(chart.prepared, width))}",
                    )
                    for width in chart.entry.widths
                ),
            )
            for chart in charts
        ),
    )
    body = (
        "<p>Critical points of the population loss of two-layer networks that learn from a teacher "
        f"of two layers, on Gaussian inputs: {counted(landscapes, 'landscape')}, "
        f"{counted(families, 'family', 'families')} of minima, "
        f"{counted(len(rows) - families, 'pass', 'passes')}. Labels are permanent: a family keeps "
        f"its number, whatever is found later. All data in one file: {link(archive, archive)}."
        "</p>\n"
        '<h2>Search</h2>\n<form id="search" role="search">'
        '<label>Words <input name="text" type="search" placeholder="S_5 anti-aligned"></label>'
        '<label>Loss from <input name="least" inputmode="decimal"></label>'
        '<label>to <input name="most" inputmode="decimal"></label>'
        '<label>Index <input name="index" inputmode="numeric"></label></form>\n'
        '<p id="told" role="status">The search needs scripts; the lists below do not.</p>\n'
        f'<div class="wide"><table id="found"><thead><tr>{head}</tr></thead><tbody></tbody>'
        f"</table></div>\n<h2>Landscapes</h2>\n{entries}\n"
        "<h2>Words</h2>\n<p>A <dfn>landscape</dfn> is the loss of students of K neurons. A "
        "<dfn>family</dfn> is all minima that are one network up to permutations of neurons, "
        "symmetries of the teacher and rotations outside its span. A <dfn>pass</dfn> is a saddle "
        "of index 1, or a corner where a neuron is zero, whose two descents end in the families "
        "it joins. The <dfn>index</dfn> counts negative Hessian eigenvalues in all dimensions of "
        f"the inputs.</p>\n<p>Made by landtopo {escape(__version__)}.</p>"
    )
    yield "index.html", page("Atlas of loss landscapes", body, root="", scripts=(_DATA, SCRIPT))


def _landscape(chart: Chart, width: int) -> str:
    label = chart.entry.label(width)
    nodes = families_of(chart.prepared, width)
    passes = transitions_of(chart.prepared, width)
    families = table(
        ("family", "loss", "share of starts", "flat", "copies", "lowest curvature", "what it is"),
        (
            (
                _to(chart, node["id"], inside=True),
                loss_text(node["loss"]),
                percent(node.get("share")),
                exact(node.get("flat_dimension")),
                exact(node.get("orbit_size")),
                number(node.get("smallest_eigenvalue")),
                escape(node.get("description", "")),
            )
            for node in nodes
        ),
    )
    ways = table(
        ("pass", "kind", "from", "to", "loss", "barrier from", "barrier to", "verified"),
        (
            (
                _pass(chart, edge),
                escape(edge["kind"]),
                *(_to(chart, edge[name], inside=True) for name in ("from_id", "to_id")),
                loss_text(edge["loss"]),
                number(edge.get("barrier_from")),
                number(edge.get("barrier_to")),
                "yes" if edge.get("verified") else "no",
            )
            for edge in passes
        ),
    )
    told = evidence(chart.prepared, width)
    sure = "".join(f"<p>{escape(chart.labelled(text))}</p>" for text in told)
    neighbours = [
        link(f"../{chart.entry.label(other)}/index.html", chart.entry.label(other))
        for other in (width - 1, width + 1)
        if other in chart.entry.widths
    ]
    near = f"<p>One neuron fewer or more: {', '.join(neighbours)}.</p>" if neighbours else ""
    data = f"../data/{chart.entry.stem}"
    body = (
        f"<p>Students of K = {width} neurons, teacher <code>{escape(chart.entry.teacher)}</code>, "
        f"activation <code>{escape(chart.entry.activation)}</code>, output weights one, Gaussian "
        f"inputs of any number of dimensions.</p>{near}\n"
        f"<h2>Families of minima</h2>\n{families}\n<h2>Passes</h2>\n{ways}\n"
        f"<h2>How complete the lists are</h2>\n{sure}\n<h2>Data</h2>\n<p>"
        f"{link(data + '.json', 'graph (JSON)')}, {link(data + '.graphml', 'graph (GraphML)')}, "
        f"of all widths of {escape(chart.entry.stem)}. The same version makes them again, byte for "
        f"byte, by</p>\n<pre>{escape(chart.command)}</pre>"
    )
    return page(label, body, root="../")


def _pass(chart: Chart, edge: Record) -> str:
    """The label of a pass, which the search leads to; flat ways have none."""
    label = chart.labels.get(edge["id"])
    if label is None:
        return ""
    return f'<span id="{label.rpartition(".")[2]}">{escape(label)}</span>'


def _family(chart: Chart, node: Record) -> str:
    own = chart.labels[node["id"]]
    short = own.rpartition(".")[2]
    weights = np.array(node["weights"])
    vectors = np.array(chart.prepared.attributes["vectors"])
    rank = vectors.shape[1]
    overlap = weights[:, :rank] @ vectors.T
    facts = [
        ("loss", escape(loss_text(node["loss"]))),
        ("share", _share(node)),
        ("found by", escape(node.get("found_by", ""))),
        ("anti-aligned", exact(node.get("anti_aligned"))),
        ("symmetry", escape(node.get("isotropy", ""))),
        ("copies", exact(node.get("orbit_size"))),
        ("flat dimension", exact(node.get("flat_dimension"))),
        ("lowest curvature", number(node.get("smallest_eigenvalue"))),
        ("lowest slope", number(node.get("psi_min"))),
        ("certificate", _certificate(chart, node, short)),
    ]
    body = (
        f"<p>{escape(node.get('description', ''))}</p>\n"
        f"<p>A family of minima of {link('index.html', own.rpartition('.')[0])}. "
        f"{escape(node.get('reason', ''))}</p>\n"
        f"{pairs((name, value, _MEANS[name]) for name, value in facts)}\n"
        "<h2>Overlaps</h2>\n"
        f"{heat(weights @ weights.T, 'Q: scalar products of student neurons')}\n"
        f"{heat(overlap, 'R: of student neurons (rows) and teacher neurons')}\n"
        f"<h2>Curvatures</h2>\n{_spectrum(node)}\n"
        f"<h2>Ways out</h2>\n{_ways(chart, node)}\n"
        f"<h2>With one more neuron</h2>\n{_descendants(chart, node)}\n"
        f"<h2>Data</h2>\n<p>{link(short + '.csv', 'weights of a representative (CSV)')}; the graph "
        "holds the rest. Which family a trained network is:</p>\n"
        f"<pre>landtopo identify WEIGHTS.npy --teacher {escape(chart.entry.teacher)} "
        f"--width {node['width']}</pre>\n"
        f"<p>The graph is made by</p>\n<pre>{escape(chart.command)}</pre>"
    )
    return page(own, body, root="../")


def _share(node: Record) -> str:
    if "share" not in node:
        return "not known"
    low, high = (percent(node.get(f"share_{end}")) for end in ("low", "high"))
    return f"{percent(node['share'])} ({low} to {high})"


def _certificate(chart: Chart, node: Record, short: str) -> str:
    proof = chart.proofs.get(node["id"])
    if isinstance(proof, dict):
        return link(f"{short}.certificate.json", "certificate (JSON)")
    return escape(proof or "none")


def _spectrum(node: Record) -> str:
    values = Counter(number(value, _DIGITS) for value in sorted(node.get("eigenvalues", ())))
    return table(
        ("eigenvalue", "multiplicity"), ((value, str(times)) for value, times in values.items())
    )


def _ways(chart: Chart, node: Record) -> str:
    name = node["id"]
    edges = [
        edge
        for edge in transitions_of(chart.prepared, node["width"])
        if name in (edge["from_id"], edge["to_id"])
    ]
    if not edges:
        return "<p>No pass is known.</p>"
    rows = []
    for edge in edges:
        here = "from" if edge["from_id"] == name else "to"
        there = edge["to_id" if here == "from" else "from_id"]
        rows.append(
            (
                escape(chart.labels.get(edge["id"], "")),
                escape(edge["kind"]),
                "itself" if there == name else _to(chart, there, inside=True),
                loss_text(edge["loss"]),
                number(edge.get(f"barrier_{here}")),
            )
        )
    return table(("pass", "kind", "leads to", "loss", "barrier"), rows)


def _descendants(chart: Chart, node: Record) -> str:
    lines = [
        edge
        for edge in chart.prepared.edges
        if edge["kind"] == LINEAGE and edge["from_id"] == node["id"]
    ]
    if not lines:
        return "<p>Not followed.</p>"
    return table(
        ("operation", "neuron", "fate", "family", "part of the ways"),
        (
            (
                escape(edge.get("operation", "")),
                exact(edge.get("neuron")),
                escape(edge.get("fate", "")),
                _to(chart, edge["to_id"]),
                percent(edge.get("fraction")),
            )
            for edge in lines
        ),
    )


def _to(chart: Chart, name: str, *, inside: bool = False) -> str:
    """A link to a family from a page of its landscape, or of another one."""
    label = chart.labels[name]
    landscape, _, short = label.rpartition(".")
    return link(f"{short}.html" if inside else f"../{landscape}/{short}.html", label)


def _csv(weights: Array) -> str:
    lines: Iterable[str] = (",".join(repr(float(value)) for value in row) for row in weights)
    return "\n".join(lines) + "\n"
