"""Where a landscape graph comes from: a study, a file that `landtopo export` wrote, a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import networkx as nx

    from landtopo.models.networks.paths.record import PathRecord
    from landtopo.objective import Array

__all__ = [
    "check_directory",
    "check_files",
    "check_folder",
    "graph_from",
    "is_graph_file",
    "last_line",
    "last_path",
    "reachability_from",
    "source_argument",
]

_SQLITE = b"SQLite format 3\0"

source_argument = click.argument(
    "source", metavar="STUDY", type=click.Path(path_type=Path, exists=True)
)


def is_graph_file(source: Path) -> bool:
    """Whether this is a graph that was exported, whatever it is called, and no study."""
    from landtopo.export.files import known_formats

    if source.is_dir():
        return True
    with source.open("rb") as stream:
        begins = stream.read(len(_SQLITE))
    return source.suffix.lower() in known_formats() and begins != _SQLITE


def graph_from(source: Path) -> nx.MultiGraph[str]:
    """The graph of a study, of a .json, .graphml or .gexf file, or of a directory."""
    from landtopo.export import read_graph
    from landtopo.study import Study

    if is_graph_file(source):
        return read_graph(source)
    with Study.open(source) as study:
        return study.graph()


def last_path(source: Path) -> PathRecord | None:
    """The path that was stored last, if the source is a study of networks that has one."""
    from landtopo.models.networks.paths.record import PathRecord
    from landtopo.study import Study

    if is_graph_file(source):
        return None
    with Study.open(source) as study:
        paths = [path.record for path in study.paths() if isinstance(path.record, PathRecord)]
    return paths[-1] if paths else None


def last_line(source: Path) -> list[Array]:
    """The points of the path that was stored last, if a study has one and it is complete."""
    from landtopo.study import Study

    if is_graph_file(source):
        return []
    with Study.open(source) as study:
        records = [path.record for path in study.paths()]
    return [record.points for record in records[-1:] if record.verified]


def reachability_from(source: Path) -> list[dict[str, Any]]:
    """Where runs ended at each width, from a study that has such runs."""
    from landtopo.study import Study
    from landtopo_cli.reached import stored_reachability

    if is_graph_file(source):
        raise click.UsageError(
            f"'{source}' is a graph; a picture of kind reached is made from a study."
        )
    with Study.open(source) as study:
        records = stored_reachability(study)
    if not records:
        raise click.UsageError(
            f"The study '{source}' has no runs yet; 'landtopo reach -o {source}' makes them."
        )
    return records


def check_directory(folder: Path, layout: str, force: bool) -> None:
    """A usage error, before any work, if a database could not be written there.

    Parameters
    ----------
    folder : Path
        A directory, or a place for one.
    layout : str
    force : bool
        Its files may exist.
    """
    from landtopo.export.directories import known_layouts

    check_folder(folder)
    for name in known_layouts()[layout].files:
        if (folder / name).exists() and not force:
            raise click.UsageError(f"'{folder / name}' exists; give --force to overwrite it.")


def check_folder(folder: Path) -> None:
    """A usage error if this is no folder and no place for one."""
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"'{folder}' cannot be written: it is a file, and no folder.")
    if not folder.exists() and not folder.parent.is_dir():
        raise click.UsageError(
            f"'{folder}' cannot be written: there is no folder '{folder.parent}'."
        )


def check_files(files: tuple[Path, ...], force: bool) -> None:
    """A usage error, before any work, if one of the files could not be written.

    Parameters
    ----------
    files : tuple of Path
        What will be written; none may exist unless forced, and their folders must.
    force : bool
    """
    for file in files:
        if not file.parent.is_dir():
            raise click.UsageError(
                f"'{file}' cannot be written: there is no folder '{file.parent}'."
            )
        if file.is_dir():
            raise click.UsageError(f"'{file}' cannot be written: it is a folder.")
        if file.exists() and not force:
            raise click.UsageError(f"'{file}' exists; give --force to overwrite it.")
