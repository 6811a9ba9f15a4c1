"""What branches off at a crossing: forms in closed form, Morse's inequalities, a second search."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

import landtopo as lt
from landtopo.models.networks.sweeps.assembly import assembled
from landtopo.models.networks.sweeps.branch import Branch, Space, solved
from landtopo.models.networks.sweeps.kernel import representation
from landtopo.models.networks.sweeps.pieces import Curves, followed
from landtopo.models.networks.sweeps.reduced import directions
from landtopo.models.networks.sweeps.switch import Branching, Neighbour, branching
from landtopo.models.networks.sweeps.trace import Ending, trace
from landtopo.models.networks.symmetry import isotropy, point_graph

CURVE = lt.TeacherCurve.equicorrelated(6, -0.19, 0.95)


def crossing(weights, value, near):
    """The curve through a point that has its symmetries, and a crossing next to a parameter."""
    group = isotropy(point_graph(CURVE.teacher(value), weights))
    branch = Branch(CURVE, Space.of(weights, 6, group.generators))
    met = trace(branch, branch.starting(weights, value)).happenings
    return branch, min(met, key=lambda one: abs(one.value - near))


def unit_vectors(count, size):
    random = np.random.default_rng(0).standard_normal((count, size))
    return random / np.linalg.norm(random, axis=1)[:, None]


def test_directions_of_a_cubic_and_of_a_quartic_in_closed_form():
    """x^3 - 3 x y^2 has six directions, 60 degrees apart, with m = -+1/2 for C3 / 6.

    The sum of fourth powers over 24 has, with s entries of equal size, m = -1 / (6 s): 6 axes, 12
    and 8 diagonals. Rates that differ move m: with b on the first axis it is -1 / (6 b) there.
    """
    cubic = np.zeros((2, 2, 2))
    cubic[0, 0, 0] = 1.0
    for place in set(permutations((0, 1, 1))):
        cubic[place] = -1.0
    u, m = directions(cubic, np.zeros((2,) * 4), np.eye(2), unit_vectors(60, 2))
    angles = np.sort(np.degrees(np.arctan2(u[:, 1], u[:, 0])))
    np.testing.assert_allclose(np.diff(angles), 60.0, atol=1e-6)
    assert sorted(np.round(m, 9)) == [-0.5] * 3 + [0.5] * 3
    quartic = np.zeros((3,) * 4)
    for i in range(3):
        quartic[i, i, i, i] = 1.0
    flat = np.zeros((3,) * 3)
    u, m = directions(flat, quartic, np.eye(3), unit_vectors(600, 3))
    assert sorted(np.round(-1 / (6 * m), 8)) == [1.0] * 6 + [2.0] * 12 + [3.0] * 8
    u, m = directions(flat, quartic, np.diag([2.0, 1.0, 1.0]), unit_vectors(600, 3))
    first = np.abs(u[:, 0]) > 1 - 1e-9
    np.testing.assert_allclose(m[first], -1 / 12)


def neighbour(side, index, copies):
    return Neighbour(
        weights=np.eye(2),
        value=0.0,
        side=side,
        index=index,
        outer=0,
        isotropy="trivial",
        copies=copies,
    )


def told(own, *found):
    return Branching(found=tuple(neighbour(*one) for one in found), own=own, kernel="")


@pytest.mark.parametrize(
    ("record", "sums", "balanced"),
    [
        # Pitchforks of one direction, to either side; and the same without what branches off.
        (told((0, 1), (1, 0, 2)), (1, 1), True),
        (told((0, 1), (-1, 1, 2)), (-1, -1), True),
        (told((0, 1)), (1, -1), False),
        # Transcritical.
        (told((2, 1), (-1, 1, 1), (1, 2, 1)), (0, 0), True),
        # x^4 + y^4: four minima and four passes. Without the passes, or without both.
        (told((0, 2), (1, 0, 4), (1, 1, 4)), (1, 1), True),
        (told((0, 2), (1, 0, 4)), (1, 5), False),
        # Signs add up, but a point of index 2 is not what a minimum alone turns into.
        (told((0, 2)), (1, 1), False),
        (told((0, 4), (1, 2, 4), (1, 3, 4)), (1, 1), False),
        (told((0, 4), (-1, 1, 5), (-1, 2, 10), (1, 2, 10), (1, 3, 5)), (6, 6), True),
    ],
)
def test_signs_and_the_inequalities_of_morse(record, sums, balanced):
    assert record.sums == sums
    assert record.is_balanced == balanced
    again = Branching.from_record(record.record())
    assert (again.sums, again.own, again.counts()) == (record.sums, record.own, record.counts())


def test_names_of_representations():
    """Of S_4 on its four letters, on pairs (2 of 6 are (2, 2)), and on antisymmetric matrices."""
    teacher = lt.Teacher.orthonormal(4)
    group = isotropy(point_graph(teacher, np.eye(4)))
    letters = [np.eye(4)[:, list(one.students)].T for one in group.generators]
    plane = np.linalg.svd(np.eye(4) - 0.25)[0][:, :3]
    assert representation(group, [plane.T @ one @ plane for one in letters]) == "(3, 1) of S_4"
    doubled = [np.kron(one, one) for one in letters]
    three = plane.T
    wedge = np.array(
        [
            np.kron(three[i], three[j]) - np.kron(three[j], three[i])
            for i in range(3)
            for j in range(i)
        ]
    ).T / np.sqrt(2)
    assert representation(group, [wedge.T @ one @ wedge for one in doubled]) == "(2, 1, 1) of S_4"
    assert representation(group, letters) == "4 directions of S_4"
    assert representation(group, [np.eye(1)] * len(letters)) == "the trivial representation"


def five_anti_aligned():
    """About where the family is at rho = -0.1; Newton's method makes it exact."""
    weights = np.full((6, 6), 0.362)
    np.fill_diagonal(weights, -0.63)
    weights[:, 5], weights[5] = -0.03, -0.012
    weights[5, 5] = 1.05
    return weights


