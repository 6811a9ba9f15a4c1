"""What cannot be used is said in one sentence, and what overflows gets no verdict.

Every public function is called with every argument replaced by what it is not, one at a time. Each
call must end in a result or in one of landtopo's own errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

import landtopo as lt
from landtopo.checks import shown
from landtopo.models.networks.dynamics.ends import RunOptions
from landtopo.models.networks.dynamics.flow import FlowOptions, FlowStatus
from landtopo.points.records import Status

TEACHER = lt.Teacher.orthonormal(2)
PROBLEM = lt.TeacherStudent(TEACHER, 2, 3)
POINT = np.array([[1.0, 0.0], [0.0, 1.0]])
STATISTICS = lt.summary_statistics(TEACHER, POINT)

NO_NUMBERS: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, -1, 0, 1e300, 10**30, 10**5000, 5e-324, True),
    *(np.float64("nan"), np.complex128(1j), np.bool_(True), np.array([1, 2]), np.ma.masked),
    *("", "1_0", "\u0661", " 5", "+5", "0x10", "a\nb\x00", b"1", None, (), [], {}, 1j, object()),
)
NO_POINTS: tuple[Any, ...] = (
    *NO_NUMBERS,
    *(POINT * scale for scale in (math.nan, math.inf, 1e154, 1e300, 1e-200, 5e-324)),
    *(POINT * 1j, POINT.astype(str), POINT.astype(object), POINT > 0, POINT[None], POINT[0]),
    *(np.ma.masked_equal(POINT, 0.0), np.empty((0, 2)), np.empty((2, 0)), np.ones((2, 1))),
    *([[1.0, 0.0], [1.0]], [[1.0, "x"], [0, 1]], [[10**400, 0], [0, 1]], np.zeros((2, 2))),
    *(np.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]), np.ones((3, 2)), np.ones((2, 9))),
)


def graph() -> nx.MultiGraph[str]:
    made: nx.MultiGraph[str] = nx.MultiGraph()
    made.add_node("w2-f0", width=2, loss=0.0)
    made.add_node("w2-f1", width=2, loss=1.0)
    made.add_edge("w2-f0", "w2-f1", key="t", kind="saddle", loss=2.0)
    return made


FUNCTION = {
    "size": 1,
    "function": lambda x: float(np.cos(x[0])),
    "derivative": lambda x: -np.sin(x),
    "second": lambda x: np.array([[-np.cos(x[0])]]),
}
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "orthonormal": (lt.Teacher.orthonormal, {"size": 2}),
    "equicorrelated": (lt.Teacher.equicorrelated, {"size": 2, "correlation": 0.5}),
    "random": (lt.Teacher.random, {"size": 2, "dim": 2, "seed": 0}),
    "from_vectors": (lt.Teacher.from_vectors, {"vectors": POINT}),
    "from_gram": (lt.Teacher.from_gram, {"gram": POINT}),
    "from_spec": (lt.Teacher.from_spec, {"spec": "orthonormal:2"}),
    "TeacherStudent": (lt.TeacherStudent, {"teacher": TEACHER, "width": 2, "dim": 3}),
    "PopulationLoss": (lt.PopulationLoss, {"problem": PROBLEM}),
    "classify": (
        lt.classify,
        {"problem": PROBLEM, "weights": POINT, "grad_tolerance": 1e-12, "region": 0.01},
    ),
    "read_point": (lt.read_point, {"problem": PROBLEM, "weights": POINT}),
    "psi_min": (
        lt.psi_min,
        {"problem": PROBLEM, "weights": POINT, "random": 4, "tolerance": 1e-10, "seed": 0},
    ),
    "flat_directions": (lt.flat_directions, {"problem": PROBLEM, "weights": POINT, "seed": 0}),
    "attraction": (lt.attraction, {"problem": PROBLEM, "weights": POINT}),
    "is_attractive": (lt.is_attractive, {"problem": PROBLEM, "weights": POINT}),
    "critical_rate": (lt.critical_rate, {"problem": PROBLEM, "weights": POINT}),
    "noise_term": (lt.noise_term, {"teacher": TEACHER, "weights": POINT, "tolerance": 1e-6}),
    "flow_weights": (lt.flow_weights, {"problem": PROBLEM, "weights": POINT, "options": None}),
    "flow_statistics": (
        lt.flow_statistics,
        {
            **{"problem": PROBLEM, "student": STATISTICS.student, "overlap": STATISTICS.overlap},
            **{"rate": None, "options": FlowOptions(longest=1e-3)},
        },
    ),
    "summary_statistics": (lt.summary_statistics, {"teacher": TEACHER, "weights": POINT}),
    "flow_jacobian": (lt.flow_jacobian, {"teacher": TEACHER, "weights": POINT}),
    "flow_field": (lt.flow_field, {"statistics": STATISTICS}),
    "weights_from_statistics": (
        lt.weights_from_statistics,
        {
            **{"problem": PROBLEM, "student": STATISTICS.student, "overlap": STATISTICS.overlap},
            "columns": 3,
        },
    ),
    "run_sgd": (
        lt.run_sgd,
        {
            **{"problem": PROBLEM, "start": POINT, "rate": 0.1, "times": [1.0], "runs": 1},
            **{"first_run": 0, "seed": 0, "method": "reduced"},
        },
    ),
    "reachability": (
        lt.reachability,
        {
            **{"problem": PROBLEM, "runs": 1, "init": "gaussian:1", "options": None, "seed": 0},
            **{"jobs": 1, "confidence": 0.95},
        },
    ),
    "find_minima": (
        lt.find_minima,
        {
            **{"problem": PROBLEM, "starts": 1, "until_coverage": None, "time_limit": None},
            **{"seed": 0, "jobs": 1, "method": "quasi-newton", "init": "gaussian:1"},
            **{"tolerance": 1e-12, "step": 0.1},
        },
    ),
    "find_saddles": (
        lt.find_saddles,
        {
            **{"problem": PROBLEM, "index": 1, "starts": 1, "seed": 0, "jobs": 1},
            **{"sources": ("random",), "init": "gaussian:1", "tolerance": 1e-12},
        },
    ),
    "find_corners": (
        lt.find_corners,
        {"problem": PROBLEM, "zero_neurons": 1, "index": 0, "starts": 1, "seed": 0, "jobs": 1},
    ),
    "connect": (lt.connect, {"problem": PROBLEM, "start": POINT, "end": POINT[::-1], "seed": 0}),
    "binomial_interval": (lt.binomial_interval, {"count": 1, "total": 2, "level": 0.95}),
    "isotropy": (
        lt.isotropy,
        {"point": (STATISTICS.student, STATISTICS.overlap, TEACHER.gram), "tolerance": 1e-7},
    ),
    "teacher_automorphisms": (
        lt.teacher_automorphisms,
        {"teacher": TEACHER.gram, "teacher_labels": None, "tolerance": 1e-7},
    ),
    "landscape_graph": (
        lt.landscape_graph,
        {"teacher": None, "widths": 2, "starts": 1, "seed": 0, "jobs": 1, "dim": None},
    ),
    "components": (lt.components, {"graph": graph(), "level": 3.0, "width": 2}),
    "component_counts": (lt.component_counts, {"graph": graph(), "width": 2}),
    "independent_cycles": (lt.independent_cycles, {"graph": graph(), "level": 1.0, "width": 2}),
    "minimax_matrix": (lt.minimax_matrix, {"graph": graph(), "width": 2}),
    "minimax_route": (
        lt.minimax_route,
        {"graph": graph(), "first": "w2-f0", "second": "w2-f1"},
    ),
    "merge_tree": (lt.merge_tree, {"graph": graph(), "width": 2, "tolerance": 1e-12}),
    "neighbourhood": (lt.neighbourhood, {"graph": graph(), "family": "w2-f0", "radius": 1}),
    "find_critical_points": (
        lt.find_critical_points,
        {
            **{"objective": lt.SmoothFunction(**FUNCTION), "low": [0.0], "high": [4.0]},
            **{"starts": 1, "highest_index": 0, "seed": 0, "tolerance": 1e-10},
            "separation": 1e-5,
        },
    ),
}


def ends_well(call: Callable[..., Any], arguments: dict[str, Any], what: str) -> None:
    try:
        call(**arguments)
    except lt.LandtopoError as error:
        text = str(error)
        assert text.endswith("."), (what, text)
        assert text.isprintable(), (what, text)
    except BaseException as error:
        raise AssertionError(f"{what} ends in {error!r}") from error


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CALLS)
def test_every_argument_is_checked(name: str) -> None:
    call, arguments = CALLS[name]
    if "teacher" not in arguments or arguments["teacher"] is not None:
        call(**arguments)
    for argument, good in arguments.items():
        points = isinstance(good, np.ndarray)
        for bad in NO_POINTS if points else NO_NUMBERS:
            # Many jobs, starts or runs are work, and nothing else.
            if name == "landscape_graph" and argument == "teacher":
                continue
            what = f"{name}({argument}={shown(bad)})"
            ends_well(call, {**arguments, argument: bad}, what)


@pytest.mark.parametrize("scale", [1e101, 1e153, 1e154, 1e155, 1e300])
def test_no_verdict_from_numbers_that_overflow(scale: float) -> None:
    # At 1e154 the verdict was a minimum of zero loss with loss inf, at 1e155 that all neurons are
    # zero.
    for call in (
        *(lt.classify, lt.read_point, lt.psi_min, lt.flat_directions, lt.attraction),
        *(lt.critical_rate, lt.follow_rate, lt.flow_weights, lt.certify),
        lambda problem, weights: lt.connect(problem, weights, POINT),
        lambda problem, weights: lt.PopulationLoss(problem).value(weights),
        lambda problem, weights: lt.noise_term(problem.teacher, weights),
        lambda problem, weights: lt.summary_statistics(problem.teacher, weights),
        lambda problem, weights: lt.run_sgd(problem, weights, rate=0.1, times=[1.0]),
    ):
        with pytest.raises(lt.InvalidArgument, match=r"entries of at most 1e\+100"):
            call(PROBLEM, scale * POINT)


@pytest.mark.parametrize("scale", [1e-100, 1e20, 1e99])
def test_weights_far_from_the_teachers_are_no_minimum(scale: float) -> None:
    for weights in (scale * POINT, np.vstack([POINT[0], scale * POINT[1]])):
        point = lt.classify(PROBLEM, weights)
        assert point.kind != "minimum"
        assert math.isfinite(point.loss)
        assert math.isfinite(point.grad_norm)


@pytest.mark.parametrize("method", ["gd", "sgd"])
def test_runs_that_diverge_are_counted_and_the_rest_goes_on(method: str) -> None:
    # At step 1 the curvature of the start decides which runs of width 6 get away.
    step = 1.0 if method == "gd" else 0.1
    rate = 1.0 if method == "gd" else 30.0
    problem = lt.TeacherStudent(TEACHER, 6, None if method == "gd" else 12)
    options = RunOptions(method=method, step=step, rate=rate, duration=5.0)
    found = lt.reachability(problem, runs=12, options=options)
    record = found.record()
    assert record["diverged"] == found.diverged > 0
    assert found.attempts.status.count(Status.DIVERGED) == found.diverged
    shares = {share.label: share.count for share in found.shares()}
    assert shares["diverged"] == found.diverged
    assert sum(shares.values()) == 12
    assert {share.label: share.count for share in found.by_anti_aligned()}["diverged"] > 0
    assert found.matched(found.families)["elsewhere"].count == found.diverged + found.unfinished
    if method == "gd":
        assert found.global_share().count > 0
    labels = [text.get_text() for text in lt.plot.reached([found]).get_legend().get_texts()]
    assert "diverged" in labels


def test_starts_of_gradient_descent_that_diverge_are_told_as_such() -> None:
    found = lt.find_minima(
        lt.TeacherStudent(TEACHER, 20), starts=3, method="gradient-descent", step=1.0
    )
    assert found.attempts.status == (Status.DIVERGED,) * 3
    assert not found.families


@pytest.mark.parametrize("rate", [50.0, 1e6])
def test_a_flow_at_too_large_a_rate_diverges(rate: float) -> None:
    weights = np.array([[0.6, 0.3, 0.1], [-0.2, 0.5, 0.4]])
    begin = lt.summary_statistics(TEACHER, weights)
    flow = lt.flow_statistics(PROBLEM, begin.student, begin.overlap, rate=rate)
    assert flow.status is FlowStatus.DIVERGED
    assert np.isfinite(flow.losses).all()
    assert np.isfinite(flow.student).all()


def smooth(**changed: Any) -> lt.SmoothFunction:
    """cos(x) + y^2 cos(x) / 4, with what the test changes."""
    parts: dict[str, Any] = {
        "size": 2,
        "function": lambda x: float(np.cos(x[0]) * (1 + x[1] ** 2 / 4)),
        "derivative": lambda x: np.array(
            [-np.sin(x[0]) * (1 + x[1] ** 2 / 4), np.cos(x[0]) * x[1] / 2]
        ),
        "second": lambda x: np.array(
            [
                [-np.cos(x[0]) * (1 + x[1] ** 2 / 4), -np.sin(x[0]) * x[1] / 2],
                [-np.sin(x[0]) * x[1] / 2, np.cos(x[0]) / 2],
            ]
        ),
    }
    return lt.SmoothFunction(**{**parts, **changed})


WRONG = {
    "sign of the gradient": ("derivative", lambda f: lambda x: -f(x), "gradient that contradicts"),
    "one sign": ("derivative", lambda f: lambda x: f(x) * [1, -1], "gradient that contradicts"),
    "factor": ("derivative", lambda f: lambda x: 1.01 * f(x), "gradient that contradicts"),
    "sign of the Hessian": ("second", lambda f: lambda x: -f(x), "Hessian that contradicts"),
    "triangle": ("second", lambda f: lambda x: np.triu(f(x)), "Hessian that is not symmetric"),
    "diagonal": ("second", lambda f: lambda x: np.diag(np.diag(f(x))), "Hessian that contradicts"),
    "value of shape (1,)": ("function", lambda f: lambda x: [f(x)], "cannot be evaluated"),
    "gradient as a column": ("derivative", lambda f: lambda x: f(x)[:, None], "must return"),
    "short gradient": ("derivative", lambda f: lambda x: f(x)[:1], "must return"),
    "flat Hessian": ("second", lambda f: lambda x: f(x).ravel(), r"Hessian .* shape \(4,\)"),
    "NaN": ("function", lambda f: lambda x: math.nan, "value that is not finite"),
    "infinite gradient": ("derivative", lambda f: lambda x: f(x) / 0.0, "not finite"),
    "complex gradient": ("derivative", lambda f: lambda x: f(x) * 1j, "cannot be evaluated"),
    "complex value": ("function", lambda f: lambda x: f(x) + 0j, "cannot be evaluated"),
    "text": ("function", lambda f: lambda x: "one", "cannot be evaluated"),
    "nothing": ("second", lambda f: lambda x: None, "Hessian|cannot be evaluated"),
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("wrong", WRONG)
def test_a_function_that_is_not_what_it_says_is_refused(wrong: str) -> None:
    part, change, words = WRONG[wrong]
    objective = smooth(**{part: change(getattr(smooth(), part))})
    with pytest.raises(lt.InvalidArgument, match=words) as caught:
        lt.find_critical_points(objective, [0.1, -2.0], [6.0, 2.0], starts=4)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("box", [1e-3, 1.0, 1e3])
def test_right_functions_of_any_scale_are_accepted(scale: float, box: float) -> None:
    plain = smooth()
    objective = smooth(
        function=lambda x: scale * plain.function(x / box) + 7.0 * scale,
        derivative=lambda x: scale / box * plain.derivative(x / box),
        second=lambda x: scale / box**2 * plain.second(x / box),
    )
    low, high = np.array([0.1, -2.0]), np.array([6.0, 2.0])
    found = lt.find_critical_points(objective, low * box, high * box, starts=8)
    assert len(found.status) == 8


def test_a_short_neuron_outside_the_span_is_not_lost() -> None:
    problem = lt.TeacherStudent(lt.Teacher.equicorrelated(2, 0.25), 2)
    point = lt.classify(problem, [[1e-300, 1e-300, 0.025], [-8482.0, -13361983.0, 6e-64]])
    assert np.isfinite([point.loss, point.grad_norm]).all()
    assert point.grad_norm > 1.0
