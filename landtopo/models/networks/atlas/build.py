"""Building an atlas: graphs one by one, each kept as soon as it is there, then all pages."""

from __future__ import annotations

import datetime
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from landtopo._version import __version__
from landtopo.checks import checked_instance, shown
from landtopo.errors import InvalidArgument
from landtopo.export.files import read_graph, write_bytes, write_graph
from landtopo.landscape.build import landscape_graph
from landtopo.landscape.schema import LINEAGE
from landtopo.models.networks.atlas.crate import METADATA, archive, metadata
from landtopo.models.networks.atlas.entries import ENTRIES, AtlasEntry, chosen
from landtopo.models.networks.atlas.html import SCRIPT, STYLE, asset
from landtopo.models.networks.atlas.labels import Known, numbered, read_labels
from landtopo.models.networks.atlas.pages import Chart, first_page, pages_of, search_rows
from landtopo.models.networks.points.reduced import reduce_network
from landtopo.models.networks.problem import TeacherStudent
from landtopo.proofs.certificate_file import prove_point
from landtopo.proofs.enclosures import require_flint
from landtopo.run import Run
from landtopo.shown import Brief
from landtopo.study import Study
from landtopo.tolerances import TIED_DIGITS

__all__ = ["Atlas", "build_atlas"]

_LABELS = "labels.json"
_ARCHIVE = "atlas.zip"
# Ways that lead over a point; flat ones do not.
_WITH_STATES = ("saddle", "corner")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Atlas(Brief):
    """What was built.

    Attributes
    ----------
    folder : Path
    landscapes, families, passes : int
    missing : tuple of str
        Stems of entries whose graphs are still to be made.
    """

    folder: Path
    landscapes: int
    families: int
    passes: int
    missing: tuple[str, ...]