def test_six_eigenvalues_fall_and_eleven_families_branch_off():
    """Five anti-aligned neurons: (3, 1, 1) of S_5, antisymmetric matrices without row sums.

    It has no invariant of third degree, so what branches off are the critical points of a quartic
    form on a sphere of 5 dimensions. All are on the stable side; with the minimum itself they add
    up to the sign of the point of index 6 beyond, and one that is left out is missed.
    """
    branch, met = crossing(five_anti_aligned(), -0.1, -0.0525)
    assert met.value == pytest.approx(-0.0524824748739, abs=1e-12)
    found = branching(branch, met, 0)
    assert found.kernel == "(3, 1, 1) of S_5"
    assert found.own == (0, 6)
    assert found.sums == (1, 1)
    assert found.is_balanced
    assert found.counts()[1] == [0, 0, 0, 0, 0, 0, 1]
    assert {one.side for one in found.found} == {-1}
    for number in range(len(found.found)):
        rest = found.found[:number] + found.found[number + 1 :]
        assert not replace(found, found=rest).is_balanced
    for one in found.found:
        loss = lt.PopulationLoss(lt.TeacherStudent(CURVE.teacher(one.value), 6))
        assert np.linalg.norm(loss.gradient(one.weights)) < 1e-13
    # Newton's method at one teacher, from anywhere near: nothing else is met.
    value = met.value - 2e-5
    own = branch.weights(branch.at(met.weights, value))
    random, kinds = np.random.default_rng(3), set()
    for _ in range(80):
        step = random.standard_normal(own.shape)
        end = solved(CURVE, own + step * 0.03 * random.random() / np.linalg.norm(step), value)
        if end is None or not 1e-6 < np.linalg.norm(end - own) < 0.05:
            continue
        spectrum = np.linalg.eigvalsh(
            lt.PopulationLoss(lt.TeacherStudent(CURVE.teacher(value), 6))
            .hessian(end)
            .reshape(36, 36)
        )
        group = isotropy(point_graph(CURVE.teacher(value), end), tolerance=1e-6)
        kinds.add((int(np.sum(spectrum < 0)), group.order))
    listed = {(one.index, 120 // one.copies) for one in found.found}
    assert len(kinds) >= 3
    assert kinds <= listed


def test_a_pitchfork_of_a_pass_that_has_left_the_span():
    """One eigenvalue that falls at a rate of 1e-4: two points of index 2 are on the other side."""
    weights = np.array([[0.1796, *[0.1875] * 4, 0.3351, 0.0]] * 6)
    weights[:4, 1:5] += 0.8633 * np.eye(4)
    weights[4:] = 0.5477, *[0.0997] * 4, 0.2248, 0.1319
    weights[5, 6] *= -1.0
    branch, met = crossing(weights, 0.45, 0.3838)
    assert (met.inner, met.outer) == (1, 0)
    found = branching(branch, met, 0)
    assert found.kernel == "(1, 1) of S_2"
    assert [(one.side, one.index, one.copies) for one in found.found] == [(1, 2, 2)]
    assert (found.own, found.sums, found.is_balanced) == ((2, 1), (1, 1), True)


@pytest.mark.parametrize("value", [2.8281, 2.8353])
def test_a_curve_ends_where_it_meets_a_more_symmetric_one(value):
    """Both ways from any of its points, though the equations are singular at its two ends."""
    curve = lt.TeacherCurve.from_spec("angle:2.7..2.9")
    weights = np.array([[-0.308, 0.1556, 0.2525], [-0.1837, 0.6643, -0.2246]])
    branch = Branch(curve, Space(np.eye(6), 2, 3))
    there = branch.weights(branch.at(weights, 2.832))
    found = trace(branch, branch.starting(branch.weights(branch.at(there, value)), value))
    assert (found.first, found.last) == (Ending.MEETING, Ending.MEETING)
    ends = sorted(one.value for one in found.happenings)
    np.testing.assert_allclose(ends, [2.827876133, 2.843883828], rtol=0, atol=1e-8)


def test_what_was_not_found_is_told():
    """A curve alone, without the pass that branches off, and one that has lost a family."""
    branch, met = crossing(lt.block_family(1, size=6).weights(), 0.0, 0.162)
    found = branching(branch, met, 0)
    assert found.is_balanced
    known = Curves(CURVE, 6)
    result = followed(CURVE, branch.weights(branch.at(met.weights, 0.1)), 0.1, 0, 1)
    assert known.add(result, "")
    _, (event,) = assembled(known)
    assert (event.balanced, event.matched) == (True, False)
    assert event.account.endswith("not just the families listed here.")
    known = Curves(CURVE, 6)
    (record,) = (one for one in result["branchings"] if one)
    record["found"] = record["found"][1:]
    assert known.add(result, "")
    _, (event,) = assembled(known)
    assert event.balanced is False
    assert "something branches off that was not found." in event.account
    assert event.record()["sums"][0] != event.record()["sums"][1]
