"""The files that a graph, a picture of runs or a sweep is written to, next to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import call
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo.errors import LandtopoError
from landtopo.processes import on_processes
from landtopo_cli.pictures import REACHED, draw, draw_reached, drawing, lowest_pass

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes

    from landtopo.models.networks.dynamics.reachability import Reachability
    from landtopo.models.networks.sweeps.result import SweepResult
    from landtopo.study import Study

__all__ = [
    "Outputs",
    "check_outputs",
    "check_reached",
    "check_swept",
    "write_outputs",
    "write_reached",
    "write_swept",
]

_STEM = "landscape"
_SWEEP = "sweep"
# The one format that is told here which pictures lie beside it.
_PAGE = ".md"
# The one format that takes as long as a picture.
_LONGEST = ".html"
_PICTURES = (".pdf", ".png")


@dataclass(frozen=True, slots=True)
class Outputs:
    """What was written, and a sentence for each picture that could not be drawn."""

    files: tuple[Path, ...] = ()
    failed: tuple[str, ...] = ()


def check_outputs(
    folder: Path, widths: tuple[int, ...], study: Study | None, *, force: bool
) -> None:
    """Make the folder, and refuse before the work what would be refused after it.

    A file that this study wrote and nobody changed may be replaced; another only by force.

    Parameters
    ----------
    folder : Path
    widths : tuple of int
        Nothing for a model.
    study : Study or None
    force : bool
    """
    _check(folder, _outputs(folder, widths), study, force)


def check_reached(folder: Path, study: Study | None, *, force: bool) -> None:
    """The same for the picture of what training reaches."""
    _check(folder, _reached(folder), study, force)


def write_outputs(
    folder: Path,
    graph: nx.MultiGraph[str],
    widths: tuple[int, ...],
    study: Study | None,
    jobs: int = 1,
) -> Outputs:
    """Write the graph in every format, a page, and then the pictures that say something.

    A picture that cannot be drawn costs nothing but itself.
    """
    from landtopo.export import known_formats, write_graph

    announced = _outputs(folder, widths)
    _announce(announced, study)
    written: list[Path] = []
    for suffix in known_formats():
        if suffix not in {_PAGE, _LONGEST}:
            written += write_graph(graph, folder / f"{_STEM}{suffix}")
    pictures = {
        name: what for name, what in _names(widths).items() if _says_something(graph, *what)
    }
    page = folder / f"{_STEM}{_PAGE}"
    tasks = [
        (partial(_write_longest, graph, folder / f"{_STEM}{_LONGEST}"),),
        (partial(_write_page, graph, page, pictures),),
        *((partial(_picture, graph, folder / name, *what),) for name, what in pictures.items()),
    ]
    found = dict(on_processes(jobs, call, tasks))
    (clicked, _), (shown, _), *drawn = [found[number] for number in range(len(tasks))]
    written += [*clicked, *shown, *(file for files, _ in drawn for file in files)]
    failed = {name: why for name, (_, why) in zip(pictures, drawn, strict=True) if why}
    if failed:
        left = {name: what for name, what in pictures.items() if name not in failed}
        _write_page(graph, page, left)
    _remember(announced, written, study)
    return Outputs(tuple(written), tuple(failed.values()))


def _write_longest(graph: nx.MultiGraph[str], place: Path) -> tuple[tuple[Path, ...], str]:
    """The offline page."""
    from landtopo.export import write_graph

    return tuple(write_graph(graph, place)), ""


def _write_page(
    graph: nx.MultiGraph[str], page: Path, pictures: Mapping[str, tuple[str, int | None]]
) -> tuple[tuple[Path, ...], str]:
    """The page, with pictures by their names."""
    from landtopo.export import prepare, report, write_bytes

    shown = {what: f"{name}{_PICTURES[-1]}" for name, what in pictures.items()}
    write_bytes(page, report(prepare(graph), shown).encode())
    return (page,), ""


def _picture(
    graph: nx.MultiGraph[str], place: Path, kind: str, width: int | None
) -> tuple[tuple[Path, ...], str]:
    """A picture in every format, or why it cannot be drawn."""
    try:
        return _files(place, partial(draw, kind, graph, width=width)), ""
    except (click.ClickException, LandtopoError) as error:
        return (), str(error)


def write_reached(folder: Path, results: Sequence[Reachability], study: Study | None) -> Outputs:
    """Write the picture of what training reaches at each width."""
    announced = _reached(folder)
    _announce(announced, study)
    files: tuple[Path, ...] = ()
    failed: tuple[str, ...] = ()
    try:
        files = _files(folder / REACHED, partial(draw_reached, results))
    except (click.ClickException, LandtopoError) as error:
        failed = (str(error),)
    _remember(announced, files, study)
    return Outputs(files, failed)


def check_swept(folder: Path, study: Study | None, *, force: bool) -> None:
    """The same for the files of a sweep."""
    _check(folder, _swept(folder), study, force)


def write_swept(folder: Path, found: SweepResult, study: Study | None) -> Outputs:
    """Write the page of a sweep, its data, the graph of its families, and then the picture."""
    from landtopo import plot
    from landtopo.export.sweeps import SWEEP_SUFFIXES, write_sweep

    announced = _swept(folder)
    _announce(announced, study)
    files = tuple(write_sweep(found, folder / f"{_SWEEP}{suffix}") for suffix in SWEEP_SUFFIXES)
    failed: tuple[str, ...] = ()
    try:
        files += _files(folder / _SWEEP, partial(plot.bifurcations, found))
    except (click.ClickException, LandtopoError) as error:
        failed = (str(error),)
    _remember(announced, files, study)
    return Outputs(files, failed)


def _swept(folder: Path) -> list[Path]:
    """The files of a sweep."""
    from landtopo.export.sweeps import SWEEP_SUFFIXES

    return [folder / f"{_SWEEP}{suffix}" for suffix in (*SWEEP_SUFFIXES, *_PICTURES)]


def _check(folder: Path, files: Sequence[Path], study: Study | None, force: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        if file.exists() and not force and not _is_ours(file, study):
            raise click.UsageError(f"'{file}' exists; give --force to overwrite it.")


def _outputs(folder: Path, widths: tuple[int, ...]) -> list[Path]:
    """Every file that a graph may be written to."""
    from landtopo.export.files import known_formats, output_files

    files = [
        file for suffix in known_formats() for file in output_files(folder / f"{_STEM}{suffix}")
    ]
    return files + [folder / f"{name}{suffix}" for name in _names(widths) for suffix in _PICTURES]


def _reached(folder: Path) -> list[Path]:
    """The files of the picture of what training reaches."""
    return [folder / f"{REACHED}{suffix}" for suffix in _PICTURES]


def _announce(files: Sequence[Path], study: Study | None) -> None:
    """Say that files are about to be written: should that be killed, what is there is ours."""
    if study is not None:
        with study.together():
            for file in files:
                study.remember(_key(file), {"sha256": None})


def _remember(announced: Sequence[Path], written: Sequence[Path], study: Study | None) -> None:
    """Note what is ours now; what was announced and not written is nobody's."""
    if study is not None:
        with study.together():
            for file in announced:
                study.remember(_key(file), {"sha256": _hash(file) if file in written else ""})


