"""Sweeps: derivatives by the teacher, closed forms along a curve, events against fixed teachers."""

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from landtopo_cli.app import landtopo as application
from scipy.optimize import brentq

import landtopo as lt
from landtopo.journal import Forgetful
from landtopo.models.networks.sweeps.assembly import assembled
from landtopo.models.networks.sweeps.branch import Branch, Space, solved
from landtopo.models.networks.sweeps.loss import LossAt
from landtopo.models.networks.sweeps.pieces import Curves, followed
from landtopo.models.networks.sweeps.proved import Approach, proved
from landtopo.models.networks.sweeps.switch import branching
from landtopo.models.networks.sweeps.trace import WIDE, HappeningKind, bracketed, trace
from landtopo.models.networks.symmetry import isotropy, point_graph

CURVES = [
    ("equicorrelated:3:-0.3..0.9", "relu"),
    ("scaled:3:0.4..2", "leaky:-0.3"),
    ("angle:0.3..2", "leaky:0.2"),
    ("random:3:seed=2", "leaky:-0.9..0.9"),
]


@pytest.mark.parametrize(("spec", "activation"), CURVES)
def test_derivatives_by_the_parameter(spec, activation):
    """Central differences with steps of 1e-6 are good to 1e-9; teachers have the Gram matrix.

    All others are those of the loss of the teacher at that parameter, which has kernels of its own.
    """
    curve, at, step = lt.TeacherCurve.from_spec(spec, activation), 0.6, 1e-6
    vectors, slope = curve.vectors(at)
    np.testing.assert_allclose(vectors @ vectors.T, curve.gram(at), atol=1e-14)
    ahead, behind = curve.vectors(at + step)[0], curve.vectors(at - step)[0]
    np.testing.assert_allclose((ahead - behind) / (2 * step), slope, atol=1e-9)
    weights = np.random.default_rng(0).normal(size=(4, curve.size + 2))
    # A student on a teacher vector, where the mixed block has its limit.
    weights[0] = np.pad(0.7 * vectors[1], (0, 2))

    def loss(value):
        return lt.PopulationLoss(lt.TeacherStudent(curve.teacher(value), width=4))

    apart = (loss(at + step).gradient(weights) - loss(at - step).gradient(weights)) / (2 * step)
    here = LossAt(curve, at, curve.size + 2)
    np.testing.assert_allclose(here.mixed(weights), apart, atol=2e-7)
    np.testing.assert_allclose(here.mixed(weights)[1:], apart[1:], atol=1e-9)
    known = loss(at)
    assert here.value(weights) == pytest.approx(known.value(weights), abs=1e-14)
    np.testing.assert_allclose(here.gradient(weights), known.gradient(weights), atol=1e-14)
    flat = known.hessian(weights).reshape(weights.size, weights.size)
    np.testing.assert_allclose(here.hessian(weights), flat, atol=1e-14)
    np.testing.assert_allclose(here.normal_block(weights), known.normal_block(weights), atol=1e-14)


def pair(angle):
    return (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)


def test_one_student_of_two_teachers_in_closed_form():
    """On the bisector w = 2 G u with G = 2 g(phi), phi half the angle of the teachers, and L is the
    teacher's own part less G^2. Turning u changes L by -|w| g''(phi) to second order, and g'' is
    zero at tan phi = pi - phi: where the teachers are further apart, the student follows one of
    them, and the bisector is a pass.
    """
    found = lt.sweep("equicorrelated:2:-0.9..0.9", width=1, bases=2, starts=8)
    phi = brentq(lambda t: np.tan(t) - np.pi + t, 1.0, 1.2)
    (event,) = found.events
    assert event.low < 2 * np.cos(phi) ** 2 - 1 < event.high
    assert (event.kind, event.balanced, event.outside) == ("branching", True, False)
    families = {one.id: one for one in found.families}
    before = sorted((families[name].index, families[name].isotropy) for name in event.before)
    assert before == [(0, "trivial"), (1, "S_2")]
    (alone,) = (name for name in event.before if families[name].index == 0)
    assert event.sentence.endswith(f" after. Copies of {alone} come together here.")
    (after,) = event.after
    assert (families[after].index, families[after].high) == (0, 0.9)
    bisector = [one for one in found.families if one.isotropy_order == 2]
    assert len(bisector) == 2
    for family in bisector:
        for value, loss in zip(family.values, family.losses, strict=True):
            teacher = 0.5 + pair(np.arccos(value))
            student = 2 * pair(np.arccos(np.sqrt((1 + value) / 2)))
            assert loss == pytest.approx(teacher - student**2, abs=1e-13)
    assert found.graph().number_of_edges() == 3


