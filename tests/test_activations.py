"""Activations: their pair integrals by independent routes, and what is declared of them."""

from __future__ import annotations

import copy
import json
import math
import textwrap
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as main

import landtopo as lt
from landtopo.kernels import batches, curvature, relu
from landtopo.models.networks import activation as registry
from landtopo.models.networks import activations
from landtopo.models.networks.activation import Activation, activation_from_spec, activation_names
from landtopo.models.networks.dynamics.ends import RunOptions

# One of each file, with parameters that make every coefficient count.
SPECS = (
    "relu",
    "leaky:0.3",
    "abs",
    "squared-relu",
    "quadratic",
    "polynomial:0.1,1,0.5,-0.2",
    "erf",
    "gelu",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
)
SPAN = np.array([[1.0, 0.2, 0.0], [-0.3, 0.8, 0.5]])
STUDENTS = np.array([[0.9, -0.4, 0.3], [0.2, 0.7, -0.6], [-0.5, 0.1, 1.1]])
OUTPUTS = (1.0, -0.7)
STRENGTHS = (1.0, 0.6, -1.2)


def loss_of(spec: str) -> lt.PopulationLoss:
    teacher = lt.Teacher.from_vectors(np.vstack([SPAN, [0.1, 0.0, 0.9]]))
    teacher = teacher.with_function(spec, outputs=[*OUTPUTS, 1.3])
    return lt.PopulationLoss(lt.TeacherStudent(teacher, 3, outputs=STRENGTHS))


def plain_loss() -> lt.PopulationLoss:
    return lt.PopulationLoss(lt.TeacherStudent(lt.Teacher.orthonormal(3), 3))


def exact_pair(function: Activation, u: np.ndarray, v: np.ndarray) -> float:
    """G(u, v) to 30 digits: in polar coordinates for a kink, by a trapezoid otherwise."""
    with mpmath.workdps(30):
        if function.kinks or function.merges:
            return float(_polar(function, u, v))
        return float(_trapezoid(function, u, v))


def _polar(function: Activation, u: np.ndarray, v: np.ndarray) -> mpmath.mpf:
    # s(r t) = r^h s(t): the radius gives E[r^(2 h)] = 2^h h!, the angle is smooth between kinks.
    h = function.degree
    lengths = [mpmath.norm(mpmath.matrix(x.tolist())) for x in (u, v)]
    angles = [mpmath.atan2(float(x[1]), float(x[0])) for x in (u, v)]
    half = mpmath.pi / 2
    cuts = sorted({(a + k * half) % (2 * mpmath.pi) for a in angles for k in (-1, 1)})

    def integrand(t: mpmath.mpf) -> mpmath.mpf:
        parts = [
            function.exact(mpmath.mp, length * mpmath.cos(t - angle))
            for length, angle in zip(lengths, angles, strict=True)
        ]
        return parts[0] * parts[1]

    whole = mpmath.quad(integrand, [0, *cuts, 2 * mpmath.pi])
    return whole * 2**h * math.factorial(h) / (2 * mpmath.pi)


def _trapezoid(function: Activation, u: np.ndarray, v: np.ndarray) -> mpmath.mpf:
    # Of an analytic integrand under the normal density: the error falls like exp(-2 pi^2 / h^2),
    # or like exp(-2 pi a / h) with poles at a distance a, here pi.
    step, count = mpmath.mpf(1) / 4, 48
    nodes = [k * step for k in range(-count, count + 1)]
    weights = [mpmath.npdf(z) * step for z in nodes]
    total = mpmath.mpf(0)
    lower = mpmath.sqrt(float(u @ u))
    along = float(u @ v) / lower
    across = mpmath.sqrt(max(mpmath.mpf(float(v @ v)) - along**2, 0))
    for x, w in zip(nodes, weights, strict=True):
        left = w * function.exact(mpmath.mp, lower * x)
        inner = sum(
            y * function.exact(mpmath.mp, along * x + across * z)
            for z, y in zip(nodes, weights, strict=True)
        )
        total += left * inner
    return total


