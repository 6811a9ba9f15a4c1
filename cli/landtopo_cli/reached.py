"""Reachability as people read it, and as a study keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from landtopo_cli.families import problem_line
from landtopo_cli.tables import loss_text, table

if TYPE_CHECKING:
    from landtopo.dynamics.reachability import Reachability, Share
    from landtopo.study import Study

__all__ = ["keep_reachability", "reach_text"]


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
    width = found.problem.width
    with study.together():
        study.save_search(
            "reachability", found.attempts.source, found.attempts, found.families, found.record()
        )
        if study.has_graph:
            _onto_graph(study, found, width)


def _onto_graph(study: Study, found: Reachability, width: int) -> None:
    from landtopo.families import FamilyIndex

    graph = study.graph()
    index = FamilyIndex(found.problem, found.families)
    for node in graph:
        data = graph.nodes[node]
        if data["width"] == width:
            number = index.find(data["weights"])
            share = found.share([] if number is None else [found.families[number]], node)
            data["reachability"] = share.fraction
            data["reachability_low"], data["reachability_high"] = share.low, share.high
    study.save_graph(graph)


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
    if found.unfinished:
        share = found.shares()[-1]
        rows.append(("", "unfinished", "-", str(share.count), f"{100 * share.fraction:.2f} %",
                     _interval(share), "did not come to rest within the limits"))  # fmt: skip
    return table(header, rows)


def _by_anti_aligned(results: Sequence[Reachability]) -> str:
    shares = {
        found.problem.width: {share.label: share for share in found.by_anti_aligned()}
        for found in results
    }
    labels = list(dict.fromkeys(label for row in shares.values() for label in row))
    return table(
        ("width", "global", *labels),
        (
            (
                str(found.problem.width),
                _percent(found.global_share()),
                *(
                    _percent(shares[found.problem.width][label])
                    if label in shares[found.problem.width]
                    else "-"
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