def test_one_student_of_leaky_relu_in_closed_form():
    """As above with g(t) = be (sin t + (pi - t) cos t) / 2 pi + al cos t, be = (1 - al)^2, and
    w = 4 g / (1 + al^2) u: the bisector is a minimum where g''(phi) > 0, at large slopes.
    """
    found = lt.sweep(
        lt.TeacherCurve.from_spec("angle:2.4", "leaky:-0.3..0.5"), width=1, bases=2, starts=8
    )
    phi = 1.2
    bend = (np.sin(phi) - (np.pi - phi) * np.cos(phi)) / (2 * np.pi)
    slope = brentq(lambda al: (1 - al) ** 2 * bend - al * np.cos(phi), 0.0, 0.5)
    (event,) = found.events
    assert event.low < slope < event.high
    assert (event.kind, event.bracketed, event.balanced) == ("branching", True, True)
    assert {one.index for one in found.at(slope - 0.01)} == {0, 1}
    assert {one.index for one in found.at(slope + 0.01)} == {0}
    for family in (one for one in found.families if one.isotropy_order == 2):
        for al, loss in zip(family.values, family.losses, strict=True):
            half, whole = ((1 - al) ** 2 * pair(t) + al * np.cos(t) for t in (phi, 2 * phi))
            own = (1 + al**2) / 2
            assert loss == pytest.approx(own + whole - 2 * half**2 / own, abs=1e-13)


def check_ends(found):
    """Each family ends in a critical point of the teacher there, with its loss and eigenvalue."""
    for family in found.families:
        for place in (0, -1):
            value, weights = float(family.values[place]), family.weights[place]
            loss = lt.PopulationLoss(lt.TeacherStudent(found.curve.teacher(value), len(weights)))
            assert np.linalg.norm(loss.gradient(weights)) < 1e-9
            assert family.losses[place] == pytest.approx(loss.value(weights), abs=1e-14)
            spectra = (
                np.linalg.eigvalsh(loss.hessian(weights).reshape(weights.size, -1)),
                np.linalg.eigvalsh(loss.normal_block(weights)),
            )
            # What is outside the span already makes zeros of the normal block.
            lowest = min(one.min() for one in spectra)
            assert family.smallest[place] == pytest.approx(lowest, abs=1e-8)
    for number, event in enumerate(found.events):
        ends = [one.losses[-1] for one in found.families if one.ends == number]
        ends += [one.losses[0] for one in found.families if one.begins == number]
        assert len(ends) == len(event.before) + len(event.after)
        assert np.ptp(ends) < 1e-14


def test_the_angle_and_its_cosine_have_the_same_events():
    """Also where passes leave the span: their mirror there is a symmetry as others are."""
    by_angle = lt.sweep("angle:2.4..3", width=2, bases=1, starts=20)
    low, high = np.cos([3.0, 2.4]).tolist()
    by_cosine = lt.sweep(f"equicorrelated:2:{low}..{high}", width=2, bases=1, starts=20)
    events = by_angle.events
    assert [one.kind for one in events] == ["branching"] * 3
    for one in (*events, *by_cosine.events):
        assert (one.bracketed, one.balanced, one.matched) == (True, True, True)
    assert [one.outside for one in events] == [False, False, True]
    np.testing.assert_allclose(
        np.cos([one.value for one in events]),
        [one.value for one in reversed(by_cosine.events)],
        atol=WIDE,
    )
    check_ends(by_angle)
    for before, after in zip(events, reversed(by_cosine.events), strict=True):
        assert (len(before.before), len(before.after)) == (len(after.after), len(after.before))


