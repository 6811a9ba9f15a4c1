"""What a graph is of and who made it: against the study, and by form what has no other source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np

from landtopo.errors import LandtopoError
from landtopo.landscape.schema import FORMAT_VERSION, INFINITE
from landtopo.models.networks.problem import Teacher
from landtopo.study.verification.checks import Check, Comparison
from landtopo.study.verification.known import Checker, Known
from landtopo.study.verification.leaves import compare_leaves
from landtopo.study.verification.searches import is_distribution
from landtopo.study.verification.stored import Record

__all__ = ["CHECKERS", "FAILED_PAIRS", "SESSION", "check_teacher"]

# Gram matrices, relative to their largest entry.
_GRAM = 1e-12
_VERSION = r"\d+\.\d+[\w.+-]*"


def check_teacher(compare: Comparison, known: Known, gram: Any, vectors: Any) -> Iterator[Check]:
    """Gram matrix and vectors of the study's teacher."""
    teacher = known.teacher
    close = _GRAM * float(np.abs(teacher.gram).max())
    rows = np.asarray(vectors, dtype=np.float64)
    yield from compare.close("gram", teacher.gram, close)
    yield from compare.close("vectors", teacher.vectors, 0.0)
    products = rows @ rows.T if rows.ndim == 2 else np.zeros(0)
    same = products.shape == teacher.gram.shape and np.abs(products - gram).max() <= close
    yield from compare.claim("gram", "the products of the vectors", bool(same), stored="gram")
    yield from compare.claim("vectors", "those of the Gram matrix", bool(same), stored="vectors")


def check_name(compare: Comparison, known: Known, field: str, name: str) -> Iterator[Check]:
    """The teacher's name, and that it makes this teacher where it is one that makes one."""
    same = name == known.teacher.title
    try:
        made = Teacher.from_spec(name)
        same = same and np.allclose(made.gram, known.teacher.gram, rtol=0, atol=1e-12)
    except LandtopoError:
        pass
    yield from compare.claim(field, known.teacher.title, bool(same))


def _check_graph(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    study = known.study
    yield from compare.equal("format_version", FORMAT_VERSION)
    versions = {session.versions.get("landtopo") for session in study.sessions()}
    good = stored.get("landtopo_version") in versions
    shown = " or ".join(sorted(str(version) for version in versions))
    yield from compare.claim("landtopo_version", shown, good)
    yield from check_name(compare, known, "teacher", str(stored.get("teacher")))
    yield from check_teacher(compare, known, stored["gram"], stored["vectors"])
    yield from compare.equal("dim", INFINITE if study.dim is None else str(study.dim))
    yield from compare.equal("seed", study.seed)
    widths = sorted({int(text) for text in stored.get("starts", {})})
    met = {len(data["weights"]) for data in known.graph.nodes.values()}
    good = list(stored.get("widths", [])) == widths and met <= set(widths)
    yield from compare.claim("widths", widths, good)


def _check_found_by(known: Known, record: Record) -> Iterator[Check]:
    """A start distribution, a search of the graph, or what was done to a family of the graph."""
    stored = record.values
    if "found_by" not in stored:
        return
    compare, text = known.compare(record), str(stored["found_by"])
    width = len(stored["weights"]) if record.kind == "node" else known.node(record.within[0]).width
    searched = known.graph.graph.get("transition_search", {}).get(str(width), {})
    used = {str(name) for name in searched.get("outcomes", {})}
    added = re.fullmatch(r"(zero neuron|split) added to (\S+)", text)
    if added is not None:
        good = added[2] in known.graph and known.node(added[2]).width == width - 1
    elif record.kind == "node" and int(stored.get("count", 0)):
        init = known.graph.graph["start_search"].get(str(width), {}).get("init")
        good = text == init and is_distribution(text)
    else:
        good = text in used
    yield from compare.claim("found_by", "a search that the graph knows", good)


def _check_session(known: Known, record: Record) -> Iterator[Check]:
    compare, stored = known.compare(record), record.values
    numbers = [session.number for session in known.study.sessions()]
    good = stored["number"] in numbers and record.name == f"session {stored['number']}"
    yield from compare.claim("number", "its place", good)
    started, ended = _time(stored["started"]), _time(stored["ended"])
    yield from compare.claim("started", "a time", started is not None)
    late = started is not None and ended is not None and ended >= started
    yield from compare.claim("ended", "a later time, or nothing", stored["ended"] == "" or late)
    command = stored["command"]
    good = re.fullmatch(r"[a-z]*", command) is not None
    yield from compare.claim("command", "a command", good)
    options = stored["options"]
    good = isinstance(options, dict) and all(re.fullmatch(r"[a-z_]+", name) for name in options)
    yield from compare.claim("options", "names of options", bool(good))
    versions = stored["versions"]
    needed = {"landtopo", "python", "numpy", "scipy", "numba", "networkx", "machine"}
    good = isinstance(versions, dict) and needed <= set(versions) and all(
        name == "machine" or re.fullmatch(_VERSION, text) for name, text in versions.items()
    )  # fmt: skip
    yield from compare.claim("versions", "versions of what computes", bool(good))


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _check_failed(known: Known, record: Record) -> Iterator[Check]:
    """Pairs of families that nothing joins."""
    import networkx as nx

    compare = known.compare(record)
    for width, pairs in record.values.get("failed_pairs", {}).items():
        within = known.graph.subgraph(known.nodes_at(int(width)))
        for place, pair in enumerate(pairs):
            name = f"failed_pairs.{width}.{place}"
            ends = pair["from_id"], pair["to_id"]
            apart = all(end in within for end in ends) and not nx.has_path(within, *ends)
            yield from compare.claim(name, "families that nothing joins", apart, stored=str(pair))
            tried = isinstance(pair["tries"], int) and pair["tries"] > 0
            yield from compare.claim(f"{name}.tries", "at least 1", tried, stored=pair["tries"])
    if "failed_pairs" not in record.values:
        return
    yield from compare_leaves(
        compare,
        "failed_pairs",
        sorted(record.values["failed_pairs"]),
        sorted(set(record.values["failed_pairs"]) & set(record.values.get("starts", {}))),
    )


_OF_GRAPH = ("format_version", "landtopo_version", "teacher", "gram", "vectors", "dim", "widths",
             "seed")  # fmt: skip

FAILED_PAIRS = Checker(covers={"graph": ("failed_pairs",)}, run=_check_failed)
SESSION = Checker(
    covers={"Session": ("number", "started", "ended", "command", "options", "versions")},
    run=_check_session,
    form={"Session": ("started", "ended", "command", "options", "versions")},
)
CHECKERS = (
    Checker(covers={"graph": _OF_GRAPH}, run=_check_graph),
    FAILED_PAIRS,
    Checker(covers={"node": ("found_by",), "edge": ("found_by",)}, run=_check_found_by),
    SESSION,
)
