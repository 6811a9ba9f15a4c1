"""Commands for a model that is no network: `--model` in place of a teacher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo_cli.tables import loss_text, number, plain_json, table
from landtopo_cli.terminal import progress

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.models.smooth import FunctionSearch, SmoothModel
    from landtopo.objective import Array
    from landtopo.points.stationary import FunctionFamily
    from landtopo.progress import Progress

__all__ = ["run"]

_STEM = "landscape"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A model and the shared options; None where one was not given."""

    model: SmoothModel
    starts: int | None
    seed: int
    jobs: int
    cluster: str | None
    as_json: bool
    quiet: bool

    @property
    def progress(self) -> Progress:
        """Bars on a terminal."""
        return progress(self.quiet)

    @property
    def search(self) -> dict[str, Any]:
        """Arguments of every search."""
        return {
            **{"starts": self.starts, "seed": self.seed, "jobs": self.jobs},
            **{"cluster": self.cluster, "progress": self.progress},
        }

    def answer(self, record: Callable[[], Any], text: Callable[[], str]) -> None:
        """Print the result on stdout."""
        click.echo(plain_json(record()) if self.as_json else text())

    def note(self, text: str) -> None:
        """Tell a person something on stderr."""
        if not self.quiet:
            click.echo(text, err=True)


def run(command: str, shared: Mapping[str, Any], more: Mapping[str, Any]) -> int | None:
    """A command for a model.

    Parameters
    ----------
    command : str
        Its name.
    shared : mapping
        The options that all commands have, `model` among them.
    more : mapping
        The command's own; those that are for networks must not be given.
    """
    from landtopo.models.named import named_model

    if command not in _COMMANDS:
        raise click.UsageError(f"--model is for {', '.join(sorted(_COMMANDS))}.")
    for name in ("teacher", "activation", "outputs", "width", "widths", "dim"):
        if shared[name] is not None:
            raise click.UsageError(f"--{name} is for networks; leave it out beside --model.")
    if shared["study"] is not None:
        raise click.UsageError(
            "-o names a study, and studies hold networks only; a graph of a model is kept with "
            "--out-dir."
        )
    action, known = _COMMANDS[command]
    for name, value in more.items():
        if name not in (*known, "cluster") and value not in (None, (), False):
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for networks; leave it out beside --model."
            )
    asked = _Asked(
        model=named_model(shared["model"]),
        starts=shared["starts"],
        seed=shared["seed"] or 0,
        jobs=shared["jobs"] or 1,
        cluster=more.get("cluster"),
        as_json=shared["as_json"],
        quiet=shared["quiet"],
    )
    return action(asked, **{name: more[name] for name in known})


def _graph(asked: _Asked, out_dir: Path | None, force: bool) -> int | None:
    from landtopo.landscape.build import landscape_graph
    from landtopo.landscape.metrics import components
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.graphs import graph_record, graph_text

    if out_dir is not None:
        out_dir.mkdir(parents=True, exist_ok=True)
        for file in _outputs(out_dir):
            if file.exists() and not force:
                raise click.UsageError(f"'{file}' exists; give --force to overwrite it.")
    graph = landscape_graph(asked.model, **asked.search)
    if out_dir is not None:
        _write(out_dir, graph)
        asked.note(f"{len(_outputs(out_dir))} files were written to '{out_dir}'.")
    asked.answer(lambda: graph_record(graph), lambda: graph_text(graph))
    if not graph:
        asked.note("No minimum was found; try more --starts.")
    return None if len(components(graph)) == 1 else INCOMPLETE


def _outputs(folder: Path) -> list[Path]:
    """Every file that a graph is written to."""
    from landtopo.export.files import output_files

    files = [file for suffix in _suffixes() for file in output_files(folder / f"{_STEM}{suffix}")]
    return [*files, *(folder / f"tree{suffix}" for suffix in (".pdf", ".png"))]


def _suffixes() -> list[str]:
    """Of the formats that hold a landscape of energies."""
    from landtopo.export.files import known_formats

    return [suffix for suffix in known_formats() if suffix != ".html"]


def _write(folder: Path, graph: nx.MultiGraph[str]) -> None:
    from landtopo import plot
    from landtopo.export import write_graph
    from landtopo_cli.pictures import drawing

    for suffix in _suffixes():
        write_graph(graph, folder / f"{_STEM}{suffix}")
    if graph:
        with drawing(folder / "tree"):
            drawn = plot.tree(graph)
            for suffix in (".pdf", ".png"):
                plot.save(drawn, folder / f"tree{suffix}")


def _minima(asked: _Asked) -> int | None:
    from landtopo.models.searches import find_minima
    from landtopo_cli.app import INCOMPLETE

    found = find_minima(asked.model, **asked.search)
    asked.answer(partial(_search_record, found), partial(_search_text, found))
    return None if found.families else INCOMPLETE


