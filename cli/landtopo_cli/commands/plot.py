"""`landtopo plot`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo_cli.options import WIDTH, Positive, force_option
from landtopo_cli.pictures import (
    KINDS,
    MAP,
    REACHED,
    TREE,
    draw,
    draw_path,
    draw_reached,
    drawing,
)
from landtopo_cli.sources import (
    check_files,
    graph_from,
    last_line,
    last_path,
    reachability_from,
    source_argument,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from landtopo.models.networks.paths.record import PathRecord

__all__ = ["command"]


@click.command(
    "plot",
    epilog="""\b
Examples
  landtopo plot six.landtopo --kind widths -o widths.pdf
  landtopo plot six.landtopo --kind tree --width 6 -o tree.svg
  landtopo plot six.landtopo --kind map --width 6 -o map.pdf
  landtopo plot DIRECTORY --kind tree --importance 0.5 -o tree.pdf
  landtopo plot six.landtopo --kind spectrum --name w6-f0 --name w6-f1 -o spectra.png
  landtopo plot six.landtopo --kind profile --name w6-t0 -o profile.pdf
  landtopo plot reach.landtopo --kind reached -o reached.pdf
  landtopo plot six.landtopo --kind path -o path.pdf
""",
)
@source_argument
@click.option(
    "--kind",
    type=click.Choice(sorted([*KINDS, TREE, MAP, REACHED, "path"])),
    required=True,
    help="tree: which families join at which loss, at one width; widths: loss against width; "
    "graph: families and passes of all widths; map: families and passes of one width in the plane, "
    "by their distances modulo symmetry, with the path stored last; spectrum: Hessian "
    "eigenvalues; profile: loss along a path; path: loss and overlaps of every neuron along the "
    "path stored last; reached: where "
    "the runs of 'landtopo reach' ended, against width.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path),
    help="Ends in .pdf, .svg or .png.",
)
@click.option("--width", metavar="K", type=WIDTH, help="For tree, map, spectrum and profile.")
@click.option(
    "--name",
    "names",
    metavar="ID",
    multiple=True,
    help="Families of a spectrum, or the transition of a profile; without it, the path that "
    "'landtopo path' stored last, or the lowest pass.",
)
@click.option(
    "--importance",
    metavar="BARRIER",
    type=Positive(),
    help="For a tree: leave out minima whose barrier to a lower one is below this. Without it, the "
    "1000 most important ones are drawn.",
)
@force_option
def command(
    source: Path,
    kind: str,
    output: Path,
    width: int | None,
    names: tuple[str, ...],
    importance: float | None,
    force: bool,
) -> int | None:
    """Draw a study, or a graph file, for a paper: vector output, embedded fonts.

    A directory with the files of PATHSAMPLE or topsearch can be drawn as a tree.
    """
    from landtopo.plot import save
    from landtopo.plot.style import picture_format
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.paths import missing

    if importance is not None and kind != TREE:
        raise click.UsageError(f"--importance does nothing in a picture of kind {kind}.")
    check_files((output,), force)
    path = _path(source, width, names) if kind == "path" else None
    with drawing(output):
        picture_format(output)
        drawn = (
            _picture(source, kind, width, names, importance) if path is None else draw_path(path)
        )
        save(drawn, output)
    click.echo(output)
    if path is None or path.verified:
        return None
    for sentence in missing(path, output):
        click.echo(sentence, err=True)
    return INCOMPLETE


def _path(source: Path, width: int | None, names: tuple[str, ...]) -> PathRecord:
    if width is not None or names:
        raise click.UsageError(
            "A picture of kind path shows the path stored last; leave out --width and --name."
        )
    path = last_path(source)
    if path is None:
        raise click.UsageError(
            "A picture of kind path shows the path that 'landtopo path -o STUDY' stored last; "
            "there is none here."
        )
    return path


def _picture(
    source: Path,
    kind: str,
    width: int | None,
    names: tuple[str, ...],
    importance: float | None,
) -> Axes | Figure:
    if kind == REACHED:
        return draw_reached(reachability_from(source), width=width, names=names)
    if kind == MAP:
        lines = last_line(source)
        return draw(kind, graph_from(source), width=width, names=names, lines=lines)
    stored = kind == "profile" and not names and width is None
    path = last_path(source) if stored else None
    graph = None if path is not None else graph_from(source)
    return draw(kind, graph, width=width, names=names, path=path, importance=importance)