@pytest.fixture(scope="module")
def norms():
    return lt.sweep("scaled:3:0.4..2.5", width=3, bases=2, starts=30)


def test_events_are_where_indices_of_fixed_teachers_change(norms):
    """On both sides of every event Newton's method is started anew, for the teacher there.

    At a fold the two points next to it have indices that differ by one, and beyond it nothing is
    closer than they are at a distance in the parameter a hundred times as large.
    """
    events = norms.events
    check_ends(norms)
    assert [one.kind for one in events].count("death") == 1
    assert len(events) >= 3
    families = {one.id: one for one in norms.families}
    for event in events:
        assert event.bracketed
        assert event.high - event.low <= 1e-8
        assert event.low < event.value < event.high
        for names, way in ((event.before, -1), (event.after, 1)):
            for name in names:
                family = families[name]
                assert (family.ends if way < 0 else family.begins) is not None
                value = event.value + way * 1e-4
                place = np.searchsorted(family.values, value)
                near = family.weights[[place - 1, min(place, len(family.values) - 1)]]
                problem = lt.TeacherStudent(norms.curve.teacher(value), width=3)
                indices = {
                    lt.classify(problem, weights).index
                    for weights in (solved(norms.curve, one, value) for one in near)
                    if weights is not None
                }
                assert family.index in indices
    death = next(one for one in events if one.kind == "death")
    (name,) = death.before
    tip = families[name].weights[-1]
    assert solved(norms.curve, tip, death.value - 1e-6) is not None
    beyond = solved(norms.curve, tip, death.value + 1e-4)
    assert beyond is None or np.linalg.norm(beyond - tip) > 0.1


def test_families_are_those_of_a_search_at_a_parameter_that_was_no_base(norms):
    value = 0.9
    assert all(abs(value - base) > 0.05 for base in norms.bases)
    problem = lt.TeacherStudent(norms.curve.teacher(value), width=3)
    minima = lt.find_minima(problem, starts=60, seed=5)
    saddles = lt.find_saddles(problem, starts=60, seed=5, sources=("random",))
    here = norms.at(value)
    for index, searched in ((0, minima.families), (1, saddles.families)):
        followed = [one.loss(value) for one in here if one.index == index]
        for family in searched:
            # Straight lines between points of a curve; levels are further apart than this.
            assert min(abs(family.loss - loss) for loss in followed) < 2e-4


def test_graphs_on_both_sides_of_an_event_differ_by_it_alone(norms):
    """By searches of their own at both teachers, as `verification/sweep_sides.py` does it.

    A family that is taken out of the sweep is a stranger, and an event that names another is wrong.
    """
    file = Path(__file__).parents[1] / "verification" / "sweep_sides.py"
    spec = importlib.util.spec_from_file_location("sweep_sides", file)
    script = importlib.util.module_from_spec(spec)
    sys.modules["sweep_sides"] = script
    spec.loader.exec_module(script)
    number = next(i for i, one in enumerate(norms.events) if one.kind == "death")
    event = norms.events[number]
    values = script.sides_of(norms, number)
    assert values[0] < event.low < event.high < values[1]
    below, above = (script.side_of(norms, value, 30, 1, Forgetful()) for value in values)
    assert script.differences(event, below, above) == []
    assert set(event.before) <= below.met
    assert set(below.joins) - set(above.joins) == set(event.before)
    for ends in below.joins.values():
        assert ends == ("s1", "s1")
    assert script.differences(replace(event, before=()), below, above) != []
    fewer = tuple(one for one in norms.families if one.id not in event.before)
    short = script.side_of(replace(norms, families=fewer), values[0], 30, 1, Forgetful())
    assert len(short.strangers) == 1


