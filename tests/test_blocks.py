"""Block families: closed forms at real sizes, spectra by representations, onsets, large sizes."""

import json
import math

import mpmath
import numpy as np
import pytest
import scipy.optimize
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.models.networks.blocks.continuation import Node, follow
from landtopo.models.networks.blocks.loss import (
    PRECISE,
    curvature,
    grad_norm,
    gradient,
    loss,
    slopes,
)
from landtopo.models.networks.blocks.pattern import Pattern
from landtopo.models.networks.blocks.spectrum import hessian_block, normal_block, representations

# Classes, and what the orbits of students follow: two orbits on one class, single neurons, classes
# of one, two and three members, where representations begin to occur.
PATTERNS = [
    ((4,), (0,)),
    ((6,), (0, None)),
    ((1, 5), (0, 1, None)),
    ((3, 4), (0, 1)),
    ((2, 3, 1), (0, 0, 1, 2, None)),
    ((1, 3, 2), (1, 1, None)),
]


def weights_of(pattern, x):
    labels = [c for c, size in enumerate(pattern.sizes) for _ in range(int(size))]
    rows = []
    for orbit, followed in enumerate(pattern.students):
        members = [m for m, c in enumerate(labels) if c == followed] or [None]
        for me in members:
            rows.append([x[pattern.place[orbit, c, m == me]] for m, c in enumerate(labels)])
    return np.array(rows, dtype=float)


def random_point(sizes, students, seed=0):
    pattern = Pattern(sizes=tuple(map(PRECISE.mpf, sizes)), students=students)
    numbers = np.random.default_rng(seed).normal(size=len(pattern.coordinates))
    return pattern, [PRECISE.mpf(float(one)) for one in numbers]


def population(weights):
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(weights.shape[1]), width=len(weights))
    return lt.PopulationLoss(problem)


def repeated(values, size):
    whole = np.concatenate([np.repeat(value, number) for value, number in values])
    assert len(whole) == size
    return np.sort(whole)


@pytest.mark.parametrize(("sizes", "students"), PATTERNS)
def test_whole_spectrum_against_dense_matrices(sizes, students):
    pattern, x = random_point(sizes, students)
    weights, at = weights_of(pattern, x), slopes(pattern, x)
    exact = population(weights)
    assert float(loss(at)) == pytest.approx(exact.value(weights), rel=1e-13)
    assert float(grad_norm(at)) == pytest.approx(np.linalg.norm(exact.gradient(weights)), rel=1e-13)
    for block, dense in (
        (hessian_block, exact.hessian(weights).reshape(weights.size, weights.size)),
        (normal_block, exact.normal_block(weights)),
    ):
        values = [
            (float(value), round(float(one.dimension)))
            for one in representations(pattern)
            if (matrix := block(at, one)).rows
            for value in PRECISE.eigsy(matrix, eigvals_only=True)
        ]
        eigenvalues = np.linalg.eigvalsh(dense)
        np.testing.assert_allclose(repeated(values, len(dense)), eigenvalues, atol=1e-12)


def test_derivatives_at_a_real_size():
    """Taylor slopes in 60 digits at sizes where there is no network to compare with."""
    pattern, x = random_point((2.5, 3.7), (0, 1, None), seed=1)
    direction = [PRECISE.mpf(i % 3 - 1) / (i + 1) for i in range(len(x))]
    at, small = slopes(pattern, x), PRECISE.mpf("1e-15")
    sides = [
        loss(slopes(pattern, [a + sign * small * b for a, b in zip(x, direction, strict=True)]))
        for sign in (1, -1)
    ]
    parts = zip(pattern.multiplicities, gradient(at), direction, strict=True)
    slope = sum(number * one * along for number, one, along in parts)
    assert abs((sides[0] - sides[1]) / (2 * small) - slope) < 1e-26
    second = (sides[0] + sides[1] - 2 * loss(at)) / small**2
    assert abs(second - curvature(at, [direction])[0, 0]) < 1e-26


def test_global_minimum_has_its_known_spectrum():
    family = lt.block_family(0, size=7)
    assert family.loss == pytest.approx(0, abs=1e-50)
    low, high = 1 / 4 - 1 / (2 * math.pi), 1 / 4 + 1 / (2 * math.pi)
    count = dict.fromkeys(("low", "high"), 0)
    for one in family.eigenvalues:
        if one.where == "in the span":
            count["low"] += one.multiplicity * math.isclose(one.value, low)
            count["high"] += one.multiplicity * math.isclose(one.value, high)
        else:
            assert (one.value, one.multiplicity) in [(0.25, 6), (2.0, 1)]
    assert count == {"low": 21, "high": 14}


