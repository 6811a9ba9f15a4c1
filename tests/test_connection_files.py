"""Certificates of descents: the tubes of a saddle that is known, and wrong ones that are refused.

K = M = 2 and d = 2: the saddle of loss 0.0861788 joins both labelled copies of the global minimum.
"""

from __future__ import annotations

import copy
import json
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.problem import Teacher, TeacherStudent

flint = pytest.importorskip("flint")

from landtopo.proofs.certificate_file import centre, prove_point, told_symmetries  # noqa: E402
from landtopo.proofs.connection_file import (  # noqa: E402
    CONNECTION_CLAIM_SADDLE,
    ConnectionStatus,
    _Descents,
    _exact,
    prove_connection,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))

import check_certificates  # noqa: E402
import check_connections as checker  # noqa: E402

SADDLE = [[1.068, 1.068], [-0.068, -0.068]]
# K = M = 2 in any dimension: it leaves the span in one direction. Next to its descents the
# loss is flat enough that tubes have to open.
OUTSIDE = [[0.525, 0.525, -0.409], [0.525, 0.525, 0.409]]
# K = M = 3: leaves it in two directions.
TURNING = [[0.358] * 3 + [0.294, 0.509], [0.358] * 3 + [0.294, -0.509], [0.358] * 3 + [-0.587, 0]]
# K = M = 3, index 2: the lowest way down keeps an exchange of two teacher vectors, and on one side
# ends in the saddle of loss 0.0241, all of whose ways down break it.
HIGH = [[-0.2797, 0.9339, 0.3295], [0.3975, 0.3975, 0.3448], [0.9339, -0.2797, 0.3295]]


@pytest.fixture(scope="module")
def found():
    return prove_connection(TeacherStudent(Teacher.orthonormal(2), 2, 2), SADDLE)


def _check(record):
    with flint.ctx.workprec(check_certificates.BITS):
        return checker.Connection(json.loads(json.dumps(record)))


def _short(record):
    """The record with the first pieces of its descents alone, which is refused, but fast."""
    record = copy.deepcopy(record)
    for descent in record["descents"]:
        descent["points"]["numerators"] = descent["points"]["numerators"][:5]
        descent["frusta"]["numerators"] = descent["frusta"]["numerators"][:4]
    return record


@pytest.mark.slow
def test_both_descents_of_two_neurons(found):
    assert found.status is ConnectionStatus.FOUND
    assert all(end.index == 0 and end.loss_bounds[1] < 1e-20 for end in found.minima)
    told = _check(found.record).told
    assert told.count("minimum, index 0") == 2
    assert "saddle, index 1" in told
    ends = [np.array(x["points"]["numerators"][-1], float) for x in found.record["descents"]]
    ends = [
        end / x["points"]["denominator"]
        for end, x in zip(ends, found.record["descents"], strict=True)
    ]
    # The two labelled copies, told by the orbits of four places.
    assert np.abs(ends[0] - ends[1]).max() > 0.9


def _descent(problem, weights, signs=(1,)):
    """The last of these descents, up to one that ends in a saddle: record, the start's, symmetries.

    `prove_connection` does the same on both sides of a saddle of index 1.
    """
    high = prove_point(problem, weights)
    with flint.ctx.workprec(96):
        descents = _Descents(problem, centre(high.record))
        for sign in signs:
            end, cone = descents.apex(sign)
            way = descents.way(end)
            last = prove_point(problem, descents.weights(way.end))
            if last.index:
                break
        told = []
        tube = descents.tube(way, cone, descents.padded(centre(last.record)), told.append)
    assert all(0 <= part <= 1 for part in told)
    assert max(told) > 0.9
    record = {
        "saddle" if last.index else "minimum": last.record,
        "attraction": str(Fraction(tube.radius)),
        "points": _exact(tube.points),
        "frusta": _exact(np.array([[x.start, x.end, x.curvature] for x in tube.frusta])),
    }
    return record, high.record, told_symmetries(descents.whole)


@pytest.mark.slow
def test_a_descent_of_a_saddle_outside_the_span():
    record, high, symmetries = _descent(TeacherStudent(Teacher.orthonormal(2), 2), OUTSIDE)
    assert len(high["pivots"]) == 1
    assert any(table[2] < 0 for table in record["frusta"]["numerators"])
    with flint.ctx.workprec(check_certificates.BITS):
        tube = checker.Tube(checker.Located(high), symmetries)
        assert tube.descent(record)[1].index == 0
        # An end in the span has zeros in the column outside, and is moved by what is not symmetric.
        wrong = copy.deepcopy(record)
        wrong["minimum"]["teacher"]["denominator"] *= 2
        with pytest.raises(check_certificates.Refused):
            tube.descent(wrong)
        with pytest.raises(check_certificates.Refused, match="pivots"):
            checker.Located({**high, "pivots": []})


