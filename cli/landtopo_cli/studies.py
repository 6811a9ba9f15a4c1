"""A study as people and as programs read it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from landtopo.wording import UNKNOWN, counted
from landtopo_cli.families import family_table
from landtopo_cli.graphs import graph_record, graph_text
from landtopo_cli.models import flat_table, path_table, point_table
from landtopo_cli.paths import path_record
from landtopo_cli.request import INFINITE
from landtopo_cli.tables import loss_text, number, table

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.models.networks.paths.record import PathRecord
    from landtopo.study import NamedPath, Study
    from landtopo.study.integrity import StudyCheck

__all__ = ["check_record", "check_text", "study_record", "study_text"]


def check_record(found: StudyCheck) -> dict[str, Any]:
    """What a check of a study found, in JSON."""
    return {
        "study": str(found.path),
        "format_version": found.version,
        "has_checksums": found.has_checksums,
        "rows": found.rows,
        "sound": found.sound,
        "faults": [fault._asdict() for fault in found.faults],
    }


def check_text(found: StudyCheck) -> str:
    """What a check of a study found, for people."""
    lines = [f"The {fault.place} {fault.what}." for fault in found.faults]
    if found.faults:
        things = "1 thing is" if len(lines) == 1 else f"{len(lines)} things are"
        lines.append(f"{found.path}: {things} damaged; use a copy of the study, or make it anew.")
    elif found.has_checksums:
        lines.append(f"{found.path}: all {found.rows} rows are as they were written.")
    else:
        lines.append(
            f"{found.path}: all {found.rows} rows can be read; landtopo 0.1.0 wrote them without "
            "checksums, so that only 'landtopo verify' can tell whether a number was altered."
        )
    return "\n".join(lines)


def study_record(study: Study) -> dict[str, Any]:
    """A study in JSON, without the single attempts."""
    graph = study.graph() if study.has_graph else None
    return {
        "study": str(study.path),
        **_subject_record(study),
        "seed": study.seed,
        "created": study.created,
        "upgraded": study.upgraded or None,
        "sessions": [asdict(session) for session in study.sessions()],
        "searches": [
            {
                **({"width": width} if study.model is None else {}),
                "source": source,
                "starts": len(study.attempts(width, source)),
                "families": [family.record() for family in study.families(width, source)],
            }
            for width, source in study.searches()
        ],
        "paths": [_path_record(path) for path in study.paths()],
        **({} if study.model is None else {"flat_directions": _flat_rows(study, graph)}),
        "graph": None if graph is None else graph_record(graph),
    }


def _path_record(path: NamedPath) -> dict[str, Any]:
    from landtopo.models.networks.paths.record import PathRecord

    if isinstance(path.record, PathRecord):
        return path_record(path.record, path.from_id, path.to_id)
    return {"from": path.from_id, "to": path.to_id, **path.record.as_dict()}


def _flat_rows(study: Study, graph: nx.MultiGraph[str] | None) -> list[dict[str, Any]]:
    """What is known of the null directions of points of a model, with the ids these have."""
    rows = [study.recall(key) for key in study.steps("flat/")]
    known = [] if graph is None else [*graph.nodes.values(), *graph.edges.values()]
    names = {tuple(data["coordinates"]): data["id"] for data in known if "coordinates" in data}
    return [{"id": names.get(tuple(row["coordinates"]), UNKNOWN), **row} for row in rows]


def _subject_record(study: Study) -> dict[str, Any]:
    """What a study is about, in JSON."""
    if study.model is not None:
        return {
            "model": study.model.name,
            "sha256": study.model.digest or None,
            "coordinates": study.model.size,
        }
    return {
        "teacher": study.teacher.title,
        "teacher_neurons": study.teacher.size,
        "rank": study.teacher.rank,
        "gram": study.teacher.gram.tolist(),
        "dim": INFINITE if study.dim is None else study.dim,
    }


def study_text(study: Study) -> str:
    """A study for people."""
    runs = study.sessions()
    parts = [f"{study.path}: {_subject_text(study)}, seed {study.seed}"]
    if study.upgraded:
        parts[0] += (
            f"\nwritten by landtopo 0.1.0, which made no checksums; has them since {study.upgraded}"
        )
    if runs:
        last = runs[-1]
        ended = f"ended {last.ended}" if last.ended else "did not end, or runs still"
        parts[0] += (
            f"\ncreated {study.created}; runs: {len(runs)}, the last '{last.command}' with "
            f"landtopo {last.versions['landtopo']}, {ended}"
        )
    graph = study.graph() if study.has_graph else None
    if graph is not None:
        parts.append(graph_text(graph))
    parts += _searches(study, graph)
    paths = study.paths()
    if paths and study.model is not None:
        parts += ["Paths", path_table((path.from_id, path.to_id, path.record) for path in paths)]
    elif paths:
        parts += ["Paths", _paths(paths)]
    if study.model is not None and (rows := _flat_rows(study, graph)):
        parts += ["Null directions", flat_table(rows)]
    if len(parts) == 1:
        parts.append(f"Nothing is complete yet; {len(study.steps())} steps are finished.")
    return "\n\n".join(parts)


def _subject_text(study: Study) -> str:
    if study.model is not None:
        file = f", SHA-256 of the file {study.model.digest[:12]}" if study.model.digest else ""
        return f"model {study.model.name} ({study.model.size} coordinates{file})"
    dim = "any dimension" if study.dim is None else f"dim {study.dim}"
    return f"teacher {study.teacher.title} (rank {study.teacher.rank}), inputs of {dim}"


def _searches(study: Study, graph: nx.MultiGraph[str] | None) -> list[str]:
    """The searches whose points are not in the graph."""
    parts = []
    if study.model is not None:
        for stage, source in study.searches("saddles" if graph is not None else None):
            starts = len(study.attempts(stage, source))
            points = point_table(study.families(stage, source))
            parts += [f"{counted(starts, 'start')}, {source}", points]
        return parts
    in_graph = set() if graph is None else {data["width"] for _, data in graph.nodes(data=True)}
    for width, source in study.searches():
        if width not in in_graph:
            starts = len(study.attempts(width, source))
            parts.append(f"Width {width}: {starts} starts, {source}")
            parts.append(family_table(study.families(width, source), starts))
    return parts


def _paths(paths: list[Any]) -> str:
    header = (
        "width",
        "from",
        "to",
        "permutation",
        "highest loss",
        "barrier from",
        "barrier to",
        "pass",
        "verified",
    )
    return table(
        header,
        (
            (
                str(path.record.problem.width),
                path.from_id,
                path.to_id,
                path.permutation,
                *_heights(path.record),
                "yes" if path.record.verified else "no",
            )
            for path in paths
        ),
    )


def _heights(path: PathRecord) -> tuple[str, str, str, str]:
    """Highest loss, barriers and pass; an unfinished path has none."""
    if not path.verified or path.kind is None:
        return UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN
    return (
        loss_text(path.highest_loss),
        number(path.barrier_from),
        number(path.barrier_to),
        path.kind,
    )