def test_loss_of_stability_with_what_branches_off():
    """One anti-aligned neuron, K = M = 6: four eigenvalues of S_5 fall, and passes of S_4 cross.

    Transcritical, as the standard representation of S_5 has a cubic invariant: the 5 copies on the
    axes S_4 have index 1 before and 3 after, the 10 on S_3 x S_2 index 2 on both sides.
    """
    curve = lt.TeacherCurve.equicorrelated(6, -0.19, 0.95)
    weights = lt.block_family(1, size=6).weights()
    group = isotropy(point_graph(curve.teacher(0.0), weights))
    branch = Branch(curve, Space.of(weights, 6, group.generators))
    (met,) = trace(branch, branch.starting(weights, 0.0)).happenings
    assert (met.kind, met.inner, met.outer) == (HappeningKind.CROSSING, 4, 0)
    below, above = bracketed(branch, met)
    assert above.value - below.value == pytest.approx(2 * WIDE)
    indices = []
    for node in (below, above):
        problem = lt.TeacherStudent(curve.teacher(node.value), width=6)
        values = np.linalg.eigvalsh(lt.PopulationLoss(problem).hessian(node.weights))
        indices.append(int(np.sum(values < 0)))
    assert indices == [0, 4]
    found = branching(branch, met, 0)
    assert found.kernel == "(4, 1) of S_5"
    assert found.is_balanced
    near = [(one.side, one.index, one.copies) for one in found.found]
    assert near == [(-1, 1, 5), (-1, 2, 10), (1, 2, 10), (1, 3, 5)]
    # The pass that crosses is a curve of its own, and the event has both families on it.
    known = Curves(curve, 6)
    crossing = next(one for one in found.found if one.index == 1)
    for start, value in ((weights, 0.0), (crossing.weights, crossing.value)):
        assert known.add(followed(curve, start, value, 0, 1), "")
    families, (event,) = assembled(known)
    assert (event.kind, event.bracketed, event.balanced) == ("branching", True, True)
    assert event.matched
    assert event.value == met.value
    assert sorted(families[int(name[1:]) - 1].index for name in event.before) == [0, 1]
    assert event.after == ()


class Book:
    def __init__(self):
        self.pages = {}
        self.written = 0

    def recall(self, key):
        return self.pages.get(key)

    def remember(self, key, value):
        self.written += 1
        self.pages[key] = value


def test_goes_on_from_a_journal_and_proves():
    pytest.importorskip("flint")
    book = Book()
    options = {"width": 3, "bases": 1, "starts": 12, "journal": book}
    first = lt.sweep("scaled:3:0.6..1.2", certified=False, **options)
    written = book.written
    again = lt.sweep("scaled:3:0.6..1.2", **options)
    ends = sum(len(event.proofs) for event in again.events)
    assert book.written == written + ends
    assert lt.sweep("scaled:3:0.6..1.2", **options).rows() == again.rows()
    assert book.written == written + ends
    assert [one.low for one in again.families] == [one.low for one in first.families]
    indices = {one.id: one.index for one in again.families}
    for event, plain in zip(again.events, first.events, strict=True):
        assert plain.proofs == ()
        assert plain.certified is None
        assert event.certified
        listed = {one.family for one in event.proofs if one.family}
        assert listed == {*event.before, *event.after}
        for proof in event.proofs:
            assert proof.value in (event.low, event.high)
            assert proof.index == indices.get(proof.family, proof.index)
            assert proof.family or proof.index > 1


def bisector(curve, value):
    """The student on the bisector of two teachers, from the closed form above."""
    phi = np.arccos(np.sqrt((1 + curve.gram(value)[0, 1]) / 2))
    axis = curve.vectors(value)[0].sum(axis=0)
    return 4 * pair(phi) * axis[None] / np.linalg.norm(axis)


@pytest.mark.parametrize("shift", [0.0, 1e-8])
def test_indices_next_to_an_event_are_proved_where_they_are_so(shift):
    """Ends at 4e-9 from tan phi = pi - phi; at an event that is said to be 1e-8 away, none is."""
    pytest.importorskip("flint")
    curve = lt.TeacherCurve.equicorrelated(2, -0.9, 0.9)
    phi = brentq(lambda t: np.tan(t) - np.pi + t, 1.0, 1.2, xtol=1e-15)
    event = 2 * np.cos(phi) ** 2 - 1 + shift
    for way, index in ((-1, 1), (1, 0)):
        values = (event + way * 1e-4, event + way * 2.5e-5)
        weights = np.array([bisector(curve, value) for value in values])
        begin = Approach(weights=weights, values=values, event=event, way=way, index=index)
        found = proved(curve, begin)
        assert found["index"] == index
        # A pass below the event is a minimum where the bracket has missed it.
        assert found["at_end"] == (shift == 0.0 or way == 1)
        assert abs(found["value"] - event) == pytest.approx(WIDE) or shift


