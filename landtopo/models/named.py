"""Models by name, as the command line has them, and from a file of one's own."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

from landtopo.errors import InvalidArgument, LandtopoError
from landtopo.models.smooth import SmoothModel
from landtopo.numerals import real_number, whole_number

__all__ = ["KNOWN", "named_model"]

#: The names there are, for help and refusals.
KNOWN = (
    "mueller-brown, himmelblau, torus, xor:DECAY, p-spin:N:SEED, lj:N, morse:N:RHO, "
    "samples:FILE.npz or FILE.py:NAME"
)


def named_model(text: str) -> SmoothModel:
    """The model of a name.

    Parameters
    ----------
    text : str
        ``mueller-brown``, ``himmelblau``, ``torus``, ``xor:0.01`` (weight decay), ``p-spin:6:1``
        (spins and seed of the couplings), ``lj:7`` (Lennard-Jones particles), ``morse:7:6``
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
    makers = {
        ("mueller-brown", 0): _mueller_brown,
        ("himmelblau", 0): _himmelblau,
        ("torus", 0): _torus,
        ("xor", 1): _xor,
        ("p-spin", 2): _p_spin,
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


def _mueller_brown(parts: list[str]) -> SmoothModel:
    from landtopo.models.mueller_brown import mueller_brown

    return mueller_brown()


def _himmelblau(parts: list[str]) -> SmoothModel:
    from landtopo.models.himmelblau import himmelblau

    return himmelblau()


def _torus(parts: list[str]) -> SmoothModel:
    from landtopo.models.torus import torus

    return torus()


def _xor(parts: list[str]) -> SmoothModel:
    from landtopo.models.xor import xor

    return xor(real_number(parts[0]))


def _p_spin(parts: list[str]) -> SmoothModel:
    from landtopo.models.spins import p_spin

    return p_spin(whole_number(parts[0]), whole_number(parts[1]))


def _lennard_jones(parts: list[str]) -> SmoothModel:
    from landtopo.models.clusters import lennard_jones

    return lennard_jones(whole_number(parts[0]))


def _morse(parts: list[str]) -> SmoothModel:
    from landtopo.models.clusters import morse

    return morse(whole_number(parts[0]), real_number(parts[1]))


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
    if not name.isidentifier():
        raise InvalidArgument(f"The model '{text}' must name what the file defines: FILE.py:NAME.")
    digest = _digest(place, text)
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found: Any = getattr(module, name, None)
        if callable(found) and not inspect.signature(found).parameters:
            found = found()
    except LandtopoError:
        raise
    except Exception as error:  # whatever a foreign file may raise
        raise InvalidArgument(
            f"'{place}' cannot be run: {type(error).__name__}: {' '.join(str(error).split())}."
        ) from error
    if not isinstance(found, SmoothModel):
        raise InvalidArgument(
            f"'{name}' in '{place}' must be a model, such as function_model makes, or a function "
            f"without arguments that makes one; got {type(found).__name__}."
        )
    found.source, found.digest = text, digest
    return found