@pytest.mark.slow
def test_a_descent_ends_in_a_lower_saddle():
    problem = TeacherStudent(Teacher.orthonormal(3), 3, 3)
    record, high, symmetries = _descent(problem, HIGH, (1, -1))
    with flint.ctx.workprec(check_certificates.BITS):
        tube = checker.Tube(checker.Located(high), symmetries)
        end = tube.descent(record)[1]
        assert (end.kind, end.index) == ("saddle", 1)
        assert end.told.startswith("saddle, index 1, loss in [0.02412366")
        wrong = {**record, "minimum": record["saddle"]}
        del wrong["saddle"]
        with pytest.raises(check_certificates.Refused, match="at no minimum"):
            tube.descent(wrong)
        # A small box says nothing about where a symmetry moves the point.
        lone = checker.Located(high)
        lone.radius = lone.tight
        with pytest.raises(check_certificates.Refused, match="moves the saddle"):
            checker.Tube(lone, symmetries)
        # Without the symmetries the end has a way down, which no ball around it excludes.
        other = checker.Tube(checker.Located(high), [])
        thin, error = other.curvature(other.centre(end)[0], [flint.arb(0)] * len(other.roots))
        assert not checker.positive(thin - checker.diagonal([error] * len(other.roots)))
        with pytest.raises(check_certificates.Refused, match=r"both|convex|no bounds"):
            tube.descent({**record, "attraction": "3/2"})
        cut = {k: v for k, v in record.items() if k in ("points", "frusta")}
        short = _short({"descents": [cut]})["descents"][0]
        with pytest.raises(check_certificates.Refused, match="does not reach"):
            tube.descent({**record, **short})


def test_an_end_is_of_the_kind_that_the_claim_says(found):
    record = _short(found.record)
    record["claim"] = CONNECTION_CLAIM_SADDLE
    with pytest.raises(check_certificates.Refused, match="claim"):
        _check(record)
    record["descents"][0]["saddle"] = record["descents"][0].pop("minimum")
    with pytest.raises(check_certificates.Refused, match="at no saddle"):
        _check(record)
    record["claim"] = found.record["claim"]
    with pytest.raises(check_certificates.Refused, match="claim"):
        _check(record)
    record["descents"][0]["minimum"] = record["descents"][0]["saddle"]
    with pytest.raises(check_certificates.Refused, match="wrong fields"):
        _check(record)


def test_the_axis_is_a_descent(found):
    loss = PopulationLoss(TeacherStudent(Teacher.orthonormal(2), 2, 2))
    for descent in found.record["descents"]:
        table = descent["points"]
        points = np.array(table["numerators"], float) / table["denominator"]
        assert points.shape[1] == 4
        values = loss.value(points.reshape(-1, 2, 2))
        # Roundings of losses near zero.
        assert np.all(np.diff(values) < 1e-15)


WRONG = {
    "a descent that ends early": (lambda r: None, "does not reach"),
    "a moved axis": (
        lambda r: _axis(r)["numerators"][3].__setitem__(0, 2 * _axis(r)["numerators"][3][0]),
        "frust|tube|forwards|curvature|closer|bounds",
    ),
    "a narrow tube": (
        lambda r: _frusta(r)["numerators"][2].__setitem__(1, _frusta(r)["numerators"][2][1] // 2),
        "stay in the tube",
    ),
    "a tube that narrows between two pieces": (
        lambda r: [x.__setitem__(0, x[0] // 2) for x in _frusta(r)["numerators"][2:3]],
        "what enters",
    ),
    "a tube that opens, and does not": (
        lambda r: [x.__setitem__(2, -abs(x[2]) * 50) for x in _frusta(r)["numerators"][1:3]],
        "stay in the tube",
    ),
    "too large a curvature": (
        lambda r: [x.__setitem__(2, x[2] * 10) for x in _frusta(r)["numerators"][1:2]],
        "as large as stated",
    ),
    "a cone that is a cylinder": (
        lambda r: _frusta(r)["numerators"][0].__setitem__(0, 1),
        "no narrow cone",
    ),
    "too narrow a cone": (
        lambda r: _frusta(r)["numerators"][0].__setitem__(1, 1),
        "stay in the cone",
    ),
    "the same descent twice": (
        lambda r: r["descents"].__setitem__(1, r["descents"][0]),
        "does not reach|same side",
    ),
    "one descent": (lambda r: r["descents"].pop(), "not two"),
    "too large a neighbourhood": (
        lambda r: r["descents"][0].update(attraction="1/2"),
        "convex|no bounds",
    ),
    "an end that is no minimum": (
        lambda r: r["descents"][0].update(minimum=r["saddle"]),
        "at no minimum",
    ),
    "a saddle that is a minimum": (
        lambda r: r.update(saddle=r["descents"][0]["minimum"]),
        "no saddle",
    ),
    "a symmetry that the saddle has not": (
        lambda r: r["symmetries"].append({"neurons": [1, 0], "columns": [0, 1]}),
        "moves",
    ),
    "another claim": (lambda r: r.update(claim="It is so."), "claim"),
}


def _axis(record):
    return record["descents"][0]["points"]


def _frusta(record):
    return record["descents"][0]["frusta"]


@pytest.mark.parametrize("fault", WRONG)
def test_wrong_connections_are_refused(found, fault):
    record = _short(found.record)
    change, reason = WRONG[fault]
    change(record)
    with pytest.raises(check_certificates.Refused, match=reason):
        _check(record)


def test_points_without_tubes(tmp_path):
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    minimum = prove_connection(problem, np.eye(2))
    assert minimum.status is ConnectionStatus.NO_SADDLE
    # In all dimensions the same point has more ways down.
    assert prove_connection(problem, SADDLE).status is ConnectionStatus.NO_SADDLE
    three = TeacherStudent(Teacher.orthonormal(3), 3)
    assert prove_connection(three, TURNING).status is ConnectionStatus.NO_SADDLE
    with pytest.raises(InvalidArgument, match="there are no tubes"):
        minimum.write(tmp_path / "none.json")