@pytest.mark.parametrize(
    ("anti_aligned", "size", "value", "index", "lowest"),
    [
        (1, 6, 0.0250805810, 0, 0.0047003547),
        (1, 10, 0.018702195, 0, 0.03196403),
        (2, 10, 0.035326880, 0, 0.01599208),
        ("all", 6, 0.0556685813, 0, 0.00150365),
        (1, 5, 0.026970470, 3, -0.00770152),
        (1, 4, 0.028024981, 2, None),
    ],
)
def test_known_points(anti_aligned, size, value, index, lowest):
    """Data of Safran, Yehudai, Shamir (2021) at 6 and 10."""
    family = lt.block_family(anti_aligned, size=size)
    assert family.loss == pytest.approx(value, abs=6e-10)
    assert family.grad_norm < 1e-40
    assert family.index == index
    if lowest is not None:
        assert family.eigenvalues[0].value == pytest.approx(lowest, abs=6e-9)
    weights = family.weights()
    assert np.sum(np.diag(weights) < 0) == (size if anti_aligned == "all" else anti_aligned)
    assert np.linalg.norm(population(weights).gradient(weights)) < 1e-14


@pytest.mark.parametrize(
    ("anti_aligned", "extra", "onset", "representation"),
    [
        (1, None, 5.58550525, "standard (aligned)"),
        ("all", None, 5.76381273, "(n-2, 1, 1) (anti-aligned)"),
        (3, "spread", 16.9653474, "standard (anti-aligned)"),
    ],
)
def test_onsets(anti_aligned, extra, onset, representation):
    found = lt.block_family(anti_aligned, extra=extra, size=20, onset=True).onset
    assert found.size == pytest.approx(onset, abs=6e-9 if extra is None else 6e-8)
    assert (found.representation, found.where) == (representation, "in the span")
    sides = [
        lt.block_family(anti_aligned, extra=extra, size=found.size + step).index
        for step in (-1e-9, 1e-9)
    ]
    assert sides[0] > 0
    assert sides[1] == 0


def test_all_crossings_and_the_fold():
    """The index on both sides of each differs by its multiplicity; beyond the fold there is none.

    At the fold the loss is stationary under a further direction: two sheets meet, and their
    distance falls like the root of the distance in size.
    """
    family = lt.block_family(4, size=10, onset=True)
    sizes = [one.size for one in family.crossings]
    assert sizes == sorted(sizes, reverse=True)
    assert family.onset.size == sizes[0] == pytest.approx(10.97839027, abs=6e-9)
    for one in family.crossings:
        below, above = (lt.block_family(4, size=one.size + step).index for step in (-1e-7, 1e-7))
        change = one.multiplicity if one.rises else -one.multiplicity
        assert below - above == pytest.approx(change, abs=1e-5)
    assert family.lowest_size == pytest.approx(family.fold.size, rel=1e-3)
    assert lt.block_family(4, size=family.fold.size - 1e-6).index is None
    smallest = [
        min(
            abs(value.value)
            for value in lt.block_family(4, size=family.fold.size + step).eigenvalues
            if value.representation == "trivial" and value.where == "in the span"
        )
        for step in (4e-6, 1e-6)
    ]
    assert smallest[0] / smallest[1] == pytest.approx(2, rel=0.02)


def test_the_family_of_a_given_network():
    """Rows in any order and teacher vectors in any order are the same family."""
    known = lt.block_family(2, extra="opposed", size=8)
    generator = np.random.default_rng(1)
    weights = known.weights()[generator.permutation(9)][:, generator.permutation(8)]
    family = lt.block_family(weights=weights, size=11)
    named = lt.block_family(2, extra="opposed", size=11)
    assert (family.given, family.width) == (True, 12)
    assert family.loss == pytest.approx(named.loss, rel=1e-12)
    assert family.index == named.index
    assert np.linalg.norm(population(family.weights()).gradient(family.weights())) < 1e-13


def test_three_blocks_are_followed():
    """A critical point with blocks of one, two and four: found in its fixed space, then grown."""
    pattern = Pattern(sizes=(1, 2, 4), students=(0, 1, 2))
    found = None
    for seed in range(40):
        generator = np.random.default_rng(seed)
        x = generator.normal(size=len(pattern.coordinates))
        solved = scipy.optimize.root(
            lambda x: np.array(gradient(slopes(pattern, list(x), mpmath.fp)), float), x
        )
        weights = weights_of(pattern, solved.x)
        apart = [np.abs(a - b).max() for i, a in enumerate(weights) for b in weights[:i]]
        if not solved.success or min(np.linalg.norm(weights, axis=1)) < 0.05 or min(apart) < 1e-3:
            continue
        try:
            family = lt.block_family(weights=weights, size=7)
        except lt.InvalidArgument:
            continue
        if len(family.blocks) == 3 and family.index is not None:
            found = weights, family
            break
    assert found is not None
    weights, family = found
    assert family.loss == pytest.approx(population(weights).value(weights), rel=1e-12)
    larger = lt.block_family(weights=weights, size=7.2)
    assert larger.blocks == family.blocks
    assert larger.grad_norm < 1e-40