@pytest.mark.parametrize("spec", SPECS)
def test_the_loss_is_the_sum_of_exact_pair_integrals(spec: str) -> None:
    # K = 1 and M = 1: L = G(w, w) / 2 - b G(w, v) + b^2 G(v, v) / 2.
    function = activation_from_spec(spec)
    v = np.array([0.8, 0.0])
    teacher = lt.Teacher.from_vectors([v]).with_function(spec, outputs=[-1.5])
    loss = lt.PopulationLoss(lt.TeacherStudent(teacher, 1))
    w = np.array([-0.9, 0.1])
    own, mixed = exact_pair(function, w, w), exact_pair(function, w, v)
    expected = 0.5 * own + 1.5 * mixed + 0.5 * 1.5**2 * exact_pair(function, v, v)
    # A few roundings of terms of order one; the trapezoid of 30 digits has 1e-15 for poles.
    assert loss.value([w]) == pytest.approx(expected, rel=2e-14, abs=2e-14)


@pytest.mark.parametrize("spec", SPECS)
def test_derivatives_are_those_of_the_loss(spec: str) -> None:
    loss = loss_of(spec)
    value, gradient = loss.value_and_gradient(STUDENTS)
    hessian = loss.hessian(STUDENTS)
    generator = np.random.default_rng(0)
    move = generator.standard_normal(STUDENTS.shape)
    move /= np.linalg.norm(move)
    # Taylor: what is left after the second order falls like the third power of the step.
    rests = []
    for step in (2e-2, 1e-2):
        there = loss.value(STUDENTS + step * move)
        first = step * np.sum(gradient * move)
        second = 0.5 * step**2 * move.ravel() @ hessian @ move.ravel()
        rests.append(abs(there - value - first - second))
    scale = abs(value) + float(np.linalg.norm(hessian))
    # Without a third order (x^2 has a fourth) the rest may be small; it must not fall more slowly.
    assert rests[1] <= rests[0] / 6.5 + 1e-14 * scale
    assert rests[0] <= 1e-4 * scale
    # Central differences of the gradient: third derivatives of order one times h^2 = 1e-10.
    h = 1e-5
    changed = (loss.gradient(STUDENTS + h * move) - loss.gradient(STUDENTS - h * move)) / (2 * h)
    assert changed.ravel() == pytest.approx(hessian @ move.ravel(), abs=1e-8 * scale)
    assert hessian == pytest.approx(hessian.T, abs=1e-14 * scale)


@pytest.mark.parametrize("spec", SPECS)
def test_the_loss_is_what_samples_say(spec: str) -> None:
    loss = loss_of(spec)
    problem = loss.problem
    x = np.random.default_rng(1).standard_normal((200_000, 3))
    s = problem.function.function
    error = s(x @ STUDENTS.T) @ problem.strengths
    error -= s(x @ problem.teacher.vectors.T) @ problem.teacher.strengths
    squares = 0.5 * error**2
    # Five standard errors: one in two million.
    assert loss.value(STUDENTS) == pytest.approx(
        squares.mean(), abs=5 * squares.std() / math.sqrt(len(x))
    )
    u = np.array([0.4, -0.7, 0.5])
    slopes = error * s(x @ u)
    assert loss.psi(u, STUDENTS) == pytest.approx(
        slopes.mean(), abs=5 * slopes.std() / math.sqrt(len(x))
    )


@pytest.mark.parametrize("spec", SPECS)
def test_the_normal_block_is_the_hessian_of_an_unused_column(spec: str) -> None:
    loss = loss_of(spec)
    wider = np.pad(STUDENTS, ((0, 0), (0, 1)))
    blocks = loss.hessian(wider).reshape(3, 4, 3, 4)
    block = loss.normal_block(STUDENTS)
    assert blocks[:, 3, :, 3] == pytest.approx(block, abs=1e-13)


@pytest.mark.parametrize("spec", SPECS)
def test_rotations_and_renumberings_change_nothing(spec: str) -> None:
    loss = loss_of(spec)
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((3, 3)))[0]
    teacher, order = loss.problem.teacher, [2, 0, 1]
    turned = lt.Teacher.from_vectors(teacher.vectors[order] @ turn)
    turned = turned.with_function(spec, outputs=teacher.strengths[order])
    outputs = np.array(STRENGTHS)[order]
    other = lt.PopulationLoss(lt.TeacherStudent(turned, 3, outputs=outputs))
    moved = STUDENTS[order] @ turn
    assert other.value(moved) == pytest.approx(loss.value(STUDENTS), rel=1e-12)
    gradient = loss.gradient(STUDENTS)[order] @ turn
    assert other.gradient(moved) == pytest.approx(gradient, abs=1e-11)


