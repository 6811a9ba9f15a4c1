"""Symmetries that minima suggest: those that a function has are found, and no others."""

from __future__ import annotations

import numpy as np
import pytest

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.named import named_model
from landtopo.objective import Array


def wells(x: Array) -> float:
    """Three particles on a line that repel each other in the same two wells."""
    pairs = x - np.roll(x, 1)
    return float(np.sum((x**2 - 1.0) ** 2) + 0.5 * np.sum(np.exp(-(pairs**2))))


def test_the_group_of_a_function_is_proposed_and_serves() -> None:
    box = {"low": [-2.0] * 3, "high": [2.0] * 3}
    found = lt.propose_symmetry(lt.function_model(wells, **box))
    assert found.order == 12
    assert "That is a numerical check and no proof" in found.sentence()
    whole = lt.function_model(wells, **box, symmetry=[list(one) for one in found.generators])
    # With it nothing is left to propose, and minima are one for each kind.
    again = lt.propose_symmetry(whole)
    assert again.generators == ()
    assert again.sentence().startswith("No symmetry is proposed")
    assert len(lt.find_minima(whole).families) == 2


def test_minima_of_equal_value_and_spectrum_need_not_be_copies() -> None:
    """Two wells alike to third order, one with a tail that the other does not have."""

    def uneven(x: Array) -> float:
        return float((x[0] ** 2 - 1.0) ** 2 * (1.0 + 0.2 * (x[0] ** 2 - 1.0) * x[0]))

    found = lt.propose_symmetry(lt.function_model(uneven, low=[-1.5], high=[1.5]))
    assert found.classes == (("min0", "min1"),)
    assert found.generators == ()


def test_four_minima_of_one_value_are_not_merged() -> None:
    """Himmelblau's: equal values, different spectra."""
    found = lt.propose_symmetry(named_model("himmelblau"))
    assert found.generators == ()


def test_what_is_no_function_in_a_box_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="must be a function in a box; got <lj:5"):
        lt.propose_symmetry(named_model("lj:5"))
