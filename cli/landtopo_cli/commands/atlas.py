"""`landtopo atlas`."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landtopo_cli.options import Whole, cluster_option, json_option

if TYPE_CHECKING:
    from landtopo.models.networks.atlas.entries import AtlasEntry

__all__ = ["command"]

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    "atlas",
    epilog="""\b
Examples
  landtopo atlas list
  landtopo atlas build atlas --only relu.o2 --only relu.o3
  landtopo atlas build atlas --jobs 2
""",
)
@click.argument("action", type=click.Choice(["build", "list"]))
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--only", metavar="STEM", multiple=True, help="An entry of the list; may be given again."
)
@click.option("--entries", metavar="FILE", type=_FILE, help="A list of one's own (JSON).")
@click.option(
    "--labels",
    metavar="FILE",
    type=_FILE,
    help="labels.json of an earlier atlas, whose families keep their numbers.  [default: that of "
    "the folder]",
)
@click.option(
    "--date",
    metavar="YYYY-MM-DD",
    help="Date of publication; all else being equal, the same date gives the same bytes.  "
    "[default: today]",
)
@click.option("--seed", metavar="S", type=Whole(0), default=0, help="Root seed.  [default: 0]")
@click.option("--jobs", metavar="J", type=Whole(1, 1024), default=1, help="Threads.  [default: 1]")
@cluster_option
@json_option
@click.option("--quiet", is_flag=True, help="No progress, notes or warnings.")
def command(
    action: str,
    folder: Path | None,
    only: tuple[str, ...],
    entries: Path | None,
    labels: Path | None,
    date: str | None,
    seed: int,
    jobs: int,
    cluster: str | None,
    as_json: bool,
    quiet: bool,
) -> int | None:
    """Build a site of landscapes and families under permanent labels, or list what it shows.

    A page for each landscape and each family: loss, symmetry, overlaps, curvatures, ways out, what
    one more neuron makes of it, a certificate, and the command that makes it again; a first page
    with a search by words, loss and index; and all data in one archive. The pages load nothing from
    outside. Graphs are kept in FOLDER.work one by one, so that an interrupted build goes on, and
    the list can be worked off in pieces with --only. Needs python-flint.
    """
    from landtopo.models.networks.atlas.build import build_atlas
    from landtopo.models.networks.atlas.entries import ENTRIES, chosen, entries_from_file
    from landtopo.run import Run
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.terminal import progress

    known = ENTRIES if entries is None else entries_from_file(entries)
    if action == "list":
        if folder is not None:
            raise click.UsageError("'landtopo atlas list' takes no FOLDER.")
        _show(chosen(known, only), as_json)
        return None
    if folder is None:
        raise click.UsageError("Missing argument 'FOLDER'.")
    listener = progress(quiet)
    run = Run.checked("atlas", seed=seed, jobs=jobs, cluster=cluster, progress=listener)
    try:
        built = build_atlas(
            folder,
            entries=known,
            only=only,
            date=datetime.datetime.now(datetime.UTC).date().isoformat() if date is None else date,
            labels=labels,
            run=run,
            told=None if quiet else lambda text: click.echo(text, err=True),
        )
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted; what was finished is kept in '{folder}.work', and the same command goes "
            "on from there.",
            err=True,
        )
        raise
    record = {
        "folder": str(built.folder),
        "landscapes": built.landscapes,
        "families": built.families,
        "passes": built.passes,
        "missing": list(built.missing),
    }
    _print(
        record,
        f"{built.landscapes} landscapes with {built.families} families of minima and "
        f"{built.passes} passes are in '{built.folder}'."
        + (f" {len(built.missing)} entries are still to be built." if built.missing else ""),
        as_json,
    )
    return INCOMPLETE if built.missing and not only else None


def _show(entries: tuple[AtlasEntry, ...], as_json: bool) -> None:
    from dataclasses import asdict

    from landtopo_cli.tables import table

    header = ("stem", "teacher", "activation", "widths")
    rows = [
        (entry.stem, entry.teacher, entry.activation, f"{entry.first}:{entry.last}")
        for entry in entries
    ]
    _print([asdict(entry) for entry in entries], table(header, rows), as_json)


def _print(record: object, text: str, as_json: bool) -> None:
    from landtopo_cli.tables import plain_json

    click.echo(plain_json(record) if as_json else text)