def build_atlas(
    folder: str | os.PathLike[str],
    *,
    entries: Sequence[AtlasEntry] = ENTRIES,
    only: Sequence[str] = (),
    date: str,
    labels: str | os.PathLike[str] | None = None,
    run: Run | None = None,
    told: Callable[[str], None] | None = None,
) -> Atlas:
    """Build the pages of an atlas, and the graphs that are still missing for them.

    Graphs and proofs are kept in a folder beside that of the atlas, ``FOLDER.work``: a call that
    was interrupted goes on where it was, and entries can be built one by one. The same entries,
    date, seed and versions give the same bytes, however the work was split.

    Parameters
    ----------
    folder : path-like
        For the pages; made if need be.
    entries : sequence of AtlasEntry
    only : sequence of str
        Stems of the entries whose graphs are made now; all if empty. Pages show every entry whose
        graph is there.
    date : str
        Of publication, YYYY-MM-DD; it stands in the description of the archive.
    labels : path-like, optional
        ``labels.json`` of an earlier atlas; that of `folder` by default.
    run : Run, optional
        Seed, jobs, cluster and progress.
    told : callable, optional
        Is given a sentence when an entry is finished.

    Returns
    -------
    Atlas

    Raises
    ------
    InvalidArgument
        If an argument cannot be used.
    LandtopoError
        If python-flint is missing.

    Examples
    --------
    >>> import os
    >>> import tempfile
    >>> import landtopo as lt
    >>> two = lt.AtlasEntry(stem="relu.o2", teacher="orthonormal:2", first=2, last=2, starts=50)
    >>> place = os.path.join(tempfile.mkdtemp(), "atlas")
    >>> built = lt.build_atlas(place, entries=[two], date="2026-01-01")  # needs python-flint
    >>> built.families, os.path.exists(os.path.join(place, "relu.o2.k2", "f1.html"))
    (1, True)
    """
    for entry in entries:
        checked_instance("entries", "build_atlas", entry, AtlasEntry)
    wanted = chosen(entries, only)
    if not _is_date(checked_instance("date", "build_atlas", date, str)):
        raise InvalidArgument(
            f"The 'date' argument of build_atlas must be a day, YYYY-MM-DD; got {shown(date)}."
        )
    require_flint()
    run = Run() if run is None else run
    place = Path(folder)
    before = place / _LABELS if labels is None else Path(labels)
    known = read_labels(before) if labels is not None or before.exists() else {}
    work = place.with_name(place.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    for entry in wanted:
        if not _kept(work, entry, run.seed):
            _make(work, entry, run)
            if told is not None:
                told(f"{entry.stem}: {_counted(read_graph(_graph_file(work, entry)))}.")
    ready = [entry for entry in entries if _kept(work, entry, run.seed)]
    charts = [_chart(work, entry, known) for entry in ready]
    rows = [row for chart in charts for row in search_rows(chart)]
    _write(place, charts, rows, known, date)
    families = sum(row["what"] == "minimum" for row in rows)
    return Atlas(
        folder=place,
        landscapes=sum(len(entry.widths) for entry in ready),
        families=families,
        passes=len(rows) - families,
        missing=tuple(entry.stem for entry in entries if entry not in ready),
    )


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _graph_file(work: Path, entry: AtlasEntry) -> Path:
    return work / f"{entry.stem}.json"


def _proof_file(work: Path, entry: AtlasEntry) -> Path:
    return work / f"{entry.stem}.proofs.json"


def _key(entry: AtlasEntry, seed: int) -> dict[str, Any]:
    return {"landtopo": __version__, "seed": seed, "entry": asdict(entry)}


def _kept(work: Path, entry: AtlasEntry, seed: int) -> bool:
    """Whether graph and proofs of an entry are there, made by this version of it."""
    place = _proof_file(work, entry)
    if not place.exists():
        return False
    return bool(json.loads(place.read_text("utf-8"))["key"] == _key(entry, seed))


def _make(work: Path, entry: AtlasEntry, run: Run) -> None:
    """Graph and proofs of an entry; the proofs come last and say that both are there."""
    teacher = entry.subject()
    study = work / f"{entry.stem}.landtopo"
    with Study.resume(study, teacher, seed=run.seed) as journal:
        graph = landscape_graph(
            teacher,
            entry.widths,
            starts=entry.starts,
            seed=run.seed,
            jobs=run.jobs,
            cluster=run.cluster,
            journal=journal,
            progress=run.progress,
        )
    write_graph(graph, _graph_file(work, entry))
    proofs = {name: _proof(entry, graph.nodes[name]) for name in sorted(graph)}
    content = json.dumps({"key": _key(entry, run.seed), "proofs": proofs})
    write_bytes(_proof_file(work, entry), content.encode())
    study.unlink()


def _proof(entry: AtlasEntry, node: dict[str, Any]) -> dict[str, Any] | str:
    """The certificate of a family, or why there is none."""
    teacher = entry.subject()
    if entry.activation != "relu":
        return "none: points are proved for ReLU only"
    if node["flat_dimension"] != 0:
        return "none: only isolated points are proved"
    reduced = reduce_network(np.array(node["weights"]), teacher.rank).vectors
    proof = prove_point(TeacherStudent(teacher, width=len(reduced)), reduced)
    return f"none: {proof.status}" if proof.record is None else proof.record


def _counted(graph: nx.MultiGraph[str]) -> str:
    passes = sum(data["kind"] != LINEAGE for *_, data in graph.edges(data=True))
    return f"{len(graph)} families and {passes} passes"


def _chart(work: Path, entry: AtlasEntry, known: Known) -> Chart:
    """What the pages of an entry are made of; takes note of its labels."""
    graph = read_graph(_graph_file(work, entry))
    labels: dict[str, str] = {}
    for width in entry.widths:
        problem = TeacherStudent(entry.subject(), width=width)
        landscape = entry.label(width)
        families = {name: data for name, data in graph.nodes(data=True) if data["width"] == width}
        passes = {
            data["id"]: data
            for *_, data in graph.edges(data=True)
            if data["kind"] in _WITH_STATES and data["from_id"] in families
        }
        taken: dict[str, dict[str, Any]] = {}
        for letter, records in (("f", families), ("t", passes)):
            names = sorted(records, key=partial(_place, records))
            had = {
                label: point
                for label, point in known.get(landscape, {}).items()
                if label.rpartition(".")[2].startswith(letter)
            }
            points = [
                {
                    "loss": records[name]["loss"],
                    "weights": np.asarray(records[name]["weights"]).tolist(),
                }
                for name in names
            ]
            found, now = numbered(problem, landscape, letter, points, had)
            labels.update(zip(names, found, strict=True))
            taken.update(now)
        known[landscape] = taken
    proofs = json.loads(_proof_file(work, entry).read_text("utf-8"))["proofs"]
    return Chart.of(entry, graph, labels, proofs)


def _place(records: Mapping[str, Any], name: str) -> tuple[float, int]:
    """By loss, and where losses tie by the number in the graph."""
    return round(records[name]["loss"], TIED_DIGITS), int(name.rpartition("-")[2][1:])


def _write(
    place: Path, charts: Sequence[Chart], rows: list[dict[str, Any]], known: Known, date: str
) -> None:
    """All files of the atlas; those that an earlier one had and this one has not are removed."""
    files: dict[str, bytes] = {STYLE: asset(STYLE).encode(), SCRIPT: asset(SCRIPT).encode()}
    files[_LABELS] = (json.dumps(known, sort_keys=True) + "\n").encode()
    for chart in charts:
        files.update((path, content.encode()) for path, content in pages_of(chart))
    files.update((path, text.encode()) for path, text in first_page(charts, rows, _ARCHIVE))
    place.mkdir(parents=True, exist_ok=True)
    (place / "data").mkdir(exist_ok=True)
    for chart in charts:
        for suffix in (".json", ".graphml"):
            name = f"data/{chart.entry.stem}{suffix}"
            (written,) = write_graph(chart.graph, place / name)
            files[name] = written.read_bytes()
    ordered = sorted(files.items())
    commands = [chart.command for chart in charts]
    sizes = [(path, len(content)) for path, content in ordered]
    described = metadata(sizes, date=date, commands=commands).encode()
    for path in _described(place):
        if path not in files:
            (place / path).unlink(missing_ok=True)
    for path, content in ordered:
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != content:
            write_bytes(target, content)
    packed = [(path, content) for path, content in ordered if not path.endswith((".html", ".js"))]
    write_bytes(place / _ARCHIVE, archive([*packed, (METADATA, described)]))
    write_bytes(place / METADATA, described)


def _described(place: Path) -> list[str]:
    """Files that the atlas in a folder says it has."""
    try:
        graph = json.loads((place / METADATA).read_text("utf-8"))["@graph"]
    except (OSError, ValueError, KeyError):
        return []
    paths = [str(part["@id"]) for part in graph if part.get("@type") == "File"]
    return [path for path in paths if ".." not in Path(path).parts and not Path(path).is_absolute()]
