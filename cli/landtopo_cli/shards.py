"""Starts that several machines share, each with a study of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landtopo.numerals import whole_number
from landtopo_cli.request import Request, Work

if TYPE_CHECKING:
    from landtopo.study.merge import MergedStudies

__all__ = ["in_shard", "merge_record", "merge_text", "shard_option"]

_Result = TypeVar("_Result")


def _shard(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    """``2/4``."""
    if value is None:
        return None
    number, _, of = value.partition("/")
    try:
        shard = whole_number(number), whole_number(of)
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a part such as 2/4.") from None
    if not 1 <= shard[0] <= shard[1]:
        raise click.BadParameter(f"'{value}' must be from 1/{shard[1]} to {shard[1]}/{shard[1]}.")
    return shard


shard_option = click.option(
    "--shard",
    metavar="I/N",
    callback=_shard,
    help="Follow the I-th of N shares of the starts, and keep it in the study; 'landtopo merge' "
    "puts studies together.",
)


def in_shard(
    request: Request, work: Work, search: Callable[[Work, int], _Result]
) -> list[_Result] | None:
    """Results of a search at all widths; None, after it was told, where other shards are missing.

    Parameters
    ----------
    request : Request
    work : Work
    search : callable
        Of the work and a width.
    """
    from landtopo.journal import ShardFinished

    results: list[_Result] = []
    missing: list[dict[str, Any]] = []
    for width in work.widths:
        try:
            results.append(search(work, width))
        except ShardFinished as end:
            missing.append({"width": width, "kept": end.kept, "starts": end.total})
    if not missing:
        return results
    shard = "/".join(map(str, work.shard or ()))
    request.answer(lambda: {"shard": shard, "widths": missing}, lambda: _told(shard, missing, work))
    return None


def _told(shard: str, missing: list[dict[str, Any]], work: Work) -> str:
    lines = [
        f"Shard {shard}, width {row['width']}: {row['kept']} of {row['starts']} starts are kept."
        for row in missing
    ]
    place = "STUDY" if work.study is None else work.study.path
    lines.append(
        f"When all shards have ended, 'landtopo merge WHOLE {place} ...' puts their studies "
        "together, and the same command with -o WHOLE and without --shard gives the result."
    )
    return "\n".join(lines)


def merge_record(found: MergedStudies) -> dict[str, Any]:
    """What came of putting studies together, in JSON."""
    return {
        "study": str(found.path),
        "pieces": found.pieces,
        "added": found.added,
        "differing": found.differing,
    }


def merge_text(found: MergedStudies) -> str:
    """The same for people."""
    text = f"{found.path}: {found.pieces} finished chunks of starts, {found.added} of them new."
    if found.differing:
        text += (
            f" {found.differing} were found twice with other digits, on machines that add up in "
            "another way; the first ones were kept."
        )
    return text