@pytest.mark.parametrize("spec", SPECS)
def test_what_is_declared_holds(spec: str) -> None:
    function = activation_from_spec(spec)
    assert activation_from_spec(function.name).name == function.name
    x = np.linspace(-3.0, 3.0, 41)
    values = function.function(x)
    opposite = function.function(-x)
    for parity in (1, -1):
        holds = np.allclose(opposite, parity * values, rtol=1e-13, atol=1e-13)
        assert holds == (function.parity == parity)
    if function.degree is not None:
        assert function.function(2.5 * x) == pytest.approx(2.5**function.degree * values, rel=1e-12)
    with mpmath.workdps(30):
        exact = [float(function.exact(mpmath.mp, mpmath.mpf(y))) for y in x]
    assert values == pytest.approx(exact, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("spec", SPECS)
def test_slopes_are_the_derivatives_of_s(spec: str) -> None:
    function = activation_from_spec(spec)
    if function.slopes is None:
        assert function.kinks
        return
    x = np.linspace(-3.0, 3.0, 13)
    with mpmath.workdps(40):
        for order, found in enumerate(function.slopes(x), start=1):
            exact = [
                float(mpmath.diff(lambda y: function.exact(mpmath.mp, y), mpmath.mpf(y), order))
                for y in x
            ]
            assert found == pytest.approx(exact, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("spec", ["relu", "erf"])
def test_no_array_is_compiled_for_twice(spec: str) -> None:
    loss = loss_of(spec) if spec != "relu" else plain_loss()
    kept = STUDENTS.copy()
    kept.flags.writeable = False

    def use(weights: np.ndarray) -> list[int]:
        loss.value_and_gradient(weights)
        loss.hessian(weights)
        loss.normal_block(weights)
        loss.hvp(weights, weights)
        loss.psi(weights[0], weights)
        compiled = (
            relu.batch_value_gradient,
            relu.psi_values,
            curvature.batch_hessian,
            curvature.batch_hvp,
            curvature.batch_normal_block,
            batches.evaluate,
        )
        return [len(function.signatures) for function in compiled]

    assert use(STUDENTS) == use(kept) == use(np.asfortranarray(STUDENTS))


def test_a_formula_stays_in_its_process() -> None:
    # What pickles and copies hold: addresses mean nothing elsewhere.
    function = activation_from_spec("erf")
    assert function.formula is function.formula
    sent = copy.copy(function)
    assert "formula" not in sent.__dict__
    assert sent.formula.address == function.formula.address


def test_the_list_of_names_is_the_list_of_files() -> None:
    given = {spec.partition(":")[0] for spec in SPECS}
    assert given == {name.partition(":")[0] for name in activation_names()}


@pytest.mark.parametrize("spec", ["erf", "gelu"])
def test_long_and_nearly_parallel_weights_keep_their_digits(spec: str) -> None:
    # D = (1 + p)(1 + q) - c^2 cancels 16 digits at |w| = 1e4 and an angle of 1e-6.
    function = activation_from_spec(spec)
    w = 3e3 * np.array([1.0, 1e-6])
    v = np.array([3e3, 0.0])
    teacher = lt.Teacher.from_vectors([v]).with_function(spec)
    gradient = lt.PopulationLoss(lt.TeacherStudent(teacher, 1)).gradient([w])[0]

    def loss(x: mpmath.mpf, y: mpmath.mpf) -> mpmath.mpf:
        p, q, c = x**2 + y**2, mpmath.mpf(3000) ** 2, 3000 * x
        return _closed(spec, p, p, p) / 2 - _closed(spec, p, q, c)

    with mpmath.workdps(60):
        at = (mpmath.mpf(float(w[0])), mpmath.mpf(float(w[1])))
        exact = [float(mpmath.diff(loss, at, n)) for n in ((1, 0), (0, 1))]
    # Rounding of the two terms G_c v and 2 G_p w that cancel: 1e-16 of each.
    size = 1e-15 * 3e3 * (1.0 if spec == "gelu" else 1.0 / 3e3)
    assert gradient == pytest.approx(exact, abs=20 * size)
    assert function.longest == math.inf


def _closed(spec: str, p: mpmath.mpf, q: mpmath.mpf, c: mpmath.mpf) -> mpmath.mpf:
    angle = mpmath.asin(c / mpmath.sqrt((1 + p) * (1 + q)))
    if spec == "erf":
        return 2 / mpmath.pi * angle
    d = (1 + p) * (1 + q) - c**2
    n = p * q + c**2 * (1 - p * q) / ((1 + p) * (1 + q))
    return c / 4 + c * angle / (2 * mpmath.pi) + n / (2 * mpmath.pi * mpmath.sqrt(d))


def test_gelu_has_the_published_self_overlap() -> None:
    # g(1, 1, 1), to 20 digits by mpmath.
    teacher = lt.Teacher.from_vectors([[1.0]]).with_function("gelu")
    loss = lt.PopulationLoss(lt.TeacherStudent(teacher, 1))
    _, constant = loss.frame(1)
    assert constant == pytest.approx(0.42522148257029867492, rel=1e-15)


def test_series_are_refused_where_they_are_not_known() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(1), 1, activation="tanh")
    with pytest.raises(lt.InvalidArgument, match=r"no neuron longer than 1\.5"):
        lt.PopulationLoss(problem).value([[1.6]])


@pytest.mark.parametrize("spec", ["tanh", "sigmoid", "softplus", "silu"])
def test_the_series_holds_up_to_its_longest_neuron(spec: str) -> None:
    # The slowest convergence: parallel neurons of the largest length, by a fine one-dimensional
    # trapezoid.
    function = activation_from_spec(spec)
    teacher = lt.Teacher.from_vectors([[function.longest]]).with_function(spec)
    _, constant = lt.PopulationLoss(lt.TeacherStudent(teacher, 1)).frame(1)
    z = np.arange(-12.0, 12.0, 1e-3)
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi) * 1e-3
    expected = float(function.function(function.longest * z) ** 2 @ density)
    assert constant == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("step", "must be one of"),
        ("leaky:1", "is linear"),
        ("leaky", "must be written as leaky:ALPHA"),
        ("leaky:x", "not a number"),
        ("erf:2", "must be written as erf"),
        ("polynomial:1,2", "is linear"),
    ],
)
def test_a_bad_activation_is_refused_in_one_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(lt.InvalidArgument, match=sentence) as refusal:
        lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation=spec)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("outputs", "sentence"), [([1.0], "shape"), ([1.0, 0.0], "neuron 2 is zero")]
)
def test_bad_outputs_are_refused_in_one_sentence(outputs: list[float], sentence: str) -> None:
    with pytest.raises(lt.InvalidArgument, match=sentence):
        lt.Teacher.orthonormal(2).with_function(outputs=outputs)
    with pytest.raises(lt.InvalidArgument, match=sentence):
        lt.TeacherStudent(lt.Teacher.orthonormal(3), 2, outputs=outputs)


