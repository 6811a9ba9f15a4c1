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
from landtopo.dynamics.flow import FlowOptions

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
