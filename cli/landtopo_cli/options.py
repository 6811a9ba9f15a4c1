"""Options that commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from landtopo.numerals import real_number, whole_number
from landtopo_cli.request import INFINITE, Request

__all__ = [
    "STARTS",
    "WIDTH",
    "Positive",
    "Whole",
    "cluster_option",
    "force_option",
    "init_option",
    "json_option",
    "point_options",
    "problem_options",
]


#: As in `landtopo.models.networks.problem`; that module would make `landtopo --help` slow.
_MOST_NEURONS = 10_000
_MOST_STARTS = 100_000_000
_MOST_JOBS = 1024
# Shorter times, steps and rates than this change no digit of anything.
_SMALLEST = 1e-12
_MOST_DIMENSIONS = 10**15


class Whole(click.types.IntParamType):
    """A whole number between two bounds, in plain digits."""

    name = "integer"

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least = least
        self.most = most

    def convert(
        self, value: Any, option: click.Parameter | None, context: click.Context | None
    ) -> int:
        """The number that a text is."""
        try:
            number = value if isinstance(value, int) else whole_number(value)
        except ValueError as error:
            self.fail(f"{error}.", option, context)
        if number < self.least or (self.most is not None and number > self.most):
            bounds = (
                f">= {self.least}" if self.most is None else f"from {self.least} to {self.most}"
            )
            self.fail(f"'{value}' must be a whole number {bounds}.", option, context)
        return number


class Positive(click.types.FloatParamType):
    """A finite number, not below 1e-12, and below a bound if there is one."""

    name = "number"

    def __init__(self, below: float = math.inf) -> None:
        self.below = below

    def convert(
        self, value: Any, option: click.Parameter | None, context: click.Context | None
    ) -> float:
        """The number that a text is."""
        try:
            number = value if isinstance(value, float) else real_number(value)
        except ValueError as error:
            self.fail(f"{error}.", option, context)
        if not _SMALLEST <= number < self.below:
            bound = "" if self.below == math.inf else f", below {self.below:g}"
            self.fail(
                f"'{value}' must be a finite number >= {_SMALLEST:g}{bound}.", option, context
            )
        return number


def _widths(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[int, ...] | None:
    """``6`` or ``6:8``, both ends included."""
    if value is None:
        return None
    first, separator, last = value.partition(":")
    try:
        low, high = whole_number(first), whole_number(last if separator else first)
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a range of widths such as 6:8.") from None
    if not 1 <= low <= high <= _MOST_NEURONS:
        raise click.BadParameter(
            f"'{value}' must run upwards from a width >= 1 to one <= {_MOST_NEURONS}."
        )
    return tuple(range(low, high + 1))


def _dim(context: click.Context, option: click.Parameter, value: str | None) -> int | str | None:
    """``10`` or ``1e9``, or ``inf``, which becomes the text that files hold."""
    if value is None:
        return None
    if value.lower() in ("inf", INFINITE):
        return INFINITE
    try:
        number = real_number(value)
    except ValueError:
        raise click.BadParameter(f"'{value}' is neither a whole number nor inf.") from None
    if not 1 <= number <= _MOST_DIMENSIONS or not number.is_integer():
        raise click.BadParameter(
            f"'{value}' is neither a whole number from 1 to {_MOST_DIMENSIONS:.0e} nor inf."
        )
    return int(number)


def _outputs(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[float, ...] | None:
    """``1,-0.5,2``."""
    if value is None:
        return None
    try:
        return tuple(real_number(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of numbers such as 1,-0.5,2.") from None


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
init_option = click.option(
    "--init", metavar="DISTRIBUTION", help="Start distribution.  [default: gaussian:1]"
)
cluster_option = click.option(
    "--cluster", metavar="ADDRESS", help="A dask scheduler whose workers do the work."
)
force_option = click.option("--force", is_flag=True, help="Overwrite files that exist.")

WIDTH = Whole(1, _MOST_NEURONS)
STARTS = Whole(1, _MOST_STARTS)

_OPTIONS = (
    click.option(
        "--teacher",
        metavar="TEACHER",
        help="orthonormal:M, equicorrelated:M:RHO, scaled:M:NORM (of the first), angle:PHI (of "
        "two, radians), random:M:dim=D:seed=S, or a file (.json, .npy, .csv) with vectors, one a "
        "row; FILE:gram for a Gram matrix.",
    ),
    click.option(
        "--model",
        metavar="MODEL",
        help="A landscape that is no network: mueller-brown, himmelblau, torus, xor:DECAY, "
        "xor:sigmoid:DECAY, p-spin:N:SEED, p-spin:N:SEED:P, lj:N, morse:N:RHO, samples:FILE.npz, "
        "or FILE.py:NAME.",
    ),
    click.option(
        "--parameter",
        metavar="NAME=A:B:STEP",
        help="Values of a parameter of the model, such as beta=0:1:0.1 for FILE.py:NAME with 'def "
        "NAME(beta)', tilt (torus), decay (xor), rho (morse:N), field (p-spin:N:SEED) or "
        "regulariser (samples:FILE.npz); or NAME=V1,V2,...",
    ),
    click.option(
        "--activation",
        metavar="S",
        help="Of student and teacher: relu, leaky:ALPHA, abs, squared-relu, quadratic, "
        "polynomial:C0,C1,..., erf, gelu, sin, cos, tanh, sigmoid, softplus, silu.  "
        "[default: the teacher's own, or relu]",
    ),
    click.option(
        "--outputs",
        metavar="B1,B2,...",
        callback=_outputs,
        help="Output weights of the teacher, of any signs.  [default: 1]",
    ),
    click.option(
        "--second-layer",
        metavar="LAYER",
        type=click.Choice(("fixed", "trained")),
        help="Output weights of the student: fixed (all 1) or trained.  [default: fixed]",
    ),
    click.option(
        "--init-outputs",
        metavar="HOW",
        type=click.Choice(("one", "normal")),
        help="Output weights at the start, where they are trained: one, or normal for independent "
        "N(0, 1).  [default: one]",
    ),
    click.option(
        "--constraint",
        metavar="CONSTRAINT",
        help="What all neurons of the student must be: normalised (as long as the teacher's), "
        "normalised:R (of length R), orthonormal.  [default: none]",
    ),
    click.option("--width", metavar="K", type=WIDTH, help="Student neurons."),
    click.option(
        "--widths", metavar="A:B", callback=_widths, help="Several widths, both ends included."
    ),
    click.option(
        "--dim", metavar="D|inf", callback=_dim, help="Dimension of the inputs.  [default: inf]"
    ),
    click.option("--starts", metavar="N", type=STARTS, help="Random starts."),
    click.option("--seed", metavar="S", type=Whole(0), help="Root seed.  [default: 0]"),
    click.option(
        "--jobs",
        metavar="J",
        type=Whole(1, _MOST_JOBS),
        help="Processes, or threads where these do as well.  [default: 1]",
    ),
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
        activation: str | None,
        outputs: tuple[float, ...] | None,
        constraint: str | None,
        model: str | None,
        parameter: str | None,
        second_layer: str | None,
        init_outputs: str | None,
        width: int | None,
        widths: tuple[int, ...] | None,
        dim: int | str | None,
        starts: int | None,
        seed: int | None,
        jobs: int | None,
        study: Path | None,
        as_json: bool,
        quiet: bool,
        **more: Any,
    ) -> int | None:
        _check_second_layer(second_layer, init_outputs, model)
        trained = second_layer == "trained"
        if constraint is not None and trained:
            raise click.UsageError("--constraint is for students whose second layer is fixed.")
        as_function = model is not None or constraint is not None or trained
        if as_function or (teacher is None and _is_of_model(study)):
            from landtopo_cli.models import run

            shared = {
                **{"teacher": teacher, "model": model, "width": width, "widths": widths},
                **{"constraint": constraint, "trained": trained, "init_outputs": init_outputs},
                **{"dim": dim, "starts": starts, "seed": seed, "jobs": jobs, "study": study},
                **{"as_json": as_json, "quiet": quiet},
                **{"activation": activation, "outputs": outputs, "parameter": parameter},
            }
            return run(str(click.get_current_context().info_name), shared, more)
        if parameter is not None:
            raise click.UsageError("--parameter is for a model; give --model.")
        if width is not None and widths is not None:
            raise click.UsageError("Give either --width or --widths.")
        if teacher is None and (study is None or not study.exists()):
            raise click.UsageError("Missing option '--teacher' (or '-o' with an existing study).")
        request = Request(
            teacher=teacher,
            activation=activation,
            outputs=outputs,
            widths=(width,) if width is not None else widths,
            dim=dim,
            starts=starts,
            seed=seed,
            jobs=jobs or 1,
            study=study,
            as_json=as_json,
            quiet=quiet,
        )
        return function(request, **more)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _check_second_layer(layer: str | None, outputs: str | None, model: str | None) -> None:
    """Refuse options of a trained second layer where there is none."""
    if outputs is not None and layer != "trained":
        raise click.UsageError(
            "--init-outputs is for output weights that are trained; give --second-layer trained."
        )
    if layer is not None and model is not None:
        raise click.UsageError("--second-layer is for networks; leave it out beside --model.")


def _is_of_model(place: Path | None) -> bool:
    """Whether this is a study of a model; one that cannot be read is none."""
    if place is None or not place.exists():
        return False
    from landtopo.errors import LandtopoError
    from landtopo.study import Study

    try:
        with Study.open(place) as study:
            return study.model is not None
    except LandtopoError:
        return False


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
