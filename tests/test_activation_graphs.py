"""Flat directions, lineage and graphs across widths for other activations than ReLU.

What is expected follows from s alone: which operations keep the function when a neuron is added,
and which neurons cancel.
"""

from __future__ import annotations

import math
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import landtopo as lt
from landtopo.export.prepare import prepare
from landtopo.export.report import report
from landtopo.landscape.explore import ExploreOptions
from landtopo.landscape.rungs import LineageOptions
from landtopo.models.networks.flat.splitting import neuron_splits
from landtopo.models.networks.landscape.lineage import Fate, fates_from, fates_of

# Enough to meet what the tests are about.
FEW = ExploreOptions(random_starts=10, mirrors=0, mode_starts=10, line_starts=10, check_pairs=2)


def problem_of(spec: str, width: int, size: int = 2, dim: int | None = None) -> lt.TeacherStudent:
    return lt.TeacherStudent(lt.Teacher.orthonormal(size), width, dim, activation=spec)


def averaging(size: int) -> np.ndarray:
    """As many copies of (v_1 + .. + v_n) / sqrt(n (2 n - 1)), critical for erf."""
    return np.ones((size, size)) / math.sqrt(size * (2 * size - 1))


@pytest.mark.parametrize("size", [2, 3])
def test_the_zeros_of_averaging_points_are_quartic(size: int) -> None:
    problem = problem_of("erf", size, size)
    weights = averaging(size)
    report = lt.flat_directions(problem, weights)
    assert report.grad_norm <= 1e-14
    assert report.curved == report.nullity > 0
    assert (report.flat, report.flat_dimension, report.traced_dimension) == (0, 0, 0)
    assert not report.disagreements
    laws = [law for row in report.directions for law in row.growth.laws]
    assert laws
    for law in laws:
        assert law.exponent == pytest.approx(4.0, abs=0.02)
    if size == 2:
        assert report.loss == pytest.approx(1 / 3 - 4 / math.pi * math.asin(1 / 4), abs=1e-15)


@pytest.mark.parametrize(("dim", "dimension", "nullity"), [(None, 3, 6), (2, 2, 2), (3, 3, 3)])
def test_a_pair_that_cancels_is_flat(dim: int | None, dimension: int, nullity: int) -> None:
    # w in r + 1 coordinates, but for rotations outside the span; tangents in all d.
    problem = problem_of("erf", 4, dim=dim)
    for w in ([0.3, 0.4], [0.0, 0.0]):
        report = lt.flat_directions(problem, [[1, 0], [0, 1], w, np.negative(w)])
        assert report.zero_loss
        assert not report.disagreements
        assert (report.flat_dimension, report.traced_dimension) == (dimension, dimension)
        assert report.nullity == report.flat == nullity


def test_two_zero_neurons_of_gelu_are_null_and_not_flat() -> None:
    report = lt.flat_directions(problem_of("gelu", 4), [[1, 0], [0, 1], [0, 0], [0, 0]])
    assert report.zero_loss
    assert (report.flat, report.curved) == (0, report.nullity)
    assert report.nullity > 0
    assert not report.disagreements


@pytest.mark.parametrize("spec", ["leaky:0.1", "leaky:-0.5"])
def test_a_split_of_leaky_relu_is_flat_with_cubic_walls(spec: str) -> None:
    report = lt.flat_directions(problem_of(spec, 3), [[0.4, 0], [0.6, 0], [0, 1]])
    # The coefficient of |s|^3 is compared with the closed form, and would be a disagreement.
    assert any(row.analytic_coefficient for row in report.directions)
    assert not report.disagreements
    assert report.flat_dimension == 1
    assert report.zero_set is not None
    assert report.zero_set.components == 1


@pytest.mark.parametrize("spec", ["relu", "leaky:0.3", "squared-relu"])
def test_spectra_of_halved_neurons_are_predicted_for_every_degree(spec: str) -> None:
    # Any point: what is predicted holds where P u = 0, at a critical point of one neuron.
    problem = problem_of(spec, 1)
    loss = lt.PopulationLoss(problem)
    weights = np.full((1, 2), 0.8)
    for _ in range(20):
        weights -= np.linalg.solve(loss.hessian(weights), loss.gradient(weights).ravel())
    assert np.abs(loss.gradient(weights)).max() < 1e-14
    (split,) = neuron_splits(problem, weights, zero_tolerance=1e-9, zero_loss=False)
    assert split.prediction_error <= 1e-10


