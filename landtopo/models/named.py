"""Models by name, as the command line has them, and from a file of one's own."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from landtopo.errors import InvalidArgument, LandtopoError
from landtopo.models.smooth import SmoothModel
from landtopo.numerals import real_number, whole_number

if TYPE_CHECKING:
    from landtopo.models.parameter import ParameterModels

#: More landscapes than this are not searched at once.
MOST_VALUES = 500
# Kinds of students, which are named by their teachers.
_STUDENTS = ("students", "trained")
__all__ = ["KNOWN", "named_model", "named_over"]

#: The names there are, for help and refusals.
KNOWN = (
    "mueller-brown, himmelblau, torus, xor:DECAY, xor:sigmoid:DECAY, p-spin:N:SEED, "
    "p-spin:N:SEED:P, lj:N, morse:N:RHO, samples:FILE.npz or FILE.py:NAME"
)


def named_model(text: str) -> SmoothModel:
    """The model of a name.

    Parameters
    ----------
    text : str
        ``mueller-brown``, ``himmelblau``, ``torus``, ``xor:0.01`` (weight decay; tanh),
        ``xor:sigmoid:0.01``, ``p-spin:6:1`` (spins and seed of the couplings; p = 3),
        ``p-spin:6:1:4`` (p = 4), ``lj:7`` (Lennard-Jones particles), ``morse:7:6``
        (Morse particles and how narrow their well is), ``samples:FILE.npz`` (the loss of a network
        on given samples), or ``FILE.py:NAME``: a model, or a function without arguments that makes
        one, in a file of Python, which is run.

    Raises
    ------
    InvalidArgument
        There is none of the name, or the file cannot be used.

    Examples
    --------
    >>> from landtopo.models.named import named_model
    >>> named_model("lj:7")
    <lj:7: 21 coordinates>
    """
    name, *parts = text.split(":")
    if name.endswith(".py"):
        return _from_file(Path(name), ":".join(parts), text)
    if name == "samples":
        return _samples(Path(":".join(parts)), text)
    if name in _STUDENTS:
        return _students(text, None)
    makers = {
        ("mueller-brown", 0): _mueller_brown,
        ("himmelblau", 0): _himmelblau,
        ("torus", 0): _torus,
        ("xor", 1): _xor,
        ("xor", 2): _xor,
        ("p-spin", 2): _p_spin,
        ("p-spin", 3): _p_spin,
        ("lj", 1): _lennard_jones,
        ("morse", 2): _morse,
    }
    maker = makers.get((name, len(parts)))
    if maker is None:
        raise InvalidArgument(f"The model '{text}' is none of {KNOWN}.")
    try:
        return maker(parts)
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"The model '{text}' cannot be read: {error}.") from None


def named_over(text: str, parameter: str) -> ParameterModels:
    """The models of a name and `NAME=FROM:TO:STEP`, or `NAME=V1,V2,...`.

    Parameters
    ----------
    text : str
        ``torus`` (tilt), ``xor`` or ``xor:sigmoid`` (decay), ``morse:7`` (rho), ``p-spin:6:1`` or
        ``p-spin:6:1:4`` (field), ``samples:FILE.npz`` (regulariser), or ``FILE.py:NAME``: a
        function of the parameter that makes a model.
    parameter : str

    Raises
    ------
    InvalidArgument
        There is no such model, it does not have the parameter, or the values cannot be used.

    Examples
    --------
    >>> from landtopo.models.named import named_over
    >>> named_over("morse:5", "rho=3:6:1.5")
    <morse:5, rho = 3 to 6: 3 models>
    """
    from landtopo.models.parameter import parameter_models

    name, values = parsed_values(parameter)
    if text.partition(":")[0] in _STUDENTS:
        if name != "width" or not all(value.is_integer() for value in values):
            raise InvalidArgument(f"The model '{text}' has no parameter but whole width=A,B,...")
        return _students(text, values)
    make, digest = _maker(text, name)
    try:
        found = parameter_models(make, name, values, name=text)
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"The model '{text}' cannot be read: {error}.") from None
    found.digest = digest
    return found


def parsed_values(text: str) -> tuple[str, tuple[float, ...]]:
    """The name and the values of `NAME=FROM:TO:STEP`, both ends included, or `NAME=V1,V2,...`.

    Examples
    --------
    >>> from landtopo.models.named import parsed_values
    >>> parsed_values("beta=0:1:0.25")
    ('beta', (0.0, 0.25, 0.5, 0.75, 1.0))
    """
    name, _, rest = text.partition("=")
    try:
        if not name.isidentifier():
            raise ValueError("it has no name")
        if ":" not in rest:
            return name, tuple(real_number(part) for part in rest.split(","))
        first, last, step = (real_number(part) for part in rest.split(":"))
    except ValueError:
        raise InvalidArgument(
            f"The parameter '{text}' must be NAME=FROM:TO:STEP or NAME=V1,V2,...; for example "
            "beta=0:1:0.1."
        ) from None
    count = (last - first) / step if step else -1.0
    if not count > 0.0:
        raise InvalidArgument(
            f"The step of '{text}' must lead from the first value to the last; it is {step:g}."
        )
    if count >= MOST_VALUES:
        raise InvalidArgument(
            f"The parameter '{text}' has {int(count) + 1} values; at most {MOST_VALUES} can be "
            "asked for."
        )
    # Rounded, so that 3 times 0.1 is 0.3.
    steps = int(count + 1e-9) + 1
    values = [float(f"{first + number * step:.12g}") for number in range(steps)]
    if values[-1] != last:
        raise InvalidArgument(
            f"The step of '{text}' must lead from the first value to the last; it comes to "
            f"{values[-1]:g}."
        )
    return name, tuple(values)


def _maker(text: str, parameter: str) -> tuple[Callable[[float], SmoothModel], str]:
    """How the models of a name are made at a value of a parameter, and the digest of their file."""
    name, *parts = text.split(":")
    if name.endswith(".py"):
        return _maker_from_file(Path(name), ":".join(parts), text, parameter)
    if name == "samples" and parameter == "regulariser":
        from landtopo.models.samples import samples_from_file

        place = Path(":".join(parts))
        digest = _digest(place, text)
        return partial(_with_regulariser, samples_from_file, place, text), digest
    known = {
        ("torus", 0): ("tilt", _torus),
        ("xor", 0): ("decay", _xor),
        ("xor", 1): ("decay", _xor),
        ("morse", 1): ("rho", _morse),
        ("p-spin", 2): ("field", _p_spin_in_field),
        ("p-spin", 3): ("field", _p_spin_in_field),
    }
    own, maker = known.get((name, len(parts)), ("", None))
    if name == "xor" and parts and _is_number(parts[0]):
        raise InvalidArgument(
            f"The model '{text}' states its decay; over a parameter it is named without, 'xor'."
        )
    if maker is None:
        # Whether there is such a model at all is told first.
        named_model(text)
    if maker is None or own != parameter:
        has = f"; it has {own}" if own else ""
        raise InvalidArgument(f"The model '{text}' has no parameter '{parameter}'{has}.")
    return partial(_with_part, maker, tuple(parts)), ""


def _is_number(text: str) -> bool:
    try:
        real_number(text)
    except ValueError:
        return False
    return True


def _with_regulariser(
    make: Callable[..., SmoothModel], place: Path, text: str, value: float
) -> SmoothModel:
    return make(place, text, regulariser=value)


def _with_part(
    make: Callable[[list[str]], SmoothModel], parts: tuple[str, ...], value: float
) -> SmoothModel:
    return make([*parts, repr(float(value))])


def _mueller_brown(parts: list[str]) -> SmoothModel:
    from landtopo.models.mueller_brown import mueller_brown

    return mueller_brown()


def _himmelblau(parts: list[str]) -> SmoothModel:
    from landtopo.models.himmelblau import himmelblau

    return himmelblau()


def _torus(parts: list[str]) -> SmoothModel:
    from landtopo.models.torus import torus

    return torus(*map(real_number, parts))


def _xor(parts: list[str]) -> SmoothModel:
    from landtopo.models.xor import xor

    *activation, decay = parts
    return xor(real_number(decay), *activation)


def _p_spin(parts: list[str], field: float | None = None) -> SmoothModel:
    from landtopo.models.spins import p_spin

    count, seed, order = map(whole_number, (*parts, "3")[:3])
    return p_spin(count, seed, field, order=order)


def _p_spin_in_field(parts: list[str]) -> SmoothModel:
    return _p_spin(parts[:-1], real_number(parts[-1]))


def _lennard_jones(parts: list[str]) -> SmoothModel:
    from landtopo.models.clusters import lennard_jones

    return lennard_jones(whole_number(parts[0]))


def _morse(parts: list[str]) -> SmoothModel:
    from landtopo.models.clusters import morse

    return morse(whole_number(parts[0]), real_number(parts[1]))


@overload
def _students(text: str, widths: None) -> SmoothModel: ...


@overload
def _students(text: str, widths: Sequence[float]) -> ParameterModels: ...


def _students(text: str, widths: Sequence[float] | None) -> SmoothModel | ParameterModels:
    """Students of one width, or of several, as `constrained_models` and `trained_models` do."""
    from landtopo.models.networks.constrained import constrained_from_name
    from landtopo.models.networks.trained import trained_from_name

    make = trained_from_name if text.startswith("trained:") else constrained_from_name
    return make(text, None if widths is None else [int(width) for width in widths])


def _samples(place: Path, text: str) -> SmoothModel:
    from landtopo.models.samples import samples_from_file

    digest = _digest(place, text)
    found = samples_from_file(place, text)
    found.digest = digest
    return found


def _digest(place: Path, text: str) -> str:
    """SHA-256 of the file of a model."""
    if not place.is_file():
        raise InvalidArgument(f"There is no file '{place}' for the model '{text}'.")
    return hashlib.sha256(place.read_bytes()).hexdigest()


def _from_file(place: Path, name: str, text: str) -> SmoothModel:
    found, digest = _defined(place, name, text)
    if callable(found) and not _parameters(found):
        found = _ran(place, found)
    if not isinstance(found, SmoothModel):
        raise InvalidArgument(
            f"'{name}' in '{place}' must be a model, such as function_model makes, or a function "
            f"without arguments that makes one; got {type(found).__name__}."
        )
    found.source, found.digest = text, digest
    return found


def _maker_from_file(
    place: Path, name: str, text: str, parameter: str
) -> tuple[Callable[[float], SmoothModel], str]:
    """A function of a parameter that a file defines."""
    found, digest = _defined(place, name, text)
    if not callable(found) or parameter not in _parameters(found):
        raise InvalidArgument(
            f"'{name}' in '{place}' has no parameter '{parameter}'; it must be a function of it "
            f"that makes a model, 'def {name}({parameter}): ...'."
        )

    def make(value: float) -> SmoothModel:
        made: SmoothModel = _ran(place, partial(found, **{parameter: value}))
        return made

    return make, digest


def _defined(place: Path, name: str, text: str) -> tuple[Any, str]:
    """What a file of Python defines under a name, None if nothing, and the digest of the file."""
    if not name.isidentifier():
        raise InvalidArgument(f"The model '{text}' must name what the file defines: FILE.py:NAME.")
    digest = _digest(place, text)
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _ran(place, partial(spec.loader.exec_module, module))
    return getattr(module, name, None), digest


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters of a function; of what does not tell them, one without a name."""
    try:
        return tuple(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ("",)


def _ran(place: Path, call: Callable[[], Any]) -> Any:
    """What the code of a file returns."""
    try:
        return call()
    except LandtopoError:
        raise
    except Exception as error:  # whatever a foreign file may raise
        raise InvalidArgument(
            f"'{place}' cannot be run: {type(error).__name__}: {' '.join(str(error).split())}."
        ) from error
