"""What the passes of a study join, proved: `landtopo certify --connections`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.errors import InvalidArgument
from landtopo.wording import listed
from landtopo_cli.certificates import in_percent
from landtopo_cli.tables import number, table

if TYPE_CHECKING:
    from landtopo.objective import Array
    from landtopo_cli.request import Request, Work

__all__ = ["connection_proofs"]

_CORNER = "A neuron is zero at this pass, which is no smooth saddle."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """A pass of a graph, and the file of its certificate, which exists if it was proved before."""

    id: str
    weights: Array
    smooth: bool
    file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What was proved of a pass, and the families that its descents end in."""

    id: str
    status: str
    proved: bool
    ends: tuple[str, ...]
    record: dict[str, Any] | None

    @property
    def loss(self) -> list[float]:
        """Bounds of the loss of the saddle."""
        from landtopo.proofs.certificate_file import loss_bounds

        return list(loss_bounds(self.record["saddle"])) if self.record else []

    @property
    def pieces(self) -> list[int]:
        """Of each tube."""
        descents = self.record["descents"] if self.record else []
        return [len(one["frusta"]["numerators"]) for one in descents]


def connection_proofs(
    request: Request, names: tuple[str, ...], folder: Path | None, force: bool
) -> int | None:
    """Prove what passes join; those whose file is there are not proved again."""
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.sources import check_folder

    if folder is not None:
        check_folder(folder)
    answers: list[_Answer] = []
    with request.work("certify") as work:
        work.refuse_starts("the passes are those of the study")
        passes = [(width, _passes(work, width, folder)) for width in work.widths]
        _check(passes, names)
        kept = {} if force else _kept(work, passes)
        if folder is not None:
            folder.mkdir(exist_ok=True)
        for width, found in passes:
            ends = _Ends(work, width, found)
            chosen = [one for one in found if not names or one.id in names]
            answers += [_answer(work, width, one, kept.get(one.id), ends) for one in chosen]
    request.answer(
        lambda: [_record(one) for one in answers],
        lambda: _text(answers),
    )
    return None if all(one.proved for one in answers) else INCOMPLETE


class _Ends:
    """The minima and passes of a width, to say which of them a descent ends in."""

    def __init__(self, work: Work, width: int, passes: Sequence[_Pass]) -> None:
        from landtopo.models.networks.points.classify import classify
        from landtopo.models.networks.points.families import FamilyIndex, describe_family
        from landtopo_cli.known import known_minima

        problem = work.problem(width)
        known = [(one.id, one.weights) for one in known_minima(work, width)]
        known += [(one.id, one.weights) for one in passes if one.smooth]
        points = [classify(problem, weights) for _, weights in known]
        self._ids = [name for name, _ in known]
        self._index = FamilyIndex(
            problem, [describe_family(problem, one, count=0, found_by="known") for one in points]
        )

    def name(self, end: dict[str, Any]) -> str:
        """Id of the family of an end's certificate."""
        from landtopo.proofs.certificate_file import centre

        found = self._index.find(centre(end))
        return "no known family" if found is None else self._ids[found]


def _passes(work: Work, width: int, folder: Path | None) -> list[_Pass]:
    """The passes of the study's graph at a width, by increasing loss."""
    study = work.study
    edges = study.graph().edges.values() if study is not None and study.has_graph else ()
    found = [
        edge
        for edge in edges
        if edge["kind"] in ("saddle", "corner") and len(edge["weights"]) == width
    ]
    return [
        _Pass(
            id=edge["id"],
            weights=edge["weights"],
            smooth=edge["kind"] == "saddle",
            file=None if folder is None else folder / f"{edge['id']}-joins.json",
        )
        for edge in sorted(found, key=lambda edge: (edge["loss"], edge["id"]))
    ]


def _check(passes: Sequence[tuple[int, list[_Pass]]], names: tuple[str, ...]) -> None:
    known = [one.id for _, found in passes for one in found]
    if not known:
        raise InvalidArgument(
            "There are no passes to prove: --connections takes those of a study's graph, which "
            "'landtopo graph -o STUDY' makes."
        )
    missing = set(names) - set(known)
    if missing:
        raise click.UsageError(f"There is no pass {min(missing)}; known: {', '.join(known)}.")


def _kept(work: Work, passes: Sequence[tuple[int, list[_Pass]]]) -> dict[str, dict[str, Any]]:
    """Certificates that are there already; a file of anything else is refused."""
    from landtopo.proofs.certificate_file import prove_point

    kept = {}
    for width, found in passes:
        for one in found:
            if one.file is None or not one.file.exists():
                continue
            try:
                record = json.loads(one.file.read_text(encoding="utf-8"))
                saddle = record["saddle"] if record["descents"] else None
            except (ValueError, TypeError, LookupError):
                saddle = None
            if saddle is None or saddle != prove_point(work.problem(width), one.weights).record:
                raise click.UsageError(
                    f"'{one.file}' exists and is no certificate of {one.id}; give --force to "
                    "overwrite it."
                )
            kept[one.id] = record
    return kept


def _answer(
    work: Work, width: int, one: _Pass, kept: dict[str, Any] | None, ends: _Ends
) -> _Answer:
    from landtopo.proofs.connection_file import ConnectionStatus, prove_connection

    record, status = kept, _CORNER
    if kept is not None:
        lowest = all("minimum" in x for x in kept["descents"])
        status = (ConnectionStatus.FOUND if lowest else ConnectionStatus.FOUND_SADDLE).value
    elif one.smooth:
        with in_percent(work.progress, f"{one.id}: descents enclosed, in percent") as enclosed:
            proof = prove_connection(work.problem(width), one.weights, progress=enclosed)
        record, status = proof.record, proof.status.value
        if record is not None and one.file is not None:
            proof.write(one.file)
    descents = [] if record is None else record["descents"]
    points = [x["minimum"] if "minimum" in x else x["saddle"] for x in descents]
    return _Answer(
        id=one.id,
        status=status,
        proved=record is not None,
        ends=tuple(ends.name(x) for x in points),
        record=record,
    )


def _record(one: _Answer) -> dict[str, Any]:
    return {
        "id": one.id,
        "status": one.status,
        "proved": one.proved,
        "ends": list(one.ends),
        "loss_bounds": one.loss,
        "pieces": one.pieces,
    }


def _text(answers: Sequence[_Answer]) -> str:
    rows = [
        (
            one.id,
            listed(list(one.ends)) if one.proved else "-",
            number(one.loss[0], 12) if one.proved else "-",
            " + ".join(map(str, one.pieces)) or "-",
            one.status,
        )
        for one in answers
    ]
    return table(("pass", "joins", "loss at least", "pieces", "what"), rows)
