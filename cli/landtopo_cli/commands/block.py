"""`landtopo block`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from landtopo.numerals import real_number, whole_number
from landtopo_cli.options import json_option

__all__ = ["command"]


def _anti_aligned(
    context: click.Context, option: click.Parameter, value: str | None
) -> int | str | None:
    if value is None:
        return None
    try:
        return value if value == "all" else whole_number(value)
    except ValueError:
        raise click.BadParameter(f"'{value}' is neither a whole number nor all.") from None


def _size(context: click.Context, option: click.Parameter, value: str) -> float:
    try:
        return real_number(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


@click.command(
    "block",
    epilog="""\b
Examples
  landtopo block --anti-aligned 1 --size 6 --onset
  landtopo block --anti-aligned all --size 1e7 --json
  landtopo block --anti-aligned 3 --extra spread --size 17.5
  landtopo block --weights point.npy --size 12 --onset
""",
)
@click.option(
    "--anti-aligned",
    metavar="P|all",
    callback=_anti_aligned,
    help="Neurons with a negative overlap with their own teacher vector.",
)
@click.option(
    "--extra",
    type=click.Choice(["spread", "opposed"]),
    help="One neuron more than teacher vectors: over the directions of the anti-aligned ones, with "
    "positive overlaps (spread), or opposed to the same teacher vectors.",
)
@click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In place of the number of anti-aligned neurons: a critical point, one neuron a row, on "
    "the axes of the teacher vectors; the largest block that can be exchanged grows.",
)
@click.option(
    "--size",
    metavar="K|REAL",
    required=True,
    callback=_size,
    help="Teacher vectors, up to 1e9; any number.",
)
@click.option(
    "--onset",
    is_flag=True,
    help="Also all sizes where an eigenvalue is zero, the one from which on it is a minimum, and "
    "where it turns back.",
)
@click.option("--expansion", is_flag=True, help="Also the loss at large sizes, with its limit.")
@json_option
def command(
    as_json: bool, weights: Path | None, onset: bool, expansion: bool, **family: Any
) -> int | None:
    """Follow a family of symmetric critical points to any size, real ones included.

    The teacher is orthonormal. A family of blocks has a handful of unknowns at every size; its loss
    and its whole spectrum, by irreducible representations, are computed with 60 digits.
    """
    from landtopo.models.networks.blocks.family import block_family
    from landtopo.models.networks.teacher_files import matrix_from_file
    from landtopo_cli.app import FAILED
    from landtopo_cli.blocks import block_record, block_text
    from landtopo_cli.tables import plain_json

    if (weights is None) == (family["anti_aligned"] is None):
        raise click.UsageError("Give either --anti-aligned or --weights.")
    if weights is not None:
        family["weights"] = matrix_from_file(weights, keys=("weights",))
    found = block_family(**family, onset=onset, expansion=expansion)
    if as_json:
        walked = ("onset", "crossings", "fold", "lowest_size")
        asked = {**dict.fromkeys(walked, onset), "expansion": expansion}
        record = {k: v for k, v in block_record(found).items() if asked.get(k, True)}
        click.echo(plain_json(record))
    else:
        click.echo(block_text(found, onset=onset))
    return FAILED if found.index is None else None
