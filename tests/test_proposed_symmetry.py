"""Symmetries that minima suggest: those that a function has are found, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application

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
    assert (found.generators, found.copies) == ((), ())


def test_four_minima_of_one_value_are_not_merged() -> None:
    """Himmelblau's: equal values, different spectra."""
    found = lt.propose_symmetry(named_model("himmelblau"))
    assert found.generators == ()


def test_what_is_no_function_in_a_box_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="must be a function in a box; got <lj:5"):
        lt.propose_symmetry(named_model("lj:5"))


BOX = """\
import landtopo as lt


def energy(x):
    return float((x[0] ** 2 - 1.0) ** 2 + (x[1] ** 2 - 1.0) ** 2 + 0.3 * x[0] * x[1])


box = lt.function_model(energy, low=[-2.0, -2.0], high=[2.0, 2.0], name="box")
"""


def test_the_command_proposes_and_merges_nothing(tmp_path: Path) -> None:
    """Four minima: (1, -1) and (-1, 1) below the two others, each pair exchanged by x1 <-> x2."""
    (tmp_path / "box.py").write_text(BOX)
    given = ["minima", "--model", f"{tmp_path / 'box.py'}:box", "--starts", "40"]
    shown = CliRunner().invoke(application, [*given, "--propose-symmetry"])
    assert shown.exit_code == 0, shown.output
    assert "the function is the same at 20 random points after" in shown.stdout
    assert "Copies by what is proposed: min0, min1." in shown.stdout
    assert shown.stdout.endswith("Nothing above is merged because of it.\n")
    told = CliRunner().invoke(application, [*given, "--propose-symmetry", "--json"])
    record = json.loads(told.stdout)
    proposed = record.pop("proposed_symmetry")
    assert proposed["copies"] == [["min0", "min1"], ["min2", "min3"]] == proposed["classes"]
    assert (proposed["generators"], proposed["order"]) == ([[-2, -1], [2, 1]], 4)
    assert record == json.loads(CliRunner().invoke(application, [*given, "--json"]).stdout)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--model", "lj:5"], "must be a function in a box; got <lj:5"),
        (["--teacher", "orthonormal:2", "--width", "2"], "is for a model; give --model"),
    ],
)
def test_the_command_refuses_what_has_no_box(given: list[str], words: str) -> None:
    refused = CliRunner().invoke(application, ["minima", *given, "--propose-symmetry"])
    assert refused.exit_code == 2
    assert words in refused.output
