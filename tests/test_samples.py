"""The loss on samples: its derivatives, its limit, and what becomes of population minima."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from scipy.integrate import solve_ivp
from scipy.optimize import minimize
from scipy.special import erf

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.named import named_model
from landtopo.objective import Array
from landtopo.study.verification.functions.evidence import FunctionEvidence

RANDOM = np.random.default_rng(0)
INPUTS = RANDOM.standard_normal((40, 2))
TARGETS = RANDOM.standard_normal(40)


@pytest.mark.parametrize(
    "activation", ["erf", "tanh", "gelu", "softplus", "cos", "polynomial:0,1,0.5"]
)
def test_derivatives_are_those_of_the_values(activation: str) -> None:
    model = lt.sample_model(
        INPUTS, TARGETS, 3, activation=activation, outputs=[1.0, -0.5, 2.0], regulariser=0.1
    )
    x = 0.7 * np.random.default_rng(1).standard_normal(6)
    point = FunctionEvidence(model, x)
    objective = model.shape.objective
    value, slope = objective.value_and_gradient(x)
    norm, error = point.slope
    assert norm == pytest.approx(float(np.linalg.norm(slope)), abs=error)
    assert error < 1e-9 * norm
    exact = objective.hessian(x) / point.curvature_unit
    hessian, error = point.hessian
    assert np.linalg.norm(hessian - exact, 2) <= error < 1e-6 * np.linalg.norm(exact, 2)
    batch = objective.value(np.array([x, 2 * x]))
    assert batch[0] == value == objective.value_and_gradient(np.array([x, x]))[0][1]


def test_the_loss_is_its_definition() -> None:
    """Written out sample by sample."""
    model = lt.sample_model(INPUTS, TARGETS, 2, outputs=[2.0, 1.0], regulariser=0.3)
    w = np.array([[0.3, -1.2], [0.8, 0.1]])
    total = 0.0
    for x, y in zip(INPUTS, TARGETS, strict=True):
        f = 2.0 * erf(w[0] @ x / 2**0.5) + erf(w[1] @ x / 2**0.5)
        total += (f - y) ** 2 / (2 * len(TARGETS))
    total += 0.15 * np.sum(w**2)
    assert float(model.shape.objective.value(w.ravel())) == pytest.approx(total, rel=1e-13)


@pytest.mark.parametrize("activation", ["erf", "gelu"])
def test_many_samples_give_the_population_loss(activation: str) -> None:
    """Value, gradient and Hessian of the closed forms, within five standard errors."""
    teacher = lt.Teacher.random(3, dim=3, seed=2)
    problem = lt.TeacherStudent(teacher, 2, dim=3, activation=activation)
    loss = lt.PopulationLoss(problem)
    weights = np.random.default_rng(3).standard_normal((2, problem.rank))
    count, parts = 2000, 24
    found: list[list[Array]] = [[], [], []]
    for seed in range(parts):
        model = lt.sample_model(
            *lt.gaussian_samples(problem, count, seed=seed), 2, activation=activation
        )
        objective = model.shape.objective
        value, gradient = objective.value_and_gradient(weights.ravel())
        for kept, part in zip(
            found, (value, gradient, objective.hessian(weights.ravel())), strict=True
        ):
            kept.append(np.ravel(part))
    exact = (loss.value(weights), loss.gradient(weights), loss.hessian(weights))
    for kept, wanted in zip(found, exact, strict=True):
        mean, error = np.mean(kept, axis=0), np.std(kept, axis=0) / parts**0.5
        assert np.all(np.abs(mean - np.ravel(wanted)) <= 5.0 * error)


def test_distances_shrink_like_the_root_of_the_number_of_samples() -> None:
    """One neuron for two: its minimum has a residue, and moves by H^-1 g to first order.

    The mean square of n |H^-1 g_n|^2 is tr(H^-1 S H^-1), S the covariance of one sample's gradient,
    here by a plain Monte Carlo mean over other samples.
    """
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 1, dim=2, activation="erf")
    population = lt.find_minima(problem, starts=10).families
    (family,) = population
    w = family.weights[0]
    x = np.random.default_rng(5).standard_normal((200_000, 2))
    missed = erf(x @ w / 2**0.5) - np.sum(erf(x / 2**0.5), axis=1)
    slopes = (missed * np.sqrt(2 / np.pi) * np.exp(-((x @ w) ** 2) / 2))[:, None] * x
    inverse = np.linalg.inv(lt.PopulationLoss(problem).hessian(family.weights))
    wanted = np.sqrt(np.trace(inverse @ np.cov(slopes.T) @ inverse))
    sizes = [100, 1000, 10_000]
    distances = []
    for count in sizes:
        squares = []
        for seed in range(12):
            model = lt.sample_model(*lt.gaussian_samples(problem, count, seed=seed), width=1)
            found = lt.find_minima(model, starts=3)
            compared = lt.compare_with_population(problem, population, model, found)
            (one,) = compared.counterparts
            assert one.exists
            assert one.sample_family == "min0"
            assert compared.only_on_samples == ()
            squares.append(one.distance**2)
        distances.append(np.sqrt(np.mean(squares)))
    slope = np.polyfit(np.log(sizes), np.log(distances), 1)[0]
    # Twelve samples of two normal numbers: the logarithm of each is known to about 1/7.
    assert slope == pytest.approx(-0.5, abs=0.08)
    assert np.sqrt(sizes[-1]) * distances[-1] == pytest.approx(wanted, rel=0.4)


def test_the_global_minimum_of_three_neurons_moves_by_noise_as_it_must() -> None:
    """K = M = 3: at zero loss one sample's gradient under noise s has the covariance s^2 H.

    So that n times the mean square distance is s^2 tr H^-1, from a hundred samples to 100,000.
    """
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, dim=3, activation="erf")
    population = lt.find_minima(problem, starts=10).families
    (family,) = population
    noise = 0.1
    hessian = lt.PopulationLoss(problem).hessian(family.weights)
    wanted = noise * np.sqrt(np.trace(np.linalg.inv(hessian)))
    draws = {100: 8, 1000: 8, 10_000: 6, 100_000: 1}
    distances, scaled = [], []
    for count, seeds in draws.items():
        squares = []
        for seed in range(seeds):
            x, y = lt.gaussian_samples(problem, count, seed=seed)
            y = y + noise * np.random.default_rng([count, seed]).standard_normal(count)
            model = lt.sample_model(x, y, width=3)
            found = lt.find_minima(model, starts=2)
            (one,) = lt.compare_with_population(problem, population, model, found).counterparts
            assert one.exists
            squares.append(one.distance**2)
        distances.append(np.sqrt(np.mean(squares)))
        scaled += [count * square for square in squares]
    slope = np.polyfit(np.log(list(draws)), np.log(distances), 1)[0]
    # Most of a distance lies along a few soft directions: a logarithm is known to about 1/3 of one.
    assert slope == pytest.approx(-0.5, abs=0.1)
    assert np.sqrt(np.mean(scaled)) == pytest.approx(wanted, rel=0.3)


def test_what_reproduces_the_teacher_does_so_on_any_samples() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, dim=3, activation="erf")
    population = lt.find_minima(problem, starts=10).families
    model = lt.sample_model(*lt.gaussian_samples(problem, 200, seed=1), width=3)
    found = lt.find_minima(model, starts=10)
    compared = lt.compare_with_population(problem, population[:1], model, found)
    (one,) = compared.counterparts
    assert (one.exists, one.sample_family) == (True, "min0")
    assert one.distance < 1e-10
    assert found.families[0].orbit_size == 6
    assert found.families[0].description == "neurons of lengths 1, 1, 1"


def test_minima_that_only_samples_have_are_listed() -> None:
    """Twelve noisy samples have a minimum besides, as another minimiser finds from its place."""
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, dim=2, activation="erf")
    population = lt.find_minima(problem, starts=10).families
    inputs, targets = lt.gaussian_samples(problem, 12, seed=4)
    targets = targets + np.random.default_rng(4).standard_normal(12)
    model = lt.sample_model(inputs, targets, width=2, regulariser=0.01, spread=2.0)
    found = lt.find_minima(model, starts=40)
    compared = lt.compare_with_population(problem, population, model, found)
    known = {one.sample_family for one in compared.counterparts if one.exists}
    assert set(compared.only_on_samples) == {one.id for one in found.families} - known
    assert compared.only_on_samples
    objective = model.shape.objective
    for family in found.families:
        # From beside the minimum, with values alone.
        again = minimize(
            lambda y: float(objective.value(y)), family.x + 1e-3, method="Nelder-Mead",
            options={"xatol": 1e-9, "fatol": 1e-15, "maxiter": 4000},
        )  # fmt: skip
        assert again.fun == pytest.approx(family.loss, abs=1e-12)
        assert again.x == pytest.approx(family.x, abs=1e-5)


def test_copies_are_followed_to_where_the_flow_leads() -> None:
    """K = M = 3, a hundred samples: SciPy's flow from each copy of the spurious minimum.

    Steps along eigenvectors led from the first copy into the next basin, so that its own minimum
    was told as one that only the samples have.
    """
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, dim=3, activation="erf")
    population = lt.find_minima(problem, starts=100, init="gaussian:3.5").families[:2]
    x, y = lt.gaussian_samples(problem, 100, seed=1)
    model = lt.sample_model(x, y, width=3, spread=2.0)
    found = lt.find_minima(model, starts=12)
    compared = lt.compare_with_population(problem, population, model, found)

    def downhill(_: float, w: np.ndarray) -> np.ndarray:
        heights = x @ w.reshape(3, 3).T / 2**0.5
        missed = erf(heights).sum(axis=1) - y
        slopes = missed[:, None] * np.exp(-(heights**2)) * (2 / np.pi) ** 0.5
        return -(slopes.T @ x).ravel() / len(x)

    spurious = population[1].weights
    counterparts = [one for one in compared.counterparts if one.family == population[1].id]
    cyclic = [spurious[:, np.roll([0, 1, 2], shift)] for shift in range(3)]
    ends = []
    for copy in cyclic:
        flow = solve_ivp(downhill, (0.0, 3e4), copy.ravel(), method="BDF", rtol=1e-6, atol=1e-9)
        missed = erf(x @ flow.y[:, -1].reshape(3, 3).T / 2**0.5).sum(axis=1) - y
        ends.append(np.mean(missed**2) / 2)
    assert sorted(one.loss for one in counterparts) == pytest.approx(sorted(ends), abs=1e-9)
    assert all(one.exists for one in counterparts)
    assert {one.sample_family for one in compared.counterparts} == {"min0", "min1", "min2", None}
    assert compared.only_on_samples == ()


def test_neurons_with_equal_outputs_change_places_and_even_ones_their_sign() -> None:
    orders = {
        ("erf", (1.0, 1.0, 1.0)): 6,
        ("erf", (2.0, 1.0, 2.0)): 2,
        ("cos", (1.0, 1.0, 1.0)): 48,
        ("cos", (1.0, -1.0, 3.0)): 8,
    }
    for (activation, outputs), order in orders.items():
        model = lt.sample_model(INPUTS, TARGETS, 3, activation=activation, outputs=outputs)
        assert model.shape.symmetry.order == order
        x = np.arange(6.0)
        for element in model.shape.symmetry.group.generators:
            copy = model.symmetry.act(element.tolist(), x)
            value = model.shape.objective.value(np.array([x, copy]))
            assert value[0] == pytest.approx(value[1], rel=1e-14)


# --- files and refusals -----------------------------------------------------------------------


def run(*arguments: object) -> Any:
    return CliRunner().invoke(application, [str(each) for each in arguments])


def test_a_file_of_samples_is_a_model_with_studies(tmp_path: Path) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 1, dim=2, activation="erf")
    inputs, targets = lt.gaussian_samples(problem, 50)
    file, study = tmp_path / "data.npz", tmp_path / "s.landtopo"
    np.savez(file, inputs=inputs, targets=targets, width=2, activation="tanh", regulariser=0.05)
    result = run("graph", "--model", f"samples:{file}", "--starts", 8, "-o", study)
    assert "loss of 2 neurons (tanh) on 50 samples" in result.stdout
    assert run("verify", study).exit_code == 0
    np.savez(file, inputs=inputs, targets=-targets, width=2, activation="tanh", regulariser=0.05)
    refused = run("graph", "-o", study)
    assert (refused.exit_code, "has changed: its SHA-256 was" in refused.stderr) == (2, True)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"width": 9}, "'width' argument of sample_model must be at most 8; got 9"),
        ({"width": 2.5}, "must hold a whole number as width"),
        ({"activation": "relu"}, "must be smooth: relu has no second derivative"),
        ({"targets": TARGETS[:-1]}, r"'targets' argument of sample_model must .*\(40,\)"),
        ({"inputs": np.full((40, 2), np.nan)}, "'inputs' argument of sample_model"),
        ({"activation": ["erf"]}, "must hold one value as activation"),
        ({"activation": 3.0}, "'activation' argument must be one of"),
        ({"outputs": [1.0, 0.0]}, "must have no zeros"),
        ({"regulariser": -1.0}, "'regulariser' argument of sample_model must be a number >= 0"),
        ({"spread": 0.0}, "'spread' argument of sample_model"),
        ({"labels": TARGETS}, "holds 'labels'; samples have inputs, targets, width"),
        ({"width": None}, "lacks width; samples have"),
    ],
)
def test_samples_that_cannot_be_used_are_refused(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    held = {"inputs": INPUTS, "targets": TARGETS, "width": 2, **changed}
    file = tmp_path / "data.npz"
    np.savez(file, **{key: value for key, value in held.items() if value is not None})
    with pytest.raises(InvalidArgument, match=words):
        named_model(f"samples:{file}")


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "data.npz"
    with pytest.raises(InvalidArgument, match="There is no file"):
        named_model(f"samples:{file}")
    file.write_text("no archive")
    with pytest.raises(InvalidArgument, match="cannot be read as an "):
        named_model(f"samples:{file}")
    np.savez(file, inputs=np.array([{}], dtype=object), targets=TARGETS, width=2)
    with pytest.raises(InvalidArgument, match="cannot be read as an "):
        named_model(f"samples:{file}")
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="erf")
    model = lt.sample_model(INPUTS, TARGETS, 3)
    with pytest.raises(InvalidArgument, match="2 neurons on at least 2 inputs; got 3 on 2"):
        lt.compare_with_population(problem, [], model, lt.find_minima(model, starts=2))
