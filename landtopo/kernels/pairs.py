"""Energies of pairs of particles, as functions of the square of their distance (compiled).

A kind of pair is a named tuple of its parameters, with the distance `rest` at which the energy is
lowest, and a body for `pair_energy`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from landtopo.kernels.compiled import njit
from landtopo.kernels.contract import answers, asked

__all__ = ["LennardJones", "Morse", "pair_energy"]


class LennardJones(NamedTuple):
    """4 (r^-12 - r^-6): depth 1, zero at distance 1."""

    rest: float = 2.0 ** (1.0 / 6.0)


class Morse(NamedTuple):
    """e^{2 rho (1 - r)} - 2 e^{rho (1 - r)}: depth 1 at distance 1."""

    rho: float
    rest: float = 1.0


@asked
def pair_energy(pair, square):
    """Value, first and second derivative with respect to the square of the distance."""


@answers(pair_energy, LennardJones)
@njit(cache=True, error_model="numpy")
def _lennard_jones(pair, square):
    inverse = 1.0 / square
    third = inverse * inverse * inverse
    return (
        4.0 * third * (third - 1.0),
        -12.0 * third * inverse * (2.0 * third - 1.0),
        24.0 * third * inverse * inverse * (7.0 * third - 2.0),
    )


@answers(pair_energy, Morse)
@njit(cache=True, error_model="numpy")
def _morse(pair, square):
    distance = math.sqrt(square)
    inner = math.exp(pair.rho * (1.0 - distance))
    slope = 2.0 * pair.rho * inner * (1.0 - inner)
    bend = 2.0 * pair.rho * pair.rho * inner * (2.0 * inner - 1.0)
    return (
        inner * (inner - 2.0),
        slope / (2.0 * distance),
        (bend - slope / distance) / (4.0 * square),
    )