def fates(problem: lt.TeacherStudent, weights: np.ndarray) -> list[Fate]:
    return fates_from(fates_of(problem, weights, 0, LineageOptions(directions=3)))


@pytest.mark.parametrize(
    ("spec", "operations"),
    [
        ("leaky:0.1", {"zero neuron", "split"}),
        ("erf", {"zero neuron"}),
        ("gelu", {"zero neuron"}),
        ("softplus", set()),
    ],
)
def test_the_operations_that_keep_the_function(spec: str, operations: set[str]) -> None:
    found = fates(problem_of(spec, 2), np.eye(2))
    assert {fate.operation for fate in found} == operations
    # At zero loss the wider point has zero loss, too.
    for fate in found:
        assert fate.stays
        wider = lt.PopulationLoss(problem_of(spec, 3))
        assert wider.value(fate.ends[0]) == pytest.approx(0.0, abs=1e-15)


def test_a_zero_neuron_of_a_smooth_activation_grows_against_its_gradient() -> None:
    problem = problem_of("erf", 1)
    point = lt.find_minima(problem, starts=5).families[0].point
    wider = lt.PopulationLoss(problem.with_width(2))
    start = np.vstack([point.weights, np.zeros((1, 2))])
    # Finite differences: growing it in the direction of the mean teacher lowers the loss linearly.
    mean = np.ones(2) / math.sqrt(2)
    slope = [
        (wider.value([*point.weights, h * mean]) - wider.value(start)) / h for h in (1e-4, 1e-5)
    ]
    assert slope[0] == pytest.approx(slope[1], rel=1e-2)
    assert slope[1] < -1e-2
    (fate,) = fates(problem, point.weights)
    assert (fate.operation, fate.stays, fate.directions, fate.drawn) == (
        "zero neuron",
        False,
        1,
        False,
    )
    assert [round(float(wider.value(end)), 12) for end in fate.ends] == [0.0]


@pytest.fixture(scope="module")
def erf_graph() -> nx.MultiGraph:
    teacher = lt.Teacher.orthonormal(2).with_function("erf")
    return lt.landscape_graph(teacher, widths=[2, 3, 4], starts=20, options=FEW)


def test_the_width_above_the_teacher_brings_a_minimum_that_the_next_one_loses(
    erf_graph: nx.MultiGraph,
) -> None:
    rows = {row.width: row for row in lt.width_table(erf_graph)}
    # The exact barrier of the swap.
    swap = next(d for _, _, d in erf_graph.edges(data=True) if d.get("barrier_from"))
    assert swap["loss"] == pytest.approx(1 / 3 - 4 / math.pi * math.asin(1 / 4), abs=1e-12)
    spurious = erf_graph.nodes["w3-f1"]
    assert spurious["loss"] == pytest.approx(0.0014955118, abs=1e-10)
    assert spurious["smallest_eigenvalue"] == pytest.approx(0.008164, abs=5e-7)
    assert rows[3].step is not None
    assert rows[3].step.appear == ("w3-f1",)
    # Points at widths 2 and 3, where the third neuron is zero; one connected set at width 4.
    assert [rows[k].zero_components for k in (2, 3, 4)] == [2, 6, 1]
    assert [erf_graph.nodes[f"w{k}-f0"]["flat_dimension"] for k in (2, 3, 4)] == [0, 0, 3]
    assert erf_graph.nodes["w3-f0"]["zero_neurons"] == 1
    assert (
        erf_graph.nodes["w3-f0"]["description"]
        == "every teacher neuron is reproduced; 1 zero neuron"
    )
    fates = {
        (d["from_id"], d["to_id"], d["operation"], d["fate"])
        for _, _, d in erf_graph.edges(data=True)
        if d["kind"] == "lineage"
    }
    assert fates == {
        ("w2-f0", "w3-f0", "zero neuron", "stays"),
        ("w3-f0", "w4-f0", "zero neuron", "stays"),
        ("w3-f1", "w4-f0", "zero neuron", "flows"),
    }