def _says_something(graph: nx.MultiGraph[str], kind: str, width: int | None) -> bool:
    """Whether there is anything to draw; one family whose copies join nowhere makes no tree."""
    from landtopo.export.tables import copies_of

    if kind == "profile":
        return lowest_pass(graph, width) is not None
    families = [name for name in graph if width is None or graph.nodes[name]["width"] == width]
    if kind != "tree" or len(families) != 1:
        return bool(families)
    copies = None if width is None else copies_of(graph, width)
    return copies is not None and len(copies.levels) > 1


def _files(place: Path, picture: Callable[[], Axes]) -> tuple[Path, ...]:
    from landtopo.plot import save

    files = tuple(place.with_name(place.name + suffix) for suffix in _PICTURES)
    with drawing(place):
        drawn = picture()
        return tuple(save(drawn, file) for file in files)


def _names(widths: tuple[int, ...]) -> dict[str, tuple[str, int | None]]:
    """The pictures: kind and width by name."""
    if not widths:
        return {"tree": ("tree", None), "profile": ("profile", None)}
    names: dict[str, tuple[str, int | None]] = {
        "graph": ("graph", None),
        "widths": ("widths", None),
    }
    for width in widths:
        names[f"tree-{width}"] = ("tree", width)
        names[f"profile-{width}"] = ("profile", width)
    return names


def _is_ours(file: Path, study: Study | None) -> bool:
    known = None if study is None else study.recall(_key(file))
    return known is not None and known["sha256"] in (None, _hash(file))


def _key(file: Path) -> str:
    return f"written/{file.name}"


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