def test_a_new_activation_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # max(x, 0)^3, by what docs/architecture.md says of a new activation.
    (tmp_path / "cubed_relu.py").write_text(textwrap.dedent(CUBED))
    monkeypatch.setattr(activations, "__path__", [*activations.__path__, str(tmp_path)])
    registry.activation_from_spec.cache_clear()
    registry._modules.cache_clear()
    try:
        function = activation_from_spec("cubed-relu")
        w, v = np.array([0.6, 0.5]), np.array([0.8, 0.0])
        teacher = lt.Teacher.from_vectors([v]).with_function("cubed-relu")
        loss = lt.PopulationLoss(lt.TeacherStudent(teacher, 1))
        expected = 0.5 * exact_pair(function, w, w) - exact_pair(function, w, v)
        expected += 0.5 * exact_pair(function, v, v)
        assert loss.value([w]) == pytest.approx(expected, rel=1e-13)
        # Differences of values for the gradient, and of gradients for the Hessian.
        steps = 1e-5 * np.eye(2)
        slopes = [(loss.value([w + h]) - loss.value([w - h])) / 2e-5 for h in steps]
        np.testing.assert_allclose(loss.gradient([w])[0], slopes, rtol=1e-8)
        bends = [(loss.gradient([w + h]) - loss.gradient([w - h]))[0] / 2e-5 for h in steps]
        np.testing.assert_allclose(loss.hessian([w]), bends, rtol=1e-8)
    finally:
        monkeypatch.undo()
        registry.activation_from_spec.cache_clear()
        registry._modules.cache_clear()


