"""The XOR network and the spherical 3-spin model, against solvers of their own."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from scipy.optimize import minimize

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.named import named_model, named_over
from landtopo.models.spins import p_spin
from landtopo.models.torus import torus
from landtopo.models.xor import xor
from landtopo.objective import Array
from landtopo.study.verification.functions.evidence import FunctionEvidence


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("xor:0.01", 0),
        ("xor:sigmoid:0.02", 2),
        ("p-spin:5:2", 1),
        ("p-spin:5:2:2", 3),
        ("p-spin:4:2:5", 4),
    ],
)
def test_derivatives_are_those_of_the_values(name: str, seed: int) -> None:
    model = named_model(name)
    x = np.random.default_rng(seed).standard_normal(model.size)
    point = FunctionEvidence(model, x)
    _, slope = model.shape.objective.value_and_gradient(x)
    norm, error = point.slope
    assert norm == pytest.approx(float(np.linalg.norm(slope)), abs=error)
    assert error < 1e-9 * norm
    exact = model.shape.objective.hessian(x) / point.curvature_unit
    hessian, error = point.hessian
    assert np.linalg.norm(hessian - exact, 2) <= error < 1e-6 * np.linalg.norm(exact, 2)


# --- torus ------------------------------------------------------------------------------------


def test_the_flat_valley_of_the_torus_is_one_minimum(tmp_path: Path) -> None:
    """Every start in the valley ends at another place of it; values and curvatures by hand."""
    model = torus()
    found = lt.find_minima(model, starts=20)
    valley, isolated = found.families
    assert (valley.flat_dimension, isolated.flat_dimension) == (1, 0)
    assert (valley.orbit_size, isolated.orbit_size) == (1, 1)
    assert valley.count + isolated.count == 20
    assert found.others == ()
    assert (valley.loss, isolated.loss) == pytest.approx((0.0, 1.0), abs=1e-14)
    u, v = valley.x[:2], valley.x[2:]
    # Both vectors have length one, so that curvatures are those of the angles.
    assert (u @ u, v @ v, u[0]) == pytest.approx((1.0, 1.0, 1.0), abs=1e-12)
    assert valley.point.eigenvalues == pytest.approx([0.0, 2.5 + v[0]], abs=1e-9)
    assert isolated.point.eigenvalues == pytest.approx([0.5, 2.0], abs=1e-12)
    report = lt.flat_directions(model, valley.x)
    assert [str(kind) for kind in report.kinds] == ["gauge", "gauge", "flat"]
    (saddle,) = lt.find_saddles(model, starts=20).families
    assert (saddle.loss, saddle.orbit_size) == (pytest.approx(9 / 8), 2)
    (highest,) = lt.find_saddles(model, index=2, starts=20).families
    assert highest.loss == pytest.approx(5.0)
    # Euler's number of the torus: the valley is a circle and counts nothing.
    assert isolated.orbit_size - saddle.orbit_size + highest.orbit_size == 0


def test_a_study_of_the_torus_is_verified(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    runner = CliRunner()
    made = runner.invoke(application, ["graph", "--model", "torus", "--starts", "12", "-o", path])
    assert made.exit_code == 0
    assert "function torus: 2 minima, 1 transition state." in made.stdout
    checked = runner.invoke(application, ["verify", path])
    assert (checked.exit_code, "0 disagree" in checked.stdout) == (0, True)
    with lt.Study.open(path, write=True) as study:
        graph = study.graph()
        graph.nodes["min0"]["flat_dimension"] = 0
        study.save_graph(graph)
    checked = runner.invoke(application, ["verify", path])
    assert (checked.exit_code, "1 disagree" in checked.stdout) == (1, True)


@pytest.mark.parametrize(("power", "kind"), [(4, "undecided"), (0, "minimum")])
def test_null_directions_that_rise_are_no_flat_set(power: int, kind: str) -> None:
    """x^2 + y^4 has a null direction at its minimum along which it grows; x^2 alone is a valley."""

    def value(x: Array) -> float:
        return float(x[0] ** 2 + (x[1] ** power if power else 0.0))

    model = lt.function_model(
        value,
        lambda x: np.array([2 * x[0], power * x[1] ** 3 if power else 0.0]),
        lambda x: np.diag([2.0, power * 3.0 * x[1] ** 2]),
        low=[-1.0, -1.0],
        high=[1.0, 1.0],
    )
    point = model.strata.judge(np.zeros(2))
    assert str(point.kind) == kind
    assert FunctionEvidence(model, np.zeros(2)).flat_dimension == (1 if kind == "minimum" else None)


# --- XOR --------------------------------------------------------------------------------------


def xor_loss(p: Array, decay: float) -> float:
    """Written out point by point."""
    total = 0.0
    for a, b in product((-1.0, 1.0), repeat=2):
        first = np.tanh(p[0] * a + p[1] * b + p[2])
        second = np.tanh(p[3] * a + p[4] * b + p[5])
        wanted = 1.0 if a != b else -1.0
        total += (p[6] * first + p[7] * second + p[8] - wanted) ** 2 / 8.0
    return total + decay * float(np.sum(p**2)) / 2.0


def test_the_xor_loss_is_its_definition_and_keeps_its_symmetries() -> None:
    model = xor(0.02)
    assert model.shape.symmetry.order == 64
    p = np.random.default_rng(0).standard_normal(9)
    assert float(model.shape.objective.value(p)) == pytest.approx(xor_loss(p, 0.02), rel=1e-14)
    copies = [model.symmetry.act(g, p) for g in model.shape.symmetry.group.elements()]
    assert len({tuple(copy.round(9)) for copy in copies}) == 64
    assert [xor_loss(copy, 0.02) for copy in copies] == pytest.approx([xor_loss(p, 0.02)] * 64)


def test_the_logistic_xor_loss_is_its_definition_and_keeps_its_symmetries() -> None:
    model = xor(0.02, "sigmoid")
    assert model.name == "xor:sigmoid:0.02" == named_model("xor:sigmoid:0.02").name
    assert model.shape.symmetry.order == 16

    def loss(p: Array) -> float:
        total = 0.02 * float(np.sum(p**2)) / 2.0
        for a, b in product((-1.0, 1.0), repeat=2):
            inner = p[0] * a + p[1] * b + p[2], p[3] * a + p[4] * b + p[5]
            first, second = (1.0 / (1.0 + np.exp(-z)) for z in inner)
            total += (p[6] * first + p[7] * second + p[8] + a * b) ** 2 / 8.0
        return total

    p = np.random.default_rng(3).standard_normal(9)
    assert float(model.shape.objective.value(p)) == pytest.approx(loss(p), rel=1e-14)
    copies = [model.symmetry.act(g, p) for g in model.shape.symmetry.group.elements()]
    assert [loss(copy) for copy in copies] == pytest.approx([loss(p)] * 16, rel=1e-13)
    turned = p * np.array([-1, -1, -1, 1, 1, 1, -1, 1, 1])
    assert abs(loss(turned) - loss(p)) > 1e-2
    told = model.told(model.strata.judge(np.zeros(9)))
    assert told.eigenvalues == pytest.approx([0.02] * 8 + [1.52], abs=1e-12)


def test_decay_makes_the_origin_a_minimum_of_the_xor_loss() -> None:
    point = xor(0.01).strata.judge(np.zeros(9))
    told = xor(0.01).told(point)
    assert str(told.kind) == "minimum"
    assert told.value == 0.5
    assert told.eigenvalues == pytest.approx([0.01] * 8 + [1.01], abs=1e-12)


def test_xor_minima_are_those_of_another_minimiser() -> None:
    """BFGS of the loss as it is written out, with differences for derivatives."""
    found = lt.find_minima(xor(0.01), starts=60)
    known = {round(family.loss, 6): family for family in found.families}
    # Two networks that solve the task are told apart by their size; the origin does not.
    ends: dict[float, set[tuple[float, ...]]] = {}
    for seed in range(40):
        start = np.random.default_rng(seed).uniform(-3.0, 3.0, 9)
        end = minimize(xor_loss, start, args=(0.01,), method="BFGS", options={"gtol": 1e-7})
        end = minimize(xor_loss, end.x, args=(0.01,), method="BFGS", options={"gtol": 1e-8})
        if np.linalg.norm(end.jac) < 1e-5:
            ends.setdefault(round(float(end.fun), 6), set()).add(tuple(end.x.round(3) + 0.0))
    assert len(ends) >= 2
    assert set(ends) <= set(known)
    for value, places in ends.items():
        assert len(places) <= known[value].orbit_size
        model = xor(0.01)
        for place in places:
            apart = model.symmetry.apart(known[value].x / model.length, np.array(place) / 4.0)
            assert model.length == 4.0
            assert apart < 1e-2


# --- spins ------------------------------------------------------------------------------------


def symmetric_part(count: int, seed: int) -> Array:
    """Of the couplings, read off the energy: T_ijk is a third derivative of H, over six."""
    inner = p_spin(count, seed).shape.objective.inner
    return np.array([inner.hessian(unit) for unit in np.eye(count)]) / 6.0


def eigenvectors_of_three(tensor: Array) -> list[Array]:
    """Real eigenvectors of a cubic form of three variables, up to length.

    In the chart s = (a, b, 1) the two equations T(s,s)_1 = a T(s,s)_3 and T(s,s)_2 = b T(s,s)_3 are
    cubic; b is eliminated by the determinant of Sylvester's matrix, which is of degree 9 in a.
    """

    def in_b(a: float) -> list[Array]:
        values = []
        for b in (-1.0, 0.0, 1.0, 2.0):
            s = np.array([a, b, 1.0])
            square = np.einsum("ijk,j,k->i", tensor, s, s)
            values.append((square[0] - a * square[2], square[1] - b * square[2]))
        grid = np.vander([-1.0, 0.0, 1.0, 2.0], 4)
        return [np.linalg.solve(grid, column) for column in np.array(values).T]

    def resultant(a: float) -> float:
        first, second = in_b(a)
        rows = np.zeros((6, 6))
        for i in range(3):
            rows[i, i : i + 4], rows[3 + i, i : i + 4] = first, second
        return float(np.linalg.det(rows))

    nodes = np.cos(np.pi * (np.arange(16) + 0.5) / 16) * 3.0
    values = [resultant(a) for a in nodes]
    roots = np.polynomial.Polynomial.fit(nodes, values, 9).roots()
    found = []
    for a in roots[np.abs(roots.imag) < 1e-7].real:
        for b in np.roots(in_b(a)[1]):
            s = np.array([a, b.real, 1.0])
            square = np.einsum("ijk,j,k->i", tensor, s, s)
            if abs(b.imag) < 1e-7 and np.abs(square - (square @ s) / (s @ s) * s).max() < 1e-6:
                found.append(s / np.linalg.norm(s))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_critical_points_of_three_spins_are_the_roots_of_their_equations(seed: int) -> None:
    model, tensor = p_spin(3, seed), symmetric_part(3, seed)
    exact = [sign * s for s in eigenvectors_of_three(tensor) for sign in (1.0, -1.0)]
    found = [lt.find_minima(model, starts=30).families]
    found += [lt.find_saddles(model, index=index, starts=30).families for index in (1, 2)]
    points = [family for families in found for family in families]
    assert len(points) == len(exact) <= 2 * (2**3 - 1)
    for family in points:
        assert np.linalg.norm(family.x) == pytest.approx(3**0.5, rel=1e-12)
        nearest = min(np.linalg.norm(family.x / 3**0.5 - s) for s in exact)
        assert nearest < 1e-5
        s = family.x
        assert family.loss == pytest.approx(np.einsum("ijk,i,j,k", tensor, s, s, s), rel=1e-9)
    # The sphere's Euler number, and as many maxima as minima.
    counts = [len(families) for families in found]
    assert counts[0] - counts[1] + counts[2] == 2
    assert counts[0] == counts[2]
    assert sorted(f.loss for f in found[2]) == pytest.approx(
        sorted(-f.loss for f in found[0]), rel=1e-9
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_pairs_of_spins_have_the_eigenvectors_of_their_matrix(seed: int) -> None:
    """The k-th eigenvalue is the energy per spin of a point of index k, and of its copy."""
    model = p_spin(5, seed, order=2)
    matrix = model.shape.objective.inner.hessian(np.zeros(5)) / 2.0
    values = np.linalg.eigvalsh(matrix)
    for index in range(5):
        search = lt.find_saddles(model, index=index, starts=12) if index else None
        found = (search or lt.find_minima(model, starts=12)).families
        assert [(family.loss, family.orbit_size) for family in found] == [
            (pytest.approx(5.0 * values[index], abs=1e-10), 2)
        ]
        x = found[0].x
        assert np.abs(matrix @ x - values[index] * x).max() < 1e-9


def test_four_spins_in_a_field_are_followed_without_the_copies_that_it_destroys() -> None:
    plain = p_spin(4, 1, order=4)
    assert plain.symmetry.match(-np.ones(4), np.ones(4)) is not None
    field = named_over("p-spin:4:1:4", "field=0,0.5").models
    assert all(model.symmetry.match(-np.ones(4), np.ones(4)) is None for model in field)
    s = np.array([0.3, -1.2, 0.7, 1.1])
    s *= 2.0 / np.linalg.norm(s)
    values = [float(model.shape.objective.value(s)) for model in (plain, *field)]
    assert values[0] == values[1] == pytest.approx(values[2] + 0.5 * s.sum(), rel=1e-12)


def test_a_study_of_spins_is_verified(tmp_path: Path) -> None:
    """Lengths of ways are those on the sphere, whatever length a search gave its points."""
    path = str(tmp_path / "s")
    runner = CliRunner()
    made = runner.invoke(
        application, ["graph", "--model", "p-spin:3:2", "--starts", "12", "-o", path]
    )
    assert made.exit_code == 0
    assert "spherical 3-spin model p-spin:3:2: 4 minima, 6 transition states." in made.stdout
    with lt.Study.open(path) as study:
        rows = [*study.graph().nodes.values(), *study.graph().edges.values()]
    for row in rows:
        assert np.linalg.norm(row["coordinates"]) == pytest.approx(3**0.5, rel=1e-12)
    checked = runner.invoke(application, ["verify", path])
    assert (checked.exit_code, "0 disagree" in checked.stdout) == (0, True)


@pytest.mark.parametrize("order", [2, 4])
def test_energies_of_other_orders_have_their_covariance(order: int) -> None:
    turn = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]]) * 3**0.5
    models = [p_spin(3, seed, order=order) for seed in range(600)]
    energies = np.array([model.shape.objective.value(turn) for model in models])
    wanted = 3.0 * np.array([[1.0, 0.6**order], [0.6**order, 1.0]])
    assert np.cov(energies.T) == pytest.approx(wanted, abs=5.0 * 3.0 * (2.0 / 600) ** 0.5)


def test_the_energies_have_their_covariance() -> None:
    """N q^3, over many couplings; and 2 sqrt(7) critical points on a circle, by Kac and Rice."""
    turn = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]]) * 3**0.5
    energies = np.array([p_spin(3, seed).shape.objective.value(turn) for seed in range(1000)])
    wanted = 3.0 * np.array([[1.0, 0.6**3], [0.6**3, 1.0]])
    # Five standard errors of a covariance of 1000 samples.
    assert np.cov(energies.T) == pytest.approx(wanted, abs=5.0 * 3.0 * (2.0 / 1000) ** 0.5)
    angles = np.linspace(0.0, 2 * np.pi, 721)[:-1]
    circle = np.sqrt(2) * np.column_stack([np.cos(angles), np.sin(angles)])
    counts = []
    for seed in range(200):
        values = p_spin(2, seed).shape.objective.value(circle)
        steps = np.sign(np.roll(values, -1) - values)
        counts.append(int(np.sum(steps != np.roll(steps, 1))))
    error = np.std(counts) / len(counts) ** 0.5
    assert np.mean(counts) == pytest.approx(2 * 7**0.5, abs=5.0 * error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("xor:0", "'decay' argument of xor must be a number > 0; got 0"),
        ("xor", "The model 'xor' is none of mueller-brown"),
        ("p-spin:1:0", "'count' argument of p_spin must be an integer >= 2; got 1"),
        ("p-spin:5:x", "The model 'p-spin:5:x' cannot be read"),
        ("p-spin:5:1:7", "'order' argument of p_spin must be at most 6; got 7"),
        ("p-spin:60:1:4", "at most 53 where p is 4; got 60"),
        ("xor:relu:0.1", "'activation' argument of xor must be tanh or sigmoid; got 'relu'"),
    ],
)
def test_what_names_no_such_model_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        named_model(text)