def test_doubles_do_not_do_next_to_an_event():
    """The Hessian of the family with one anti-aligned neuron is singular up to 1e-9 there."""
    pytest.importorskip("flint")
    curve, event = lt.TeacherCurve.equicorrelated(6, -0.19, 0.95), 0.16216933391593105
    weights = lt.block_family(1, size=6).weights()
    group = isotropy(point_graph(curve.teacher(0.0), weights))
    branch = Branch(curve, Space.of(weights, 6, group.generators))
    points = [weights]
    for value in (0.08, 0.13, event - 1e-4, event - 2.5e-5, event - WIDE):
        points.append(branch.weights(branch.at(points[-1], value)))
    problem = lt.TeacherStudent(curve.teacher(event - WIDE), 6)
    assert lt.certify(problem, points[-1]).index is None
    begin = Approach(
        weights=np.array(points[-3:-1]),
        values=(event - 1e-4, event - 2.5e-5),
        event=event,
        way=-1,
        index=0,
    )
    assert proved(curve, begin) == {"value": event - WIDE, "index": 0, "at_end": True}


def test_command(capsys, tmp_path):
    picture, study = tmp_path / "sweep.svg", tmp_path / "sweep.landtopo"
    arguments = ["sweep", "--teacher", "equicorrelated:2:0.1..0.3", "--width", "2", "--quiet"]
    arguments += ["--bases", "1", "--starts", "8", "-o", str(study)]
    with pytest.raises(SystemExit) as ended:
        application.main(args=[*arguments, "--json", "--picture", str(picture)])
    assert ended.value.code == 0
    record = json.loads(capsys.readouterr().out)
    assert record["families"][0]["losses"][0] == pytest.approx(0, abs=1e-15)
    assert picture.read_text().startswith("<?xml")
    with pytest.raises(SystemExit) as ended:
        application.main(args=arguments)
    assert "Families were searched for at 0.176" in capsys.readouterr().out
    other = [one.replace("0.1..", "0.2..") for one in arguments]
    with pytest.raises(SystemExit) as ended:
        application.main(args=other)
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("spec", "activation", "told"),
    [
        ("equicorrelated:3:0.5", "relu", "has none"),
        ("equicorrelated:3:0..0.5", "leaky:0..0.5", "has 2"),
        ("equicorrelated:3:0..0.5:0..1", "relu", "has 2"),
        ("equicorrelated:2..3:0.5", "relu", "last number"),
        ("random:3:seed=1..2", "relu", "last number"),
        ("equicorrelated:3:a..b", "relu", "last number"),
        ("equicorrelated:3:0.5..0.1", "relu", "above 0.5"),
        ("equicorrelated:3:-0.6..0.5", "relu", ">= -0.5"),
        ("equicorrelated:3:0..1", "relu", "linearly independent"),
        ("scaled:3:0..1", "relu", "linearly independent"),
        ("angle:30..150", "relu", "at most 3.14159"),
        ("other:3:0..1", "relu", "last number"),
        ("orthonormal:3", "leaky:0..1", "linear"),
        ("orthonormal:3", "leaky:-2..0.5", "inverse"),
        ("orthonormal:3", "erf:0..1", "last number"),
        ("angle:1..2", "erf", "relu or leaky"),
        ("angle:1..2", "abs", "other than -1"),
        ("equicorrelated:3:1", "leaky:0..0.5", "linearly independent"),
    ],
)
def test_bad_curves_are_one_sentence(spec, activation, told):
    with pytest.raises(lt.InvalidArgument, match=told) as refused:
        lt.TeacherCurve.from_spec(spec, activation)
    assert str(refused.value).endswith(".")