def test_a_network_that_is_no_family_of_blocks_is_refused():
    with pytest.raises(lt.InvalidArgument, match="exchanged"):
        lt.block_family(weights=np.random.default_rng(0).normal(size=(4, 4)), size=6)
    with pytest.raises(lt.InvalidArgument, match="two equal neurons"):
        lt.block_family(weights=np.ones((2, 4)), size=6)
    with pytest.raises(lt.InvalidArgument, match="takes the place"):
        lt.block_family(1, weights=np.eye(4), size=6)
    with pytest.raises(lt.InvalidArgument, match="needs"):
        lt.block_family(size=6)


def test_large_sizes_keep_their_digits():
    one, everything = lt.block_family(1, size=1e7, expansion=True), lt.block_family("all", size=1e7)
    assert one.size * one.loss == pytest.approx(0.297323, abs=5e-7)
    assert one.grad_norm < 1e-40
    assert everything.loss == pytest.approx(0.181556, abs=5e-7)
    assert one.expansion.limit == pytest.approx(1 / 2 - 2 / math.pi**2, abs=1e-10)
    assert one.expansion.power == 1
    # The expansion says what the size 1e7, which it does not use, has.
    scaled = sum(c * 1e7 ** (-j / 2) for j, c in enumerate(one.expansion.coefficients))
    assert scaled == pytest.approx(one.size * one.loss, abs=1e-12)
    limit = lt.block_family("all", size=8, expansion=True).expansion.limit
    assert limit == pytest.approx(1 / 2 - 1 / math.pi, abs=1e-10)


def test_an_extra_neuron_makes_the_minimum_that_descents_find():
    """K = M + 1 = 11: the lowest of descents' spurious families, met once in 300 starts."""
    family = lt.block_family(1, extra="opposed", size=10)
    assert family.loss == pytest.approx(0.01789265513945, abs=1e-13)
    weights = family.weights()
    assert weights.shape == (11, 10)
    point = lt.classify(lt.TeacherStudent(lt.Teacher.orthonormal(10), width=11), weights)
    assert (point.index, point.kind.name) == (0, "MINIMUM")
    assert weights[0, 0] < 0
    assert weights[10, 0] < 0


def test_multiplicities_at_real_sizes_are_real():
    family = lt.block_family(1, size=5.5)
    assert family.index == pytest.approx(3.5)
    total = sum(one.multiplicity for one in family.eigenvalues if one.where == "in the span")
    assert total == pytest.approx(5.5**2)
    with pytest.raises(lt.InvalidArgument, match="whole sizes"):
        family.weights()


class Circle:
    """y^2 + t^2 = 1 has no solution beyond t = 1, where its curve turns back."""

    arithmetic = mpmath.fp

    def residual(self, y, t):
        return [y[0] ** 2 + t**2 - 1]

    def jacobian(self, y, t):
        return mpmath.fp.matrix([[2 * y[0]]])


def test_a_curve_that_turns_back_is_told():
    start = Node(y=[0.8], t=0.6)
    assert not follow(Circle(), start, 1.5).reached
    curve = follow(Circle(), start, 0.99)
    assert curve.reached
    assert curve.nodes[-1].y[0] == pytest.approx(math.sqrt(1 - 0.99**2), abs=1e-12)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        application.main(args=["block", *arguments])
    return ended.value.code, capsys.readouterr()


def test_command(capsys):
    code, told = run(capsys, "--anti-aligned", "1", "--size", "6", "--onset", "--json")
    record = json.loads(told.out)
    assert code == 0
    assert record["index"] == 0
    assert record["onset"]["size"] == pytest.approx(5.58550525, abs=6e-9)
    assert sum(one["multiplicity"] for one in record["eigenvalues"]) == 36 + 6
    code, told = run(capsys, "--anti-aligned", "1", "--size", "6", "--json")
    assert "onset" not in json.loads(told.out)
    code, told = run(capsys, "--anti-aligned", "1", "--size", "6")
    assert "loss 0.025080581, index 0" in told.out
    code, told = run(capsys, "--anti-aligned", "1", "--size", "6", "--onset")
    assert "5.585505247" in told.out
    code, told = run(capsys, "--anti-aligned", "1", "--size", "2", "--json")
    assert code == 1
    assert json.loads(told.out)["loss"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        ("--size", "6"),
        ("--anti-aligned", "x", "--size", "6"),
        ("--anti-aligned", "-1", "--size", "6"),
        ("--anti-aligned", "3", "--size", "2"),
        ("--anti-aligned", "3", "--size", "3.5"),
        ("--anti-aligned", "1", "--size", "nan"),
        ("--anti-aligned", "1", "--size", "inf"),
        ("--anti-aligned", "1", "--size", "1e12"),
        ("--anti-aligned", "1", "--size", "1_0"),
        ("--anti-aligned", "0", "--size", "6", "--extra", "spread"),
        ("--anti-aligned", "1", "--size", "6", "--extra", "apart"),
    ],
)
def test_bad_input_is_one_sentence(capsys, arguments):
    code, told = run(capsys, *arguments)
    assert code == 2
    assert told.out == ""
    assert told.err.strip().splitlines()[-1].startswith("Error: ")
