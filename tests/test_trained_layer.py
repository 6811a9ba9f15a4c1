"""Students with trained output weights: derivatives, sectors, splits on unbounded flat lines."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.named import named_model, named_over
from landtopo.models.networks.joint import JointLoss, SignedLoss, joined, outputs_of, weights_of
from landtopo.models.networks.splits import merged, splits
from landtopo.models.networks.trained import TrainedModel
from landtopo.models.origin import is_same, origin_of
from landtopo.models.smooth import FunctionSearch
from landtopo.objective import Array

RNG = np.random.default_rng(5)
B = [1.0, -2.0, 0.5]
#: Heights between copies of the global minimum in the graph of the frozen layer, K = M = 3.
FROZEN = [0.0241236637, 0.0683409560]
#: Height of the swap of erf at K = M = 2, exact.
SWAP = 1 / 3 - 4 / np.pi * np.arcsin(0.25)
FEW = lt.ExploreOptions(
    random_starts=16, mode_starts=16, line_starts=8, patience=20, tries=1, check_pairs=1
)
HOMOGENEOUS = ["relu", "leaky:0.1", "squared-relu"]
SMOOTH = ["erf", "gelu", "sin", "polynomial:0,1,0.5"]


def losses(activation: str, extra: int = 2) -> tuple[lt.TeacherStudent, JointLoss | SignedLoss]:
    teacher = lt.Teacher.equicorrelated(3, 0.2).with_function(activation, outputs=B)
    problem = lt.TeacherStudent(teacher, 4)
    kind = SignedLoss if activation in HOMOGENEOUS else JointLoss
    return problem, kind(problem, extra)


def point(extra: int = 2) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return 0.6 * rng.standard_normal((4, 3 + extra)), np.array([0.8, -1.2, 0.6, -0.9])


@pytest.mark.parametrize("activation", HOMOGENEOUS + SMOOTH)
def test_the_loss_of_weights_and_outputs_is_its_definition(activation: str) -> None:
    """Against the mean over many inputs, and the loss of given output weights."""
    problem, loss = losses(activation)
    weights, outputs = point()
    y = joined(weights, outputs, 3)
    value, _ = loss.joint(y)
    given = lt.TeacherStudent(problem.teacher, 4, outputs=tuple(outputs))
    assert value == pytest.approx(lt.PopulationLoss(given).value(weights), rel=1e-12)
    assert float(loss.value(loss.joint_to(y))) == pytest.approx(value, rel=1e-12)
    inputs = np.random.default_rng(2).standard_normal((200_000, 5))
    s = problem.function.function
    f = s(inputs @ weights.T) @ outputs
    f -= s(inputs[:, :3] @ problem.teacher.vectors.T) @ np.array(B)
    error = float(np.std(0.5 * f**2)) / np.sqrt(len(f))
    assert abs(float(np.mean(0.5 * f**2)) - value) < 5.0 * error


@pytest.mark.parametrize("activation", HOMOGENEOUS + SMOOTH)
def test_derivatives_are_those_of_the_values(activation: str) -> None:
    """By central differences of two steps, whose errors fall like the squares of the steps."""
    _, loss = losses(activation)
    y = joined(*point(), 3)
    x = loss.joint_to(y)
    direction = np.random.default_rng(3).standard_normal(loss.size)
    along = np.array(direction)
    if activation in HOMOGENEOUS:
        loss.rows(along)[:, 3] = 0.0  # of e the sign alone counts
    errors = []
    for step in (2e-4, 1e-4):
        slope = (loss.joint(y + step * direction)[0] - loss.joint(y - step * direction)[0]) / 2
        ahead, behind = (loss.value_and_gradient(x + sign * step * along) for sign in (1, -1))
        errors.append(
            (
                abs(slope / step - loss.joint(y)[1] @ direction),
                abs((ahead[0] - behind[0]) / 2 / step - loss.value_and_gradient(x)[1] @ along),
                np.linalg.norm((ahead[1] - behind[1]) / 2 / step - loss.hessian(x) @ along),
            )
        )
    for coarse, fine in zip(*errors, strict=True):
        assert coarse < 1e-3
        assert fine < 0.3 * coarse + 1e-8
    assert loss.hessian(x) == pytest.approx(loss.hessian(x).T, abs=1e-14)


@pytest.mark.parametrize("activation", ["relu", "erf"])
def test_with_outputs_one_it_is_the_loss_of_the_frozen_layer(activation: str) -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(3), 4, activation=activation)
    plain = lt.PopulationLoss(problem)
    loss = (SignedLoss if activation == "relu" else JointLoss)(problem, 1)
    weights = RNG.standard_normal((4, 4))
    x = joined(weights, np.ones(4), 3)
    value, gradient = loss.value_and_gradient(x)
    assert float(value) == pytest.approx(plain.value(weights), rel=1e-13)
    rows = weights_of(loss.rows(gradient), 3)
    assert rows == pytest.approx(plain.gradient(weights), abs=1e-13)
    inside = weights_of(loss.rows(np.arange(loss.size, dtype=float)), 3).ravel().astype(int)
    hessian = loss.hessian(x)[np.ix_(inside, inside)]
    assert hessian == pytest.approx(plain.hessian(weights), abs=1e-13)
    if activation == "erf":
        slopes = outputs_of(loss.rows(gradient), 3)
        assert slopes == pytest.approx(plain.psi(weights, weights), abs=1e-13)


@pytest.mark.parametrize("activation", ["relu", "squared-relu", "erf"])
def test_gauge_directions_change_nothing(activation: str) -> None:
    _, loss = losses(activation)
    x = loss.joint_to(joined(*point(), 3))
    directions = loss.gauge(x)
    assert directions @ directions.T == pytest.approx(np.eye(len(directions)), abs=1e-12)
    _, gradient = loss.value_and_gradient(x)
    assert np.abs(directions @ gradient).max() < 1e-13
    assert len(directions) == (5 if activation in HOMOGENEOUS else 1)


@lru_cache(maxsize=8)
def searched(
    teachers: int, width: int, starts: int, activation: str = "relu", outputs: str = "normal"
) -> tuple[TrainedModel, FunctionSearch]:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(teachers), width, activation=activation)
    model = lt.trained_model(problem, init_outputs=outputs)
    return model, lt.find_minima(model, starts=starts)


def shifted(model: TrainedModel, x: Array, share: float) -> Array:
    """The point with its first split neuron in the shares g and 1 - g, as rows (w, a)."""
    shape = model.shape
    weights, outputs = shape.parts(x)
    (split,) = [
        one for one in splits(weights, outputs, shape.problem.function) if one.shares[1:].size
    ]
    whole = merged(weights, outputs, shape.problem.function)
    assert whole is not None
    vector = whole.weights[[group.neurons for group in whole.groups].index(split.neurons)]
    weights[list(split.neurons)] = vector
    outputs[list(split.neurons)] = share, 1.0 - share
    return joined(weights, outputs, shape.problem.rank)


@pytest.mark.parametrize(("teachers", "starts"), [(4, 40), (6, 12)])
def test_minima_of_smaller_widths_are_unbounded_flat_lines(teachers: int, starts: int) -> None:
    """The loss is constant to 1e-13 at shares from -10 to 10; between 0 and 1 it is a saddle."""
    model, found = searched(teachers, teachers, starts)
    narrower = lt.TeacherStudent(lt.Teacher.orthonormal(teachers), teachers - 1)
    lowest = lt.find_minima(narrower, starts=30).families[0]
    (line,) = [one for one in found.families if one.flat_dimension == 1]
    assert line.loss == pytest.approx(lowest.loss, abs=1e-13)
    assert line.point.index == 0
    assert line.point.nullity == 1
    assert "unbounded flat line" in line.description
    assert "shares 2, -1" in line.description
    outside = SignedLoss(model.shape.problem)
    for share in np.linspace(-10.0, 10.0, 24):
        y = shifted(model, line.x, float(share))
        outputs = tuple(outputs_of(outside.rows(y), teachers))
        problem = lt.TeacherStudent(narrower.teacher, teachers, outputs=outputs)
        value = lt.PopulationLoss(problem).value(weights_of(outside.rows(y), teachers))
        assert abs(value - line.loss) < 1e-13
        if abs(share) > 3.0:
            continue
        place = outside.joint_to(y)
        point = model.strata.judge(place)
        if 0.0 < share < 1.0:
            assert str(point.kind) == "saddle"
        else:
            assert str(point.kind) == "minimum"
            assert model.strata.mark(point).match(model.strata.mark(line)) is not None


def test_all_pieces_of_one_neuron() -> None:
    """K = M = 4: the minimum of width 1, split into the shares 4, -1, -1, -1."""
    model, _ = searched(4, 4, 40)
    one = lt.find_minima(lt.TeacherStudent(lt.Teacher.orthonormal(4), 1), starts=2).families[0]
    shares = np.array([4.0, -1.0, -1.0, -1.0])
    columns = model.shape.objective.columns
    rows = np.abs(shares)[:, None] * np.pad(one.weights[0], (0, columns - one.weights.shape[1]))
    widest = model.facts.family(
        model.strata.judge(joined(rows, np.sign(shares), 4)), count=1, found_by=""
    )
    assert str(widest.point.kind) == "minimum"
    assert widest.flat_dimension == widest.point.nullity == 3
    assert widest.loss == pytest.approx(one.loss, abs=1e-12)
    # One neuron of four has the positive part.
    assert widest.orbit_size == 4


def test_widths_are_rungs_of_one_graph() -> None:
    """Each width has the minima, transitions and numbers that its model has alone."""
    models = lt.trained_models(lt.Teacher.orthonormal(2), [2, 3], init_outputs="normal")
    graph = lt.landscape_graph(models, starts=12, options=FEW)
    (three,) = lt.trained_models(lt.Teacher.orthonormal(2), 3, init_outputs="normal").models
    alone = lt.landscape_graph(three, starts=12, options=FEW)
    names = ("loss", "orbit_size", "flat_dimension", "count")
    for name, data in alone.nodes(data=True):
        assert [graph.nodes[name][one] for one in names] == [data[one] for one in names]
    assert sorted({data["width"] for _, data in graph.nodes(data=True)}) == [2, 3]
    again = named_over(models.source, models.spelled)
    assert again.source == models.source
    assert is_same(origin_of(models), origin_of(again))


def test_positive_outputs_have_the_families_of_the_frozen_layer() -> None:
    """ReLU, K = M = 8: both families from a = 1 starts, with the spectra in U."""
    _, found = searched(8, 8, 60, outputs="one")
    frozen = lt.find_minima(lt.TeacherStudent(lt.Teacher.orthonormal(8), 8), starts=200)
    assert [one.loss for one in found.families] == pytest.approx(
        [one.loss for one in frozen.families[:2]], abs=1e-12
    )
    assert found.families[1].loss == pytest.approx(0.0215080372, abs=1e-10)
    assert [one.orbit_size for one in found.families] == [
        one.orbit_size for one in frozen.families[:2]
    ]
    for mine, other in zip(found.families, frozen.families, strict=False):
        assert mine.point.gauge == 8
        assert mine.point.eigenvalues[0] == pytest.approx(
            min(other.point.eigenvalues[0], other.point.normal_eigenvalues[0]), abs=1e-9
        )


def test_of_a_smooth_activation_psi_vanishes_at_minima_iff_the_loss_does() -> None:
    model, found = searched(3, 3, 20, activation="erf")
    for family in found.families:
        weights, outputs = model.shape.parts(family.x)
        problem = lt.TeacherStudent(model.shape.problem.teacher, 3, outputs=tuple(outputs))
        slopes = lt.PopulationLoss(problem).psi(np.eye(3, weights.shape[1]), weights)
        assert (np.abs(slopes).max() < 1e-9) == (family.loss < 1e-12)
    assert found.families[0].orbit_size == 48  # 3! permutations and 2^3 signs


def test_more_neurons_than_teachers_have_one_family_of_zero_loss_in_each_sector() -> None:
    _, found = searched(3, 4, 30)
    lowest = [one for one in found.families if one.loss < 1e-12]
    assert [one.flat_dimension for one in lowest] == [1, 1]
    assert {one.description[0] for one in lowest} == {"0", "1"}
    assert {str(one.point.kind) for one in lowest} == {"minimum"}
    assert all(one.point.nullity > 1 for one in lowest)  # walls of third order beside the shares
    assert sum(one.count for one in lowest) > 20


def test_bad_input() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(2), 2)
    with pytest.raises(InvalidArgument, match="'init_outputs' argument of trained_models"):
        lt.trained_model(problem, init_outputs="two")
    with pytest.raises(InvalidArgument, match="output weights 1"):
        lt.trained_model(lt.TeacherStudent(problem.teacher, 2, outputs=(1.0, -1.0)))
    with pytest.raises(InvalidArgument, match="not even"):
        lt.trained_model(lt.TeacherStudent(problem.teacher, 2, activation="cos"))


def test_a_graph_says_what_it_does_not_join_and_verifies(tmp_path: Path) -> None:
    """ReLU, K = M = 3: the passes of the frozen layer, and flat lines of the width-2 minimum."""
    model, _ = searched(3, 3, 30)
    with lt.Study.create(tmp_path / "one.landtopo", model) as study:

        def keep(found: FunctionSearch) -> None:
            source = f"{found.search['method']} from {found.search['init']}"
            points = (*found.families, *found.others)
            study.save_search("minima", source, found.attempts, points, found.search)

        graph = lt.landscape_graph(model, starts=30, options=FEW, journal=study, searched=keep)
        study.save_graph(graph)
    passes = sorted(data["loss"] for first, _, data in graph.edges(data=True) if first == "w3-min0")
    assert passes == pytest.approx(FROZEN, abs=1e-9)
    (told,) = graph.graph["transition_search"]["3"]["told"]
    assert "not searched" in told
    assert not any("w3-min0" in (first, last) and first != last for first, last in graph.edges())
    with lt.Study.open(tmp_path / "one.landtopo") as study:
        assert [check for check in lt.verify(study) if not check.agrees] == []


def test_a_neuron_without_output_weight_is_no_family_of_its_own() -> None:
    """Of erf, a = 0 and psi(w) = 0 make a whole surface of critical points, one saddle here."""
    model, _ = searched(2, 2, 20, activation="erf")
    found = lt.find_saddles(model, starts=30)
    swaps = [one for one in found.families if abs(one.loss - SWAP) < 1e-9]
    assert len(swaps) <= 2
    assert sum(one.count for one in swaps) > 3


def test_ways_across_signs_are_refused() -> None:
    model, found = searched(3, 3, 30)
    with pytest.raises(InvalidArgument, match="a neuron vanishes"):
        lt.connect(model, found.families[0].x, found.families[1].x)


def test_paths_between_copies_of_positive_outputs_are_those_of_the_frozen_layer() -> None:
    model, found = searched(2, 2, 10)
    x = found.families[0].x
    swapped = model.shaped(x)[::-1].ravel()
    path = lt.connect(model, x, swapped)
    assert path.verified
    assert path.barrier == pytest.approx(0.0736129, abs=1e-7)  # for every d >= 3


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, [*arguments])


OF = ("--teacher", "orthonormal:2", "--width", "2", "--quiet")


def test_the_command_line_has_it(tmp_path: Path) -> None:
    study = str(tmp_path / "two.landtopo")
    trained = ("--second-layer", "trained", "--init-outputs", "normal")
    out = run("minima", *OF, *trained, "--starts", "12", "-o", study, "--json")
    assert out.exit_code == 0, out.output
    families = json.loads(out.stdout)["families"]
    assert families[0]["loss"] < 1e-12
    again = run("minima", "-o", study, "--json", "--quiet")
    assert json.loads(again.stdout)["families"] == families
    assert run("show", study).exit_code == 0
    assert run("verify", study).exit_code == 0


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--init-outputs", "normal"), "--second-layer trained"),
        (("--second-layer", "trained", "--outputs", "1,2,3"), "shape (2,)"),
        (("--second-layer", "trained", "--outputs", "1,0"), "must have no zero"),
        (("--second-layer", "trained", "--activation", "abs"), "not even"),
        (("--second-layer", "trained", "--init", "nothing"), "A start must be one of"),
        (("--second-layer", "half"), "second-layer"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_a_sentence(more: tuple[str, ...], why: str) -> None:
    out = run("minima", *OF, *more)
    assert out.exit_code == 2
    assert why in out.output


def test_commands_without_it_say_so() -> None:
    out = run("certify", *OF, "--second-layer", "trained")
    assert out.exit_code == 2
    assert "--second-layer trained is for flat, flow, graph" in out.output


def test_a_name_makes_the_same_model_again() -> None:
    teacher = lt.Teacher.equicorrelated(3, 0.1).with_function("leaky:0.2", outputs=[1, -1, 2])
    model = lt.trained_model(lt.TeacherStudent(teacher, 2, dim=5), init="sphere:2")
    again = named_model(model.name)
    assert again.name == model.name
    assert is_same(origin_of(model), origin_of(again))
    with pytest.raises(InvalidArgument, match="must be named like 'trained:normal"):
        named_model("trained:2")


def test_searches_that_run_to_infinity_are_no_points() -> None:
    """Of GELU, growing outputs of opposite signs come close to a derivative of s."""
    _, found = searched(3, 3, 12, activation="gelu")
    ends = [status.name for status in found.attempts.status]
    assert {"FLAWED", "DIVERGED"} & set(ends)
    assert [one.loss < 1e-12 for one in found.families] == [True]
    assert all("infinity" not in one.point.reason for one in found.others)


def test_short_neurons_are_not_enough() -> None:
    with pytest.raises(InvalidArgument, match="neurons of any length"):
        lt.trained_model(lt.TeacherStudent(lt.Teacher.orthonormal(2), 2, activation="tanh"))
