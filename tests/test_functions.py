"""Functions of one's own as models: through the same search to a graph, in their own units."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from functions import MUELLER_BROWN_MINIMA, MUELLER_BROWN_SADDLES
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.export import prepare
from landtopo.export.energies import about_energies
from landtopo.landscape.explore import ExploreOptions
from landtopo.models.himmelblau import himmelblau
from landtopo.models.mueller_brown import mueller_brown
from landtopo.models.named import named_model
from landtopo.models.smooth import SmoothModel
from landtopo.objective import Array

QUICK = ExploreOptions(random_starts=24, mode_starts=12, line_starts=6, check_pairs=2, patience=30)


def graph_of(model: SmoothModel, starts: int = 40) -> Any:
    return lt.landscape_graph(model, starts=starts, options=QUICK)


def values(graph: Any) -> tuple[list[float], list[float]]:
    """Values of minima and of transition states, ascending."""
    edges = [data["loss"] for *_, data in graph.edges(data=True)]
    return sorted(data["loss"] for _, data in graph.nodes(data=True)), sorted(edges)


def double_well(x: Array) -> float:
    """Two minima at (-1, 0) and (1, 0), one saddle of height 1 between them."""
    return float((x[0] ** 2 - 1.0) ** 2 + x[1] ** 2)


# --- textbook landscapes ----------------------------------------------------------------------


def test_mueller_brown_has_its_published_points() -> None:
    graph = graph_of(mueller_brown())
    minima, saddles = values(graph)
    # Published to ten digits after the point of coordinates and seven of energies.
    assert minima == pytest.approx(sorted(MUELLER_BROWN_MINIMA[:, 2]), abs=1e-6)
    assert saddles == pytest.approx(sorted(MUELLER_BROWN_SADDLES[:, 2]), abs=1e-6)
    found = np.array(sorted(data["coordinates"].tolist() for _, data in graph.nodes(data=True)))
    wanted = np.array(sorted(MUELLER_BROWN_MINIMA[:, :2].tolist()))
    assert np.abs(found - wanted).max() < 1e-9
    ends = {data["loss"]: {a, b} for a, b, data in graph.edges(data=True)}
    # The higher saddle leads from the deepest minimum to the shallow one, the lower one on.
    assert ends[saddles[1]] == {"min0", "min2"}
    assert ends[saddles[0]] == {"min1", "min2"}


def test_himmelblau_has_four_minima_joined_by_four_saddles() -> None:
    minima, saddles = values(graph_of(himmelblau()))
    # The function is a sum of squares: zero to the square of the rounding of its terms.
    assert minima == pytest.approx([0.0] * 4, abs=1e-20)
    assert saddles == pytest.approx([13.3119, 67.7192, 104.0152, 178.3372], abs=1e-4)


# --- units, symmetry, gauge -------------------------------------------------------------------


def test_the_graph_does_not_depend_on_units() -> None:
    """Energies times 2^20 and lengths times 2^-7: the same numbers, multiplied."""
    plain = lt.function_model(double_well, low=[-2, -2], high=[2, 2])
    scaled = lt.function_model(
        lambda x: 2.0**20 * double_well(128.0 * x), low=[-1 / 64, -1 / 64], high=[1 / 64, 1 / 64]
    )
    one, other = (graph_of(model) for model in (plain, scaled))
    assert np.array(values(other)[1]) == pytest.approx(2.0**20 * np.array(values(one)[1]))
    first, second = (graph.nodes["min0"] for graph in (one, other))
    assert second["coordinates"] == pytest.approx(first["coordinates"] / 128.0)
    assert second["eigenvalues"] == pytest.approx(2.0**34 * first["eigenvalues"])


def test_copies_by_symmetry_are_one_minimum() -> None:
    apart = graph_of(lt.function_model(double_well, low=[-2, -2], high=[2, 2]))
    together = graph_of(
        lt.function_model(double_well, low=[-2, -2], high=[2, 2], symmetry=[[-1, 2], [1, -2]])
    )
    assert [len(graph) for graph in (apart, together)] == [2, 1]
    node = together.nodes["min0"]
    # Of four elements the reflection in the axis of the wells fixes both of them.
    assert (node["orbit_size"], node["isotropy_order"]) == (2, 2)
    ((first, last, edge),) = together.edges(data=True)
    assert (first, last, edge["permutation"]) == ("min0", "min0", "x1 -> -x1")


def test_a_valley_that_gauge_explains_is_one_minimum() -> None:
    """A pair at distance one in the plane: translations and rotations change nothing."""

    def pair(x: Array) -> float:
        apart = x[:2] - x[2:]
        return float((apart @ apart - 1.0) ** 2)

    model = lt.function_model(
        pair, low=[-1.0] * 4, high=[1.0] * 4, gauge="rigid:2", symmetry=[[3, 4, 1, 2]]
    )
    graph = graph_of(model)
    (node,) = (data for _, data in graph.nodes(data=True))
    # Of four coordinates two translations and one rotation are gauge: f'' = 8 in |apart| = 1, and
    # the distance changes by sqrt(2) for a step of one.
    assert node["eigenvalues"] == pytest.approx([16.0], rel=1e-6)
    # Turned by half a circle the pair is the exchanged pair.
    assert (node["isotropy_order"], node["orbit_size"]) == (2, 1)


def test_any_continuous_symmetry_can_be_given_by_its_directions() -> None:
    """(|x|^2 - 1)^2 in the plane, turned about the origin."""
    model = lt.function_model(
        lambda x: float((x @ x - 1.0) ** 2),
        low=[-2, -2],
        high=[2, 2],
        gauge=lambda x: [[-x[1], x[0]]],
    )
    graph = graph_of(model)
    assert [data["eigenvalues"] for _, data in graph.nodes(data=True)] == [
        pytest.approx([8.0], rel=1e-6)
    ]


# --- derivatives ------------------------------------------------------------------------------


def test_missing_derivatives_are_as_good_as_they_say() -> None:
    def bowl(x: Array) -> float:
        return float(np.cosh(x[0]) + np.exp(x[1]) - x[1] + np.sin(x[0] * x[1]))

    def slope(x: Array) -> Array:
        mixed = np.cos(x[0] * x[1])
        return np.array([np.sinh(x[0]) + x[1] * mixed, np.exp(x[1]) - 1.0 + x[0] * mixed])

    def second(x: Array) -> Array:
        c, s = np.cos(x[0] * x[1]), np.sin(x[0] * x[1])
        mixed = c - x[0] * x[1] * s
        return np.array(
            [[np.cosh(x[0]) - x[1] ** 2 * s, mixed], [mixed, np.exp(x[1]) - x[0] ** 2 * s]]
        )

    x = np.array([0.3, -0.7])
    box = {"low": [-1.0, -1.0], "high": [1.0, 1.0]}
    for given in ((), (slope,), (slope, second)):
        shape = lt.function_model(bowl, *given, **box).shape
        exact = second(x)
        # The error is that at five points of the box; at others it is of the same order.
        allowed = 10.0 * shape.error * np.abs(exact).max() + 1e-13
        assert np.abs(shape.objective.hessian(x) - exact).max() <= allowed
        slopes = np.abs(shape.objective.value_and_gradient(x)[1] - slope(x)).max()
        assert slopes <= 10.0 * shape.slope_error + 1e-14
        assert (shape.error == 0.0) == (len(given) == 2)


def test_a_graph_says_that_its_derivatives_are_differences() -> None:
    differences = graph_of(lt.function_model(double_well, low=[-2, -2], high=[2, 2]), starts=8)
    told = about_energies(prepare(differences))
    assert any(
        line.startswith("Derivatives are made of differences, gradients to") for line in told
    )
    assert "derivatives" not in graph_of(mueller_brown(), starts=8).graph


# --- what cannot be used ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"gradient": lambda x: -2 * x}, "has a gradient that contradicts its values"),
        ({"low": [1.0, 1.0], "high": [0.0, 2.0]}, "must have low < high"),
        ({"symmetry": [[2, 2]]}, "must list signed permutations of 1 to 2"),
        ({"symmetry": [[2, 1]]}, "must leave the function as it is; x1 -> x2, x2 -> x1 changes"),
        ({"gauge": "rigid:3"}, "must fit the 2 coordinates of points in 3 dimensions"),
        ({"gauge": "turns"}, "must be a function or translations:k"),
        ({"gauge": lambda x: [[1.0, 0.0]]}, "function does not change; its slope"),
        ({"hessian": 3}, "'hessian' argument of function_model must be callable; got int"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(arguments: Any, words: str) -> None:
    given = {"low": [-1.0, -1.0], "high": [1.0, 1.0], **arguments}
    with pytest.raises(InvalidArgument, match=words.replace("(", r"\(")):
        lt.function_model(lambda x: float(x[0] ** 2 + 2 * x[1] ** 2), **given)


def test_arguments_of_networks_are_refused_for_a_model() -> None:
    with pytest.raises(InvalidArgument, match="'widths' argument of landscape_graph is for netw"):
        lt.landscape_graph(mueller_brown(), widths=3)
    with pytest.raises(InvalidArgument, match="must be a Teacher or a model; got int"):
        lt.landscape_graph(3, widths=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def own(x):\n    return x @ x\n", "must be a model.*got function"),
        ("def own():\n    return 1 / 0\n", "cannot be run: ZeroDivisionError"),
        ("own = 3\n", "must be a model.*got int"),
        ("import missing_module\n", "cannot be run: ModuleNotFoundError"),
    ],
)
def test_a_file_that_makes_no_model_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(InvalidArgument, match=sentence):
        named_model(f"{file}:own")


# --- the command ------------------------------------------------------------------------------


def run(*arguments: str) -> Any:
    return CliRunner().invoke(application, list(arguments))


def test_the_command_does_for_a_model_what_it_does_for_networks(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("graph", "--model", "mueller-brown", "--starts", "12", "--out-dir", str(out))
    assert result.exit_code == 0
    assert "function mueller-brown: 3 minima, 2 transition states." in result.stdout
    assert "The transition states join all minima." in result.stdout
    assert "12 independent starts met 3 critical points" in result.stdout
    assert re.search(r"min0 +-146\.6995172 +- +\d+ +1 +at \(-0\.5582, 1\.442\)", result.stdout)
    told = run("show", str(out / "landscape.graphml"))
    assert told.exit_code == 0
    assert told.stdout == result.stdout
    assert (out / "tree.pdf").stat().st_size > 1000
    again = run("graph", "--model", "mueller-brown", "--out-dir", str(out))
    assert (again.exit_code, "give --force to overwrite" in again.stderr) == (2, True)


def test_paths_saddles_and_flat_directions_of_a_model() -> None:
    model = ("--model", "mueller-brown", "--starts", "12", "--json")
    path = json.loads(run("path", *model, "--from", "min0", "--to", "min1").stdout)
    assert path["verified"]
    heights = [point["loss"] for point in path["transition_states"]]
    assert sorted(heights) == pytest.approx(sorted(MUELLER_BROWN_SADDLES[:, 2]), abs=1e-6)
    assert path["highest_loss"] == max(heights)
    saddles = json.loads(run("saddles", *model).stdout)["families"]
    assert [one["loss"] for one in saddles] == pytest.approx(sorted(heights), abs=1e-9)
    flat = json.loads(run("flat", *model, "--family", "lowest").stdout)
    assert [one["flat_dimension"] for one in flat] == [0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("minima", "--model", "moon"), "The model 'moon' is none of mueller-brown"),
        (("minima", "--model", "lj:x"), "The model 'lj:x' cannot be read"),
        (("minima", "--model", "lj:2"), "must be an integer >= 3; got 2"),
        (("minima", "--model", "none.py:f"), "There is no file 'none.py'"),
        (("minima", "--model", "lj:5", "--width", "3"), "--width is for networks"),
        (("minima", "--model", "lj:5", "--init", "gaussian:1"), "--init is for networks"),
        (("reach", "--model", "lj:5"), "reachability is for networks"),
        (("graph", "--model", "lj:5", "-o", "x.json"), "looks like a graph file"),
    ],
)
def test_what_does_not_fit_a_model_is_refused_by_the_command(
    arguments: tuple[str, ...], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_derivatives_by_jax_are_exact() -> None:
    numpy = pytest.importorskip("jax.numpy")

    def ring(x: Any) -> Any:
        return (numpy.sum(x**2) - 1.0) ** 2 + 0.1 * x[0]

    model = lt.function_model(ring, low=[-2.0, -2.0], high=[2.0, 2.0], jax=True)
    x = np.array([0.3, -0.8])
    square = x @ x - 1.0
    objective = model.shape.objective
    slope = 4.0 * square * x + [0.1, 0.0]
    np.testing.assert_allclose(objective.value_and_gradient(x)[1], slope, rtol=1e-14)
    bend = 4.0 * square * np.eye(2) + 8.0 * np.outer(x, x)
    np.testing.assert_allclose(objective.hessian(x), bend, rtol=1e-14)
    assert model.shape.error == 0.0