CUBED = '''
    """max(x, 0)^3, the arc-cosine kernel of order 3."""

    import math
    from typing import NamedTuple

    import numba
    import numpy as np

    from landtopo.kernels.contract import answers
    from landtopo.kernels.formula import (
        arcsine, first, no_table, no_table_size, own, second, table, table_size,
    )
    from landtopo.models.networks.activation import Activation

    NAME = "cubed-relu"
    PARAMETERS = ""


    class Cubed(NamedTuple):
        scale: float = 1.0


    answers(table_size, Cubed)(no_table_size)
    answers(table, Cubed)(no_table)


    @numba.njit
    def opposite(p, q, c, wedge):
        whole = p * q
        inverse = 1.0 / whole if whole > 0.0 else 0.0
        return 0.5 * math.pi + arcsine(c * math.sqrt(inverse), wedge * inverse)


    @answers(first, Cubed)
    @numba.njit
    def _first(tag, p, q, c, wedge, tables, k, j):
        S, B = math.sqrt(wedge), opposite(p, q, c, wedge)
        value = 4 * S**3 + 15 * S * c * c + B * (9 * p * q * c + 6 * c**3)
        g_c = 9 * (3 * c * S + B * (p * q + 2 * c * c))
        g_p = 6 * S * q + 3 * S * c * c / p + 9 * B * q * c if p > 0 else 0.0
        return value / (2 * math.pi), g_p / (2 * math.pi), g_c / (2 * math.pi)


    @answers(second, Cubed)
    @numba.njit
    def _second(tag, p, q, c, wedge, tables, k, j):
        S, B = math.sqrt(wedge), opposite(p, q, c, wedge)
        g_pp = 3 * S**3 / (p * p) if p > 0 else 0.0
        g_pc = 9 * (c * S / p + B * q) if p > 0 else 0.0
        g_qc = 9 * (c * S / q + B * p) if q > 0 else 0.0
        half = 0.5 / math.pi
        return g_pp * half, g_pc * half, g_qc * half, 36 * (S + c * B) * half


    @answers(own, Cubed)
    @numba.njit
    def _own(tag, p, tables, k):
        return 7.5 * p**3, 22.5 * p * p, 45.0 * p


    def make(parameters):
        return Activation(
            name=NAME,
            tag=Cubed(),
            function=lambda x: np.maximum(x, 0.0) ** 3,
            exact=lambda mp, x: x**3 if x > 0 else mp.zero,
            degree=3,
            kinks=True,
        )
'''


# What is worked out for ReLU with output weights 1 alone says so for everything else.
def calls(problem: lt.TeacherStudent) -> dict[str, Callable[[], object]]:
    weights = np.eye(2)
    teacher = problem.teacher
    return {
        "find_corners": lambda: lt.find_corners(problem, starts=2),
        "flow_field": lambda: lt.flow_field(lt.summary_statistics(teacher, weights)),
        "flow_jacobian": lambda: lt.flow_jacobian(teacher, weights),
        "flow_statistics": lambda: lt.flow_statistics(problem, weights, weights, rate=0.1),
        "reachability": lambda: lt.reachability(problem, runs=2, options=RunOptions(method="sgd")),
        "run_sgd": lambda: lt.run_sgd(problem, weights, rate=0.1, times=[0.0, 1.0]),
        "noise_term": lambda: lt.noise_term(teacher, weights),
        "follow_rate": lambda: lt.follow_rate(problem, weights),
        "critical_rate": lambda: lt.critical_rate(problem, weights),
        "attraction": lambda: lt.attraction(problem, weights),
        "prove_connection": lambda: lt.prove_connection(problem, weights),
        "identify": lambda: lt.identify(problem, weights, []),
    }


