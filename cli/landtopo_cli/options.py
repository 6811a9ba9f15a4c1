"""Options that commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from landtopo_cli.request import INFINITE, Request

__all__ = ["force_option", "json_option", "point_options", "problem_options"]


def _widths(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """``6`` or ``6:8``, both ends included."""
    if value is None:
        return None
    first, separator, last = value.partition(":")
    if not (first.isdecimal() and (last.isdecimal() or not separator)):
        raise click.BadParameter(f"'{value}' is not a range of widths such as 6:8.")
    low, high = int(first), int(last or first)
    if not 1 <= low <= high:
        raise click.BadParameter(f"'{value}' must run upwards from a width >= 1.")
    return tuple(range(low, high + 1))


def _dim(context: click.Context, option: click.Parameter, value: str | None) -> int | str | None:
    """``10`` or ``1e9``, or ``inf``, which becomes the text that files hold."""
    if value is None:
        return None
    if value.lower() in ("inf", INFINITE):
        return INFINITE
    try:
        number = float(value)
        dim = int(value) if value.isdecimal() else int(number)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"'{value}' is neither a whole number nor inf.") from None
    if dim < 1 or dim != number:
        raise click.BadParameter(f"'{value}' is neither a whole number >= 1 nor inf.")
    return dim


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")

_POSITIVE = click.IntRange(min=1)

_OPTIONS = (
    click.option(
        "--teacher",
        metavar="TEACHER",
        help="orthonormal:M, equicorrelated:M:RHO, random:M:dim=D:seed=S, or a file (.json, .npy, "
        ".csv) with vectors, one a row; FILE:gram for a Gram matrix.",
    ),
    click.option("--width", metavar="K", type=_POSITIVE, help="Student neurons."),
    click.option(
        "--widths", metavar="A:B", callback=_widths, help="Several widths, both ends included."
    ),
    click.option(
        "--dim", metavar="D|inf", callback=_dim, help="Dimension of the inputs.  [default: inf]"
    ),
    click.option("--starts", metavar="N", type=_POSITIVE, help="Random starts."),
    click.option(
        "--seed", metavar="S", type=click.IntRange(min=0), help="Root seed.  [default: 0]"
    ),
    click.option("--jobs", metavar="J", type=_POSITIVE, default=1, help="Threads.  [default: 1]"),
    click.option(
        "-o",
        "--study",
        metavar="STUDY",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File that keeps everything found; an existing study is continued, and what it was "
        "made with need not be said again.",
    ),
    json_option,
    click.option("--quiet", is_flag=True, help="No progress, notes or warnings."),
)


def problem_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options that state a problem; the command gets them as a `Request`, first."""

    @functools.wraps(function)
    def command(
        *,
        teacher: str | None,
        width: int | None,
        widths: tuple[int, ...] | None,
        dim: int | str | None,
        starts: int | None,
        seed: int | None,
        jobs: int,
        study: Path | None,
        as_json: bool,
        quiet: bool,
        **more: Any,
    ) -> int | None:
        if width is not None and widths is not None:
            raise click.UsageError("Give either --width or --widths.")
        if teacher is None and (study is None or not study.exists()):
            raise click.UsageError("Missing option '--teacher' (or '-o' with an existing study).")
        request = Request(
            teacher=teacher,
            widths=(width,) if width is not None else widths,
            dim=dim,
            starts=starts,
            seed=seed,
            jobs=jobs,
            study=study,
            as_json=as_json,
            quiet=quiet,
        )
        return function(request, **more)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def point_options(function: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options that choose points: the parameters `names` and `files`."""
    function = click.option(
        "--weights",
        "files",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="Weights of a point, one neuron a row (.npy, .csv, .json).",
    )(function)
    return click.option(
        "--family",
        "names",
        metavar="ID",
        multiple=True,
        help="A family of minima such as w6-f1.  [default: all]",
    )(function)
