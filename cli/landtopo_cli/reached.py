"""Reachability as people read it, and as a study keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from landtopo_cli.families import problem_line
from landtopo_cli.tables import loss_text, table

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.models.networks.dynamics.reachability import Reachability, Share
    from landtopo.study import Study

__all__ = ["keep_reachability", "put_on_graph", "reach_text", "stored_reachability"]


_WITHOUT_END = {
    "diverged": "left for good: steps were too long for it",
    "unfinished": "did not come to rest within the limits",
}


def reach_text(results: Sequence[Reachability]) -> str:
    """Families by width, then the shares by anti-aligned neurons side by side."""
    parts = []
    for found in results:
        parts.append(
            f"{problem_line(found.problem)}: {found.runs} runs by {found.options} from "
            f"{found.init}, seed {found.seed}; intervals of {100 * found.confidence:.0f} %."
        )
        parts.append(_families(found))
    parts.append("Runs that end in minima with so many anti-aligned neurons, in percent:")
    parts.append(_by_anti_aligned(results))
    return "\n\n".join(parts)


def keep_reachability(study: Study, found: Reachability) -> None:
    """Store every run, and the fractions on the nodes of the study's graph if it has one."""
    with study.together():
        study.save_search(
            "reachability", found.attempts.source, found.attempts, found.families, found.record()
        )
        if study.has_graph:
            graph = study.graph()
            put_on_graph(study, graph)
            study.save_graph(graph)


def stored_reachability(study: Study) -> list[dict[str, Any]]:
    """What a picture needs of the latest runs of each width that the study keeps."""
    from landtopo.points.coverage import binomial_interval
    from landtopo.points.records import Status

    records = {}
    for width, source in study.searches("reachability"):
        families = study.families(width, source)
        status = study.attempts(width, source).status
        runs, diverged = len(status), status.count(Status.DIVERGED)
        reached_global = sum(family.count for family in families if family.is_global)
        low, high = binomial_interval(reached_global, runs)
        records[width] = {
            "teacher": study.teacher.title,
            "dim": study.dim,
            "width": width,
            "source": source,
            "runs": runs,
            "unfinished": runs - diverged - sum(family.count for family in families),
            "diverged": diverged,
            "families": [
                {
                    "is_global": family.is_global,
                    "kind": str(family.point.kind),
                    "anti_aligned": family.anti_aligned,
                    "fraction": family.count / runs,
                }
                for family in families
            ],
            "global": {"fraction": reached_global / runs, "low": low, "high": high},
        }
    return [records[width] for width in sorted(records)]


def put_on_graph(study: Study, graph: nx.MultiGraph[str]) -> None:
    """Give the nodes what the study knows of reachability; the latest runs of a width count.

    The graph says under `reachability` where the runs of each width started and what they followed.
    """
    from landtopo.models.networks.points.families import FamilyIndex
    from landtopo.points.coverage import binomial_interval

    sources: dict[str, str] = {}
    for width, source in study.searches("reachability"):
        families = study.families(width, source)
        index = FamilyIndex(study.problem(width), families)
        runs = len(study.attempts(width, source))
        nodes = [data for data in graph.nodes.values() if data["width"] == width]
        for data in nodes:
            number = index.find(data["weights"])
            count = 0 if number is None else families[number].count
            data["reachability"] = count / runs
            data["reachability_low"], data["reachability_high"] = binomial_interval(count, runs)
        if nodes:
            sources[str(width)] = f"{source}, {runs} runs"
    if sources:
        graph.graph["reachability"] = sources


def _families(found: Reachability) -> str:
    header = ("family", "kind", "loss", "runs", "share", "interval", "what it is")
    rows = [
        (
            family.id,
            str(family.point.kind),
            loss_text(family.loss),
            str(share.count),
            f"{100 * share.fraction:.2f} %",
            _interval(share),
            family.description,
        )
        for share, family in zip(found.shares(), found.families, strict=False)
    ]
    rows += [
        (
            "",
            share.label,
            "-",
            str(share.count),
            f"{100 * share.fraction:.2f} %",
            _interval(share),
            _WITHOUT_END[share.label],
        )
        for share in found.shares()[len(found.families) :]
    ]
    return table(header, rows)


def _by_anti_aligned(results: Sequence[Reachability]) -> str:
    shares = {
        found.problem.width: {share.label: share for share in found.by_anti_aligned()}
        for found in results
    }
    # Numbers in order, then what is no minimum.
    labels = sorted(
        dict.fromkeys(label for row in shares.values() for label in row),
        key=lambda label: (0, int(label)) if label.isdigit() else (1, 0),
    )
    return table(
        ("width", "global", *labels),
        (
            (
                str(found.problem.width),
                _percent(found.global_share()),
                *(
                    _percent(shares[found.problem.width].get(label) or found.share((), label))
                    for label in labels
                ),
            )
            for found in results
        ),
    )


def _percent(share: Share) -> str:
    return f"{100 * share.fraction:.2f} ({_interval(share)})"


def _interval(share: Share) -> str:
    return f"{100 * share.low:.2f}-{100 * share.high:.2f}"
