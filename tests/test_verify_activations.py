"""`landtopo verify` of another activation than ReLU, and that it finds what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from landtopo_cli.app import landtopo as application
from scipy.integrate import dblquad

import landtopo as lt
from landtopo.errors import InvalidArgument
from landtopo.models.networks.activation import activation_from_spec
from landtopo.objective import Array
from landtopo.study.verification import checks_of
from landtopo.study.verification.activations.evidence import KnownNetworks
from landtopo.study.verification.activations.quadrature import Quadrature
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.stored import Record, records_of


def drawn_loss(spec: str, weights: Array, draws: Array) -> tuple[float, float]:
    """The loss on drawn inputs, and its standard error."""
    s = activation_from_spec(spec).function
    columns = weights.shape[1]
    error = s(draws[:, :columns] @ weights.T).sum(axis=1) - s(draws[:, :2]).sum(axis=1)
    half = 0.5 * error**2
    return float(half.mean()), float(half.std() / np.sqrt(len(half)))


@pytest.mark.parametrize(
    "spec",
    ["relu", "leaky:0.1", "abs", "squared-relu", "quadratic", "erf", "gelu", "sin", "cos", "tanh",
     "softplus"],
)  # fmt: skip
def test_the_quadrature_is_the_mean_over_inputs(spec: str) -> None:
    weights = np.array([[0.9, 0.3, 0.1], [-0.2, 0.7, 0.0], [0.1, -0.5, 0.6]])
    quadrature = Quadrature(activation_from_spec(spec), np.eye(2), np.ones(2))
    value, error = quadrature.loss(weights)
    draws = np.random.default_rng(0).standard_normal((100_000, 3))
    mean, spread = drawn_loss(spec, weights, draws)
    assert abs(value - mean) <= 4 * spread
    assert error <= 1e-13
    # The gradient is that of the loss, by differences of fourth order.
    move = np.random.default_rng(1).standard_normal(weights.shape)
    h = 1e-3
    steps = [quadrature.loss(weights + k * h * move)[0] for k in (-2, -1, 1, 2)]
    slope = (steps[0] - 8 * steps[1] + 8 * steps[2] - steps[3]) / (12 * h)
    assert float(np.sum(quadrature.gradient(weights) * move)) == pytest.approx(slope, abs=1e-9)


def test_one_pair_is_a_double_integral() -> None:
    def density(y: float, x: float) -> float:
        return float(abs(0.8 * x + 0.1 * y) * np.exp(-0.5 * (x * x + y * y)) / (2 * np.pi))

    # With one neuron and one teacher of |x| the mixed term of the loss is E[|u.x| |v.x|].
    quadrature = Quadrature(activation_from_spec("abs"), np.eye(2), np.ones(2))
    value, _ = quadrature.loss(np.array([[0.8, 0.1]]))
    mixed = sum(
        dblquad(lambda y, x, k=k: abs((x, y)[k]) * density(y, x), -9, 9, -9, 9, epsabs=1e-7)[0]
        for k in range(2)
    )
    own, teachers = 0.65, 2.0 + 2 * 2 / np.pi
    assert value == pytest.approx(0.5 * (own + teachers) - mixed, abs=1e-5)


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that the command makes of the graph of abs."""
    folder = tmp_path_factory.mktemp("abs")
    words = ["graph", "--teacher", "orthonormal:2", "--activation", "abs", "--widths", "2:3"]
    words += ["--starts", "10", "-o", str(folder / "abs.landtopo"), "--quiet"]
    found = CliRunner().invoke(application, words)
    assert found.exit_code == 0, found.output
    return folder / "abs.landtopo"


@pytest.fixture
def known(study_file: Path) -> Iterator[KnownNetworks]:
    """What is recomputed of it."""
    with lt.Study.open(study_file) as study:
        yield KnownNetworks(study, Memory())


def test_a_graph_of_abs_is_recomputed(study_file: Path) -> None:
    with lt.Study.open(study_file) as study:
        checks = lt.verify(study)
        assert study.graph().edges["w2-f0", "w2-f0", "w2-t1"]["permutation"] == "(1 -1)"
    assert not [check for check in checks if not check.agrees]
    told = {(check.subject, check.quantity) for check in checks}
    assert {("w2-t0", "permutation"), ("w3-f0", "orbit_size"), ("w2-t1", "index")} <= told


@pytest.mark.parametrize(
    ("name", "changed", "found"),
    [
        ("w2-f0", {"loss": 1e-9}, {"loss"}),
        ("w2-f0", {"orbit_size": 2}, {"orbit_size"}),
        ("w3-f0", {"isotropy_order": 1}, {"isotropy_order"}),
        ("w2-f0", {"smallest_eigenvalue": 0.3634}, {"smallest_eigenvalue"}),
        ("w2-t1", {"barrier_to": 0.2523}, {"barrier_to"}),
        ("w2-t1", {"index": 2}, {"index"}),
        (
            "w2-t1",
            {"permutation": "(1 2)"},
            {"from_id", "to_id", "permutation", "teacher_permutation", "verified"},
        ),
        (
            "w2-t1",
            {"permutation": "()"},
            {"from_id", "to_id", "permutation", "teacher_permutation", "verified"},
        ),
        ("w2-t1", {"permutation": "(1 5)"}, {"permutation"}),
    ],
)
def test_what_is_wrong_is_found(
    known: KnownNetworks, name: str, changed: dict[str, object], found: set[str]
) -> None:
    record = next(one for one in records_of(known.study) if one.name == name)
    values = {**record.values, **changed}
    other = Record(kind=record.kind, name=name, values=values, within=record.within)
    wrong = {check.quantity for check in checks_of(known, other) if not check.agrees}
    assert wrong == found


def test_a_study_without_a_graph_is_refused(tmp_path: Path) -> None:
    teacher = lt.Teacher.orthonormal(2).with_function("abs")
    with (
        lt.Study.create(tmp_path / "none.landtopo", teacher) as study,
        pytest.raises(InvalidArgument, match="must have a graph, of which alone"),
    ):
        lt.verify(study)