@pytest.mark.parametrize("name", sorted(calls(lt.TeacherStudent(lt.Teacher.orthonormal(2), 2))))
@pytest.mark.parametrize("change", ["activation", "outputs"])
def test_what_holds_of_relu_alone_is_refused_for_others(name: str, change: str) -> None:
    teacher = lt.Teacher.orthonormal(2)
    if change == "activation":
        teacher = teacher.with_function("erf")
    else:
        teacher = teacher.with_function(outputs=[1.0, 2.0])
    with pytest.raises(lt.InvalidArgument, match="for which alone it is worked out"):
        calls(lt.TeacherStudent(teacher, 2))[name]()


@pytest.mark.parametrize("spec", ["quadratic", "squared-relu"])
def test_paths_are_refused_where_copies_differ_by_more(spec: str) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation=spec)
    if spec == "squared-relu":
        with pytest.raises(lt.InvalidArgument, match="for which alone it is worked out"):
            lt.find_saddles(problem, starts=2)
    with pytest.raises(lt.InvalidArgument):
        lt.connect(problem, np.eye(2), np.eye(2)[::-1])
    with pytest.raises(lt.InvalidArgument):
        lt.landscape_graph(problem.teacher, widths=[2], starts=2)


def test_the_swap_barrier_of_erf_is_the_exact_one() -> None:
    # K = M = 2: at the pass both neurons are (v_1 + v_2) / 2 times a length, and the barrier is
    # 1/3 - (4/pi) asin(1/4), whatever the dimension.
    exact = 1.0 / 3.0 - 4.0 / math.pi * math.asin(0.25)
    for dim in (2, 3):
        problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, dim, activation="erf")
        path = lt.connect(problem, np.eye(2), np.eye(2)[::-1])
        assert path.verified
        assert path.barrier_from == pytest.approx(exact, abs=1e-12)


def test_saddles_of_erf_are_the_averaging_point_and_the_direct_cycle() -> None:
    # At the pass of a swap two neurons are (v_1 + v_2) / sqrt 6, and the loss grows between them in
    # fourth order: their neighbourhood must not be taken for families of its own. Directly, a cycle
    # of three neurons costs more than a swap: the opposite of what ReLU does.
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, activation="erf")
    found = lt.find_saddles(problem, starts=40)
    exact = 1.0 / 3.0 - 4.0 / math.pi * math.asin(0.25)
    losses = [family.loss for family in found.families]
    assert losses[0] == pytest.approx(exact, abs=1e-14)
    assert losses[1] == pytest.approx(0.0137892507, abs=5e-11)
    swap = found.families[0]
    # 9 pairs of a neuron that stays and the vector that it stays at.
    assert (swap.orbit_size, swap.point.index) == (9, 1)
    equal = swap.point.weights
    apart = np.linalg.norm(equal[:, None] - equal[None], axis=2) + 9 * np.eye(3)
    assert apart.min() < 1e-14
    assert np.linalg.norm(equal, axis=1).min() == pytest.approx(1 / math.sqrt(3), abs=1e-12)


def test_student_outputs_are_refused_where_neurons_are_taken_to_be_alike() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, outputs=[1.0, -1.0])
    for call in (
        lambda: lt.find_minima(problem, starts=2),
        lambda: lt.classify(problem, np.eye(2)),
        lambda: lt.read_point(problem, np.eye(2)),
        lambda: lt.psi_min(problem, np.eye(2)),
        lambda: problem.with_width(3),
    ):
        with pytest.raises(lt.InvalidArgument):
            call()


def test_a_study_keeps_the_function_of_its_teacher(tmp_path: Path) -> None:
    teacher = lt.Teacher.orthonormal(2).with_function("leaky:0.1", outputs=[1.0, -0.5])
    with lt.Study.create(tmp_path / "leaky.landtopo", teacher):
        pass
    with lt.Study.open(tmp_path / "leaky.landtopo") as study:
        assert study.teacher == teacher
        assert study.problem(3).activation == "leaky:0.1"
        study.check(teacher, dim=None, seed=0)
        with pytest.raises(lt.InvalidArgument, match="must have a graph"):
            lt.verify(study)
        with pytest.raises(lt.StudyError):
            study.check(lt.Teacher.orthonormal(2), dim=None, seed=0)