def _saddles(asked: _Asked, index: str | None) -> int | None:
    from landtopo.models.searches import find_saddles
    from landtopo.numerals import whole_number

    try:
        wanted = whole_number(index or "1")
    except ValueError:
        raise click.BadParameter(
            f"'{index}' must be a whole number for a model.", param_hint="--index"
        ) from None
    found = find_saddles(asked.model, index=wanted, **asked.search)
    asked.answer(partial(_search_record, found), partial(_search_text, found))
    return None


def _path(asked: _Asked, from_end: str, to_end: str) -> int | None:
    from landtopo.models.connections import connect
    from landtopo_cli.app import INCOMPLETE

    points = _points(asked, (from_end, to_end))
    path = connect(
        asked.model, points[from_end], points[to_end], seed=asked.seed, progress=asked.progress
    )
    asked.answer(
        lambda: {"from": from_end, "to": to_end, **path.as_dict()},
        lambda: "\n\n".join(
            [
                f"{asked.model.name}, from {from_end} to {to_end}: {path.status}",
                table(
                    ("highest", "barrier from", "barrier to", "steps"),
                    [
                        (
                            loss_text(path.highest_loss) if path.verified else "-",
                            number(path.barrier_from if path.verified else None),
                            number(path.barrier_to if path.verified else None),
                            str(len(path.transition_states)),
                        )
                    ],
                ),
            ]
        ),
    )
    return None if path.verified else INCOMPLETE


def _flat(asked: _Asked, names: tuple[str, ...], files: tuple[Path, ...]) -> int | None:
    from landtopo.models.flat import flat_directions

    wanted = (*names, *map(str, files))
    points = _points(asked, wanted) if wanted else {f.id: f.x for f in _all(asked)}
    reports = {name: flat_directions(asked.model, x) for name, x in points.items()}
    asked.answer(
        lambda: [
            {
                "id": name,
                "flat_dimension": report.flat_dimension,
                "nullity": report.point.nullity,
                "gauge": report.point.gauge,
                "directions": [str(kind) for kind in report.kinds],
                "disagreements": list(report.disagreements),
            }
            for name, report in reports.items()
        ],
        lambda: table(
            ("point", "value", "flat", "null", "gauge"),
            [
                (
                    name,
                    loss_text(report.point.value),
                    str(report.flat_dimension),
                    str(report.point.nullity),
                    str(report.point.gauge),
                )
                for name, report in reports.items()
            ],
        ),
    )
    return None


def _all(asked: _Asked) -> tuple[FunctionFamily, ...]:
    from landtopo.models.searches import find_minima

    found = find_minima(asked.model, **asked.search)
    return (*found.families, *found.others)


def _points(asked: _Asked, names: tuple[str, ...]) -> dict[str, Array]:
    """Points by the id of a minimum that a search finds, or by the name of a file."""
    from landtopo.errors import InvalidArgument
    from landtopo.models.networks.teacher_files import matrix_from_file

    found: dict[str, Array] = {}
    waiting = []
    for name in names:
        if Path(name).suffix in (".npy", ".csv", ".json"):
            found[name] = matrix_from_file(name, keys=("coordinates",))
        else:
            waiting.append(name)
    if waiting:
        known = {family.id: family.x for family in _all(asked)}
        known |= {"lowest": known["min0"]} if "min0" in known else {}
        for name in waiting:
            if name not in known:
                raise InvalidArgument(
                    f"'{name}' is none of the points that were found: {', '.join(known)}."
                )
            found[name] = known[name]
    return found


def _search_record(found: FunctionSearch) -> dict[str, Any]:
    statuses = [status.name.lower() for status in found.attempts.status]
    return {
        "model": found.model,
        "search": {
            **found.search,
            "attempts": {name: statuses.count(name) for name in dict.fromkeys(statuses)},
            "coverage": found.coverage.record(),
        },
        "families": [family.record() for family in found.families],
        "others": [family.record() for family in found.others],
    }


def _search_text(found: FunctionSearch) -> str:
    rows = [
        (
            family.id,
            loss_text(family.loss),
            number(float(family.point.eigenvalues[0])),
            str(family.point.index),
            str(family.point.nullity),
            str(family.count),
            str(family.orbit_size),
            family.description,
        )
        for family in (*found.families, *found.others)
    ]
    header = ("id", "value", "smallest eigenvalue", "index", "null", "count", "copies", "what")
    parts = [f"{found.model}", found.coverage.sentence(family="critical point")]
    if "derivatives" in found.search:
        parts[1] += f" Derivatives are made of {found.search['derivatives']}."
    return "\n\n".join([parts[0], *([table(header, rows)] if rows else []), parts[1]])


#: What a command does for a model, and which of its own options it has there.
_COMMANDS: dict[str, tuple[Callable[..., int | None], tuple[str, ...]]] = {
    "graph": (_graph, ("out_dir", "force")),
    "minima": (_minima, ()),
    "saddles": (_saddles, ("index",)),
    "path": (_path, ("from_end", "to_end")),
    "flat": (_flat, ("names", "files")),
}