def test_a_graph_of_another_activation_is_told_and_written(
    erf_graph: nx.MultiGraph, tmp_path: Path
) -> None:
    lt.write_graph(erf_graph, tmp_path / "erf.json")
    again = lt.read_graph(tmp_path / "erf.json")
    assert again.graph["teacher"] == "orthonormal:2 | activation=erf"
    assert [row.zero_components for row in lt.width_table(again)] == [2, 6, 1]
    assert "ReLU" not in report(prepare(erf_graph))


@pytest.mark.parametrize("outputs", [None, [1.0, 0.5]])
def test_the_graph_of_leaky_relu_has_the_lineage_of_relu(outputs: list[float] | None) -> None:
    teacher = lt.Teacher.orthonormal(2).with_function("leaky:0.1", outputs=outputs)
    graph = lt.landscape_graph(teacher, widths=[2, 3], starts=20, options=FEW)
    rows = {row.width: row for row in lt.width_table(graph)}
    assert rows[2].zero_components == 2
    assert rows[3].zero_components == 1
    assert graph.nodes["w3-f0"]["flat_dimension"] == 1
    operations = {d["operation"] for _, _, d in graph.edges(data=True) if d["kind"] == "lineage"}
    assert operations == {"zero neuron", "split"}


def loss_of_erf(weights: np.ndarray, size: int) -> float:
    """The loss with an orthonormal teacher by the arcsine formula (Williams 1997)."""
    every = np.vstack([weights, np.eye(size, weights.shape[1])])
    signs = np.array([1.0] * len(weights) + [-1.0] * size)
    products = every @ every.T
    lengths = np.sqrt(1.0 + np.diag(products))
    return float(signs @ np.arcsin(products / np.outer(lengths, lengths)) @ signs / math.pi)


@pytest.mark.parametrize(
    ("size", "spurious", "curvature"),
    [(2, 0.0014955118, 0.008164), (3, 0.0013336732, 0.007065), (4, 0.0012024933, 0.005013)],
)
def test_one_neuron_too_many_brings_a_spurious_minimum_of_erf_and_two_do_not(
    size: int, spurious: float, curvature: float
) -> None:
    found = lt.find_minima(problem_of("erf", size + 1, size), starts=60).families
    assert [round(family.loss, 10) for family in found] == [0.0, spurious]
    assert [family.flat_dimension for family in found] == [0, 0]
    weights = found[1].weights[:, :size]
    assert loss_of_erf(weights, size) == pytest.approx(spurious, abs=1e-10)
    # Its own minimum by differences: nothing nearby is lower, and by so much in the softest way.
    softest = np.linalg.eigh(lt.PopulationLoss(problem_of("erf", size + 1, size)).hessian(weights))
    move = 1e-2 * softest[1][:, 0].reshape(weights.shape)
    rise = loss_of_erf(weights + move, size) + loss_of_erf(weights - move, size)
    assert rise - 2 * spurious == pytest.approx(curvature * 1e-4, rel=2e-2)
    assert softest[0][0] == pytest.approx(curvature, abs=5e-7)
    wider = lt.find_minima(problem_of("erf", size + 2, size), starts=30).families
    assert [(family.is_global, family.flat_dimension) for family in wider] == [(True, size + 1)]


def test_a_negative_output_weight_of_an_odd_activation_turns_its_neuron() -> None:
    # -erf(v.x) = erf(-v.x): the landscape is that of the teacher with v turned around.
    teacher = lt.Teacher.orthonormal(2).with_function("erf", outputs=[1.0, -1.0])
    problem = lt.TeacherStudent(teacher, 3)
    reading = lt.read_point(problem, [[1.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    assert reading.description == "every teacher neuron is reproduced; 1 zero neuron"
    assert (reading.aligned, reading.anti_aligned) == (2, 0)
    found = lt.find_minima(problem, starts=30).families
    plain = lt.find_minima(problem_of("erf", 3), starts=30).families
    assert [family.loss for family in found] == pytest.approx([f.loss for f in plain], abs=1e-12)
    assert [family.anti_aligned for family in found] == [f.anti_aligned for f in plain]
