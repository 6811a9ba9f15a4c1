"""The points that a command works on: those of the study, of a new search, or of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from landtopo.errors import InvalidArgument
from landtopo.texts import name_of

if TYPE_CHECKING:
    from landtopo.models.networks.points.search import SearchResult
    from landtopo.objective import Array
    from landtopo_cli.request import Work

__all__ = [
    "Known",
    "chosen_points",
    "known_minima",
    "known_saddles",
    "search_minima",
    "start_from",
    "store_search",
    "weights_from",
]

_SEARCH_OPTIONS = (
    "cluster",
    "starts",
    "jobs",
    "method",
    "init",
    "step",
    "until_coverage",
    "time_limit",
)


class Known(NamedTuple):
    """A point with its name: the representative of a family, or what a file holds."""

    id: str
    weights: Array


def search_minima(work: Work, width: int) -> SearchResult:
    """Search for minima with the options that the command was given, and store what was found."""
    from landtopo.models.networks.points.search import find_minima

    options = {name: work.options[name] for name in _SEARCH_OPTIONS if name in work.options}
    found = find_minima(
        work.problem(width),
        seed=work.seed,
        journal=work.journal,
        progress=work.progress,
        **options,
    )
    store_search(work, found)
    return found


def store_search(work: Work, found: SearchResult) -> None:
    """Put every attempt of a search for minima and its families into the study, if there is one."""
    if work.study is not None:
        work.study.save_search(
            "minima",
            f"{found.search['method']} from {found.search['init']}",
            found.attempts,
            (*found.families, *found.others),
            found.search,
        )


def known_minima(work: Work, width: int) -> list[Known]:
    """Families of minima at a width, by increasing loss.

    They are those that the study knows, or else those of a new search.
    """
    from landtopo_cli.shared import stored_minima

    study = work.study
    if study is not None:
        stored = stored_minima(study, width)
        if stored:
            graph = study.has_graph and any(
                data["width"] == width for data in study.graph().nodes.values()
            )
            holds = f"a graph of width {width}" if graph else f"minima of width {width}"
            work.refuse_starts(f"the study has {holds}")
            return [Known(*one) for one in stored]
    minima = search_minima(work, width).families
    if not minima:
        raise InvalidArgument(f"No minimum was found at width {width}; try more --starts.")
    return [Known(family.id, family.weights) for family in minima]


def known_saddles(work: Work, width: int) -> list[Known]:
    """Families of saddles that the study knows at a width: of searches, and between its minima."""
    from landtopo.models.networks.points.families import FamilyIndex
    from landtopo.points.records import Kind

    study = work.study
    if study is None:
        return []
    found = [
        family
        for at, source in study.searches("saddles")
        if at == width
        for family in study.families(width, source)
        if family.point.kind is Kind.SADDLE
    ]
    index = FamilyIndex(study.problem(width), found)
    edges = study.graph().edges.values() if study.has_graph else ()
    passes = [
        Known(data["id"], data["weights"])
        for data in edges
        if data["kind"] == "saddle" and len(data["weights"]) == width
    ]
    return [
        *(Known(family.id, family.weights) for family in found),
        *(one for one in passes if index.find(one.weights) is None),
    ]


def chosen_points(
    work: Work,
    width: int,
    names: tuple[str, ...],
    files: tuple[Path, ...],
    *,
    saddles: bool = False,
) -> list[Known]:
    """The families of the given ids (all when neither ids nor files are given), and the files.

    They are minima; on demand also saddles that the study knows.
    """
    points = [weights_from(file, width) for file in files]
    if files and not names:
        work.refuse_starts("the points are those of the files")
    if names or not files:
        known = known_minima(work, width)
        if saddles:
            known += known_saddles(work, width)
        missing = set(names) - {family.id for family in known}
        if missing:
            shown = ", ".join(family.id for family in known)
            raise click.UsageError(f"There is no family {min(missing)}; known: {shown}.")
        points += [family for family in known if not names or family.id in names]
    return points


def weights_from(file: str | Path, width: int) -> Known:
    """Weights from an .npy, .csv or .json file, one neuron a row."""
    from landtopo.models.networks.teacher_files import matrix_from_file

    weights = matrix_from_file(file, keys=("weights",))
    if weights.ndim != 2 or len(weights) != width:
        raise click.UsageError(
            f"'{file}' must hold {width} rows, one a neuron; its shape is {weights.shape}."
        )
    return Known(name_of(file), weights)


def start_from(work: Work, width: int, file: Path | None) -> Known:
    """The start of one trajectory: a draw of the start distribution, or what a file holds."""
    if file is not None:
        return weights_from(file, width)
    from landtopo.models.networks.starts import draw_start, parse_distribution, start_generator

    init, run = work.options.get("init", "gaussian:1"), work.options.get("run", 0)
    generator = start_generator(work.seed, width, run)
    weights = draw_start(work.problem(width), parse_distribution(init), generator)
    return Known(f"{init}, draw {run}, seed {work.seed}", weights)