def test_a_file_states_a_function(tmp_path: Path) -> None:
    file = tmp_path / "teacher.json"
    file.write_text('{"vectors": [[1, 0], [0, 2]], "activation": "erf", "outputs": [1, -1]}')
    teacher = lt.Teacher.from_spec(str(file))
    assert (teacher.activation, teacher.outputs) == ("erf", (1.0, -1.0))
    file.write_text('{"vectors": [[1, 0], [0, 2]], "activation": "step"}')
    with pytest.raises(lt.InvalidArgument, match="must be one of"):
        lt.Teacher.from_spec(str(file))


def test_the_commands_take_an_activation_and_refuse_what_is_of_relu_alone(tmp_path: Path) -> None:
    runner = CliRunner()
    shared = ["--teacher", "orthonormal:2", "--width", "2", "--activation", "erf", "--quiet"]
    found = runner.invoke(main, ["minima", *shared, "--starts", "5", "--json"])
    assert found.exit_code == 0, found.output
    record = json.loads(found.stdout)
    assert record["problem"]["teacher"] == "orthonormal:2 | activation=erf"
    assert record["families"][0]["psi_min"] is None
    for command, more in (
        ("certify", ["--complete"]),
        ("reach", ["--runs", "5", "--method", "sgd", "--dim", "50"]),
    ):
        refused = runner.invoke(main, [command, *shared, *more])
        assert refused.exit_code == 2, (command, refused.output)
        assert "for which alone it is worked out" in refused.output, command
    for option, sentence in (
        (["--activation", "step"], "must be one of"),
        (["--activation", "leaky:1"], "is linear"),
        (["--outputs", "1"], "shape (2,)"),
        (["--outputs", "1,0"], "is zero"),
        (["--outputs", "1,x"], "not a list of numbers"),
    ):
        base = ["minima", "--teacher", "orthonormal:2", "--width", "2", *option]
        refused = runner.invoke(main, base)
        assert refused.exit_code == 2, refused.output
        assert sentence in refused.output


def test_a_name_that_looks_like_a_function_is_none(tmp_path: Path) -> None:
    teacher = lt.Teacher.from_vectors(np.eye(2), name="mine | activation=erf")
    assert lt.Teacher.orthonormal(2).titled(teacher.title) == teacher
    assert lt.Teacher.orthonormal(2).titled(teacher.title).name == teacher.name


def test_leaky_relu_is_relu_and_a_quadratic_form() -> None:
    # The identity of kernels/rectified.py, by the kernels of ReLU.
    teacher = lt.Teacher.from_vectors(SPAN)
    relu = lt.PopulationLoss(lt.TeacherStudent(teacher, 3))
    weights = STUDENTS[:, :2]
    m = weights.sum(axis=0) - teacher.vectors.sum(axis=0)
    for al in (0.1, -1.0):
        leaky = lt.PopulationLoss(lt.TeacherStudent(teacher, 3, activation=f"leaky:{al}"))
        expected = (1 - al) ** 2 * relu.value(weights) + 0.5 * al * m @ m
        assert leaky.value(weights) == pytest.approx(expected, rel=1e-14)
        hessian = (1 - al) ** 2 * relu.hessian(weights)
        hessian += al * np.kron(np.ones((3, 3)), np.eye(2))
        assert leaky.hessian(weights) == pytest.approx(hessian, abs=1e-14)
        slope = (1 - al) ** 2 * relu.psi([0.6, 0.8], weights) + al * m @ [0.6, 0.8]
        assert leaky.psi([0.6, 0.8], weights) == pytest.approx(slope, rel=1e-13)


def test_a_turned_neuron_of_abs_has_zero_loss() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 3, activation="abs")
    assert lt.PopulationLoss(problem).value(np.diag([1.0, -1.0, 1.0])) == 0.0


def test_erf_has_the_known_minima_at_width_five() -> None:
    # Independent check of the published list: 17 of 1000 starts end in the second one.
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(5), 5, activation="erf")
    found = lt.find_minima(problem, starts=400)
    assert [round(family.loss, 10) for family in found.families] == [0.0, 0.0188785131]
    spurious = found.families[1].point
    assert spurious.eigenvalues[0] == pytest.approx(0.002079, abs=5e-7)
    assert spurious.normal_eigenvalues[0] == pytest.approx(0.01451, abs=5e-6)
