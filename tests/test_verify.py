"""`verify` finds a true study true, and every kind of wrong number in it wrong.

Its routes share nothing with the closed forms: they are compared with them here at points in
general position, with parallel neurons, and with a zero neuron.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application

from landtopo.landscape.build import landscape_graph
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.transitions import follow
from landtopo.loss import PopulationLoss
from landtopo.paths.connect import connect
from landtopo.points.classify import classify
from landtopo.points.saddle_starts import mode_starts
from landtopo.points.search import find_minima
from landtopo.problem import Teacher, TeacherStudent
from landtopo.study import Study
from landtopo.study.quadrature import (
    difference_hessian,
    difference_normal_block,
    quadrature_gradient,
    quadrature_loss,
)
from landtopo.study.verify import Check, VerifyOptions, verify


@pytest.mark.parametrize("kind", ["general", "parallel", "zero"])
def test_quadrature_agrees_with_the_closed_forms(kind: str) -> None:
    teacher = Teacher.random(4, dim=6, seed=1)
    weights = np.random.default_rng(0).standard_normal((5, teacher.rank + 2))
    if kind == "parallel":
        weights[1] = -2 * weights[0]
        weights[2] = weights[3] / 3
        weights[4, : teacher.rank], weights[4, teacher.rank :] = teacher.vectors[1], 0.0
    if kind == "zero":
        weights[2] = 0.0
    loss = PopulationLoss(TeacherStudent(teacher, 5))
    # Double precision: rounding of sums of order ten.
    assert quadrature_loss(teacher, weights) == pytest.approx(float(loss.value(weights)), abs=3e-14)
    gradient = quadrature_gradient(teacher, weights)
    assert np.abs(gradient - loss.gradient(weights)).max() < 1e-14
    if kind == "zero":
        assert np.all(gradient[2] == 0)
        return
    # Central differences with step 1e-6: third derivatives, and their lack at parallel neurons.
    tolerance = 3e-6 if kind == "parallel" else 1e-8
    assert np.abs(difference_hessian(teacher, weights) - loss.hessian(weights)).max() < tolerance
    block = difference_normal_block(teacher, weights)
    assert np.abs(block - loss.normal_block(weights)).max() < tolerance


@pytest.fixture(scope="module")
def true_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verify") / "s"
    teacher = Teacher.orthonormal(2)
    problem = TeacherStudent(teacher, 2)
    with Study.create(path, teacher) as study:
        study.save_graph(landscape_graph(teacher, (2, 3), starts=100))
        found = find_minima(problem, starts=20)
        study.save_search("minima", "a search", found.attempts, found.families)
        path_record = connect(problem, np.eye(2), np.eye(2)[::-1])
        study.save_path(path_record, "global", "global", permutation="(1 2)")
    return path


def test_a_true_study_is_found_true(true_study: Path) -> None:
    with Study.open(true_study) as study:
        checks = verify(study)
    assert all(check.agrees for check in checks), failing(checks)
    quantities = {check.quantity for check in checks}
    assert quantities >= {
        "loss",
        "gradient norm",
        "eigenvalues, largest difference",
        "smallest normal eigenvalue",
        "index",
        "labelled copies",
        "barrier from",
        "ends of the flow",
        "highest loss",
    }
    result = CliRunner().invoke(application, ["verify", str(true_study)])
    assert result.exit_code == 0
    assert "0 disagree" in result.stdout


def test_a_flow_that_ends_in_a_lower_saddle_is_followed_on(tmp_path: Path) -> None:
    """By symmetry one flow from this pass ends in a saddle; the search went on from there too."""
    teacher = Teacher.equicorrelated(4, -0.3)
    problem = TeacherStudent(teacher, 4)
    graph = landscape_graph(
        teacher,
        4,
        starts=60,
        options=ExploreOptions(
            random_starts=8,
            mode_starts=8,
            line_starts=8,
            patience=1,
            tries=1,
            self_pairs=0,
            check_pairs=0,
        ),
    )
    nodes = list(graph.nodes.values())
    climbs = itertools.islice(
        mode_starts(problem, find_minima(problem, starts=60).families[1].point, seed=0), 60
    )
    way = next(one for one in follow(problem, list(climbs)).found if one.through_saddle)
    state = classify(problem, way.state)
    first, last = (
        min(nodes, key=lambda node: abs(node["loss"] - loss))
        for loss in (way.losses[0], way.losses[-1])
    )
    graph.clear_edges()
    graph.add_edge(
        first["id"],
        last["id"],
        key="pass",
        id="pass",
        kind="saddle",
        from_id=first["id"],
        to_id=last["id"],
        loss=state.loss,
        barrier_from=state.loss - first["loss"],
        barrier_to=state.loss - last["loss"],
        weights=state.weights,
        through_saddle=True,
    )
    path = tmp_path / "s"
    with Study.create(path, teacher) as study:
        study.save_graph(graph)
        checks = verify(study)
        (ends,) = [check for check in checks if check.quantity == "ends of the flow"]
        assert ends.agrees, failing(checks)
        # What is stored is needed for that: without the second leg the flow ends elsewhere.
        short = verify(study, options=VerifyOptions(saddles=0))
    assert [check.quantity for check in short if not check.agrees] == ["ends of the flow"]


def change(graph: nx.MultiGraph[str], quantity: str) -> None:
    node = graph.nodes["w2-f0"]
    edge = next(
        data for data in graph.edges.values() if data["kind"] == "saddle" and "weights" in data
    )
    changes: dict[str, tuple[dict[str, Any], str, Any]] = {
        "loss": (node, "loss", 1e-9),
        "gradient norm": (node, "weights", node["weights"] + 1e-9),
        "eigenvalues, largest difference": (node, "eigenvalues", node["eigenvalues"] + 1e-3),
        "smallest normal eigenvalue": (node, "smallest_normal_eigenvalue", -0.1),
        "index": (edge, "index", 2),
        "labelled copies": (node, "orbit_size", 3),
        "barrier from": (edge, "barrier_from", edge["barrier_from"] * 1.001),
        "ends of the flow": (edge, "to_id", "w3-f0"),
        "highest loss of the profile": (edge, "profile", [[0, 0], [1, 0.5]]),
    }
    data, name, value = changes[quantity]
    data[name] = value


@pytest.mark.parametrize(
    "quantity",
    [
        "loss",
        "gradient norm",
        "eigenvalues, largest difference",
        "smallest normal eigenvalue",
        "index",
        "labelled copies",
        "barrier from",
        "ends of the flow",
        "highest loss of the profile",
    ],
)
def test_a_wrong_number_is_found(true_study: Path, tmp_path: Path, quantity: str) -> None:
    with Study.open(true_study) as study:
        graph = study.graph()
    change(graph, quantity)
    path = tmp_path / "s"
    with Study.create(path, Teacher.orthonormal(2)) as study:
        study.save_graph(graph)
    with Study.open(path) as study:
        assert quantity in {check.quantity for check in failing(verify(study))}
    result = CliRunner().invoke(application, ["verify", str(path)])
    assert result.exit_code == 1
    assert quantity in result.stdout


def failing(checks: list[Check]) -> list[Check]:
    return [check for check in checks if not check.agrees]
