"""What is known of a landscape is known everywhere: by paths, by every command, for every copy.

Established: over a known graph any two labelled minima are joined at the height that the labelled
connectivity says, whichever copies are asked for; equivalent pairs get the same barrier to the last
digit; a path that is not found has no height; and what one command finds in a study, all use.
"""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

from landtopo.errors import InvalidArgument
from landtopo.export import read_graph
from landtopo.models.connectivity import labelled_connectivity
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.paths.connect import ConnectOptions, connect
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.points.families import FamilyIndex
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.symmetry import Relabelling
from landtopo.objective import Array
from landtopo.paths.join import JoinOptions
from landtopo.study import Study
from landtopo.study.codec import encode

KNOWN = Path(__file__).parent / "known"
#: No band at all: what is found was known.
ONLY_KNOWN = ConnectOptions(join=JoinOptions(bands=0, improve=0))
FEW = ConnectOptions(join=JoinOptions(bands=4, improve=2, patience=2))


def known_graph(width: int) -> nx.MultiGraph[str]:
    """One width of the graph that 0.1.0 made of orthonormal:6, or of orthonormal:8 above that."""
    return read_graph(KNOWN / f"orthonormal-{width}.json")


def problem_of(width: int) -> TeacherStudent:
    return TeacherStudent(Teacher.orthonormal(width), width)


def random_element(width: int, rng: np.random.Generator) -> Relabelling:
    students, teachers = (tuple(rng.permutation(width).tolist()) for _ in range(2))
    return Relabelling(students=students, teachers=teachers)


def check(path: PathRecord) -> None:
    """The record's claims, recomputed: a line from end to end that is nowhere higher."""
    loss = PopulationLoss(path.problem)
    np.testing.assert_allclose(path.points[0], path.start, atol=1e-12)
    np.testing.assert_allclose(path.points[-1], path.end, atol=1e-12)
    lengths = np.linalg.norm(np.diff(path.points, axis=0), axis=(1, 2))
    np.testing.assert_allclose(np.diff(path.positions), lengths, atol=1e-6)
    for state in path.transition_states:
        assert state.index == 1
        assert np.linalg.norm(loss.gradient(state.weights)) <= 1e-12
    for weights in path.minima:
        assert np.linalg.norm(loss.gradient(weights)) <= 1e-12
    share = np.linspace(0.0, 1.0, 8)[None, :, None, None]
    pieces = path.points[:-1, None] + share * np.diff(path.points, axis=0)[:, None]
    highest = float(loss.value(pieces.reshape(-1, *path.start.shape)).max())
    assert highest <= path.highest_loss + path.profile_tolerance


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)])
def test_any_copies_are_joined_at_the_height_of_the_labelled_connectivity(
    first: int, last: int
) -> None:
    graph, problem = known_graph(6), problem_of(6)
    connectivity = labelled_connectivity(graph, 6)
    names = f"w6-f{first}", f"w6-f{last}"
    rng = np.random.default_rng(10 * first + last)
    for _ in range(2):
        elements = [random_element(6, rng) for _ in names]
        ends = [
            element.on_weights(graph.nodes[name]["weights"], np.eye(6))
            for element, name in zip(elements, names, strict=True)
        ]
        relation = elements[0].inverse().after(elements[1])
        level = connectivity.joining_level(names[0], relation, other=names[1])
        path = connect(problem, *ends, graph=graph, options=ONLY_KNOWN)
        assert path.verified
        assert path.highest_loss == pytest.approx(level, abs=1e-12)
        check(path)


def test_eight_neurons_are_joined_as_the_graph_says() -> None:
    """Alone, the search for a path from f3 to f5 ends without one, or 0.0017450 too high."""
    graph, problem = known_graph(8), problem_of(8)
    rng = np.random.default_rng(0)
    start, end = (graph.nodes[name]["weights"] for name in ("w8-f3", "w8-f5"))
    paths = [
        connect(
            problem,
            random_element(8, rng).on_weights(start, np.eye(8)),
            end,
            graph=graph,
            options=ONLY_KNOWN,
        )
        for _ in range(2)
    ]
    for path in paths:
        assert path.highest_loss == pytest.approx(0.0690992806838, abs=1e-12)
        assert path.bands == 0
        check(path)


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 1), (1, 1)])
def test_copies_on_flat_sets_are_joined_by_way_of_slides(first: int, last: int) -> None:
    """Nine neurons for eight: the global minima are one flat set, the spurious ones isolated."""
    graph = known_graph(9)
    problem = TeacherStudent(Teacher.orthonormal(8), 9)
    rng = np.random.default_rng(first + last)
    ends = []
    for name in (f"w9-f{first}", f"w9-f{last}"):
        students, teachers = rng.permutation(9), rng.permutation(8)
        ends.append(graph.nodes[name]["weights"][students][:, teachers])
    path = connect(problem, *ends, graph=graph, options=ONLY_KNOWN)
    assert path.verified
    assert path.highest_loss == pytest.approx(0.0205798403 if last else 0.0, abs=1e-10)
    assert path.kind == ("saddle" if last else "flat")
    check(path)


@pytest.mark.parametrize("scale", [1.0, 37.0])
def test_dependent_teachers_are_joined_by_mirror_images_too(scale: float) -> None:
    """Three vectors that sum to zero: their six rotations and reflections, and W to -W.

    All copies of one transition state are known with it, in any units.
    """
    vectors = scale * np.array([[1.0, 0.0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]])
    teacher = Teacher.from_vectors(vectors)
    problem = TeacherStudent(teacher, 3, 2)
    start = teacher.vectors
    first = connect(problem, start, start[[1, 0, 2]], seed=0, options=FEW)
    assert first.verified
    known = [state.weights for state in first.transition_states]
    heights = set()
    for order in ([0, 2, 1], [2, 1, 0], [1, 0, 2]):
        for sign in (1.0, -1.0):
            path = connect(
                problem, sign * start, sign * start[order], known=known, options=ONLY_KNOWN
            )
            assert path.verified
            heights.add(path.highest_loss)
    assert len(heights) == 1
    assert heights.pop() == pytest.approx(first.highest_loss, rel=1e-12)


def test_known_states_need_no_graph() -> None:
    graph = known_graph(6)
    states = [data["weights"] for *_, data in graph.edges(data=True)]
    start, end = (graph.nodes[name]["weights"] for name in ("w6-f1", "w6-f2"))
    path = connect(problem_of(6), start, end, known=states, options=ONLY_KNOWN)
    assert path.highest_loss == pytest.approx(0.0557028935, abs=1e-9)


def test_a_graph_of_another_landscape_is_refused() -> None:
    graph = known_graph(6)
    for problem in (problem_of(5), TeacherStudent(Teacher.orthonormal(6), 6, 6)):
        with pytest.raises(InvalidArgument, match="'graph' argument of connect"):
            connect(problem, np.eye(problem.width), np.eye(problem.width)[::-1], graph=graph)


def _equivalent(start: Array, end: Array, count: int) -> list[tuple[Array, Array]]:
    width, rng = len(start), np.random.default_rng(7)
    elements = [Relabelling.identity(width, width)]
    elements += [random_element(width, rng) for _ in range(count)]
    return [
        (g.on_weights(start, np.eye(width)), g.on_weights(end, np.eye(width))) for g in elements
    ]


@pytest.mark.parametrize("swapped", [False, True])
def test_equivalent_pairs_have_one_barrier_to_the_last_digit(swapped: bool) -> None:
    """From either end, without anything known; a few bands leave room for luck."""
    graph, problem = known_graph(6), problem_of(6)
    ends = graph.nodes["w6-f2"]["weights"], graph.nodes["w6-f1"]["weights"][[2, 0, 1, 5, 3, 4]]
    found = []
    for start, end in _equivalent(*ends, 3):
        pair = (end, start) if swapped and found else (start, end)
        path = connect(problem, *pair, seed=1, options=FEW)
        found.append((path.highest_loss, path.bands, path.status))
        if path.verified:
            check(path)
    assert len(set(found)) == 1


def test_a_path_to_the_start_is_the_path_from_it_told_backwards() -> None:
    graph, problem = known_graph(6), problem_of(6)
    start, end = graph.nodes["w6-f1"]["weights"], graph.nodes["w6-f0"]["weights"]
    there = connect(problem, start, end, graph=graph, options=ONLY_KNOWN)
    back = connect(problem, end, start, graph=graph, options=ONLY_KNOWN)
    assert back.barrier_to == there.barrier_from
    assert back.barrier_from == there.barrier_to
    assert [s.loss for s in back.transition_states] == [
        s.loss for s in reversed(there.transition_states)
    ]
    np.testing.assert_allclose(back.points, there.points[::-1], atol=1e-9)
    check(back)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def test_a_path_that_is_not_found_has_no_height(monkeypatch: pytest.MonkeyPatch) -> None:
    from landtopo.models.networks.paths import connect as module

    whole = module.connect
    monkeypatch.setattr(
        module, "connect", lambda *a, **options: whole(*a, **{**options, "options": ONLY_KNOWN})
    )
    two = ("--teacher", "orthonormal:2", "--width", 2, "--permutation", "(1 2)")
    result = run("path", *two)
    assert result.exit_code == 3
    assert "inf" not in result.stdout
    assert "No height and no barrier can be told" in result.stdout
    assert '"kind": null' in run("path", *two, "--json").stdout


def stored(path: Path, graph: nx.MultiGraph[str]) -> Path:
    with Study.create(path, Teacher.from_spec(graph.graph["teacher"])) as study:
        study.save_graph(graph)
    return path


def without_family(graph: nx.MultiGraph[str], number: int) -> nx.MultiGraph[str]:
    """The graph as it is where no start has met a family."""
    width = graph.nodes[next(iter(graph))]["width"]
    names = {f"w{width}-f{old}": f"w{width}-f{old - 1}" for old in range(number + 1, len(graph))}
    graph.remove_node(f"w{width}-f{number}")
    graph = nx.relabel_nodes(graph, names)
    for name, data in graph.nodes.items():
        data["id"] = name
    for *_, data in graph.edges(data=True):
        for end in ("from_id", "to_id"):
            data[end] = names.get(data[end], data[end])
    return graph


def heights(study: Path) -> list[tuple[str, str, float]]:
    with Study.open(study) as opened:
        edges = opened.graph().edges(data=True)
    return sorted((d["from_id"], d["to_id"], round(float(d["loss"]), 9)) for *_, d in edges)


def all_heights() -> list[tuple[str, str, float]]:
    edges = known_graph(6).edges(data=True)
    return sorted((d["from_id"], d["to_id"], round(float(d["loss"]), 9)) for *_, d in edges)


def test_the_graph_gains_the_lower_pass_that_a_path_finds(tmp_path: Path) -> None:
    """Without 0.0250923 the lowest way out of the spurious family is 0.0599440 high."""
    lowest = ("w6-f0", "w6-f1", 0.025092331)
    key = next(
        key
        for *_, key, data in known_graph(6).edges(keys=True, data=True)
        if round(float(data["loss"]), 9) == lowest[2]
    )
    graph = known_graph(6)
    graph.remove_edge(*next(edge for edge in graph.edges(keys=True) if edge[2] == key))
    study = stored(tmp_path / "six.landtopo", graph)
    assert lowest not in heights(study)
    result = run("path", "-o", study, "--width", 6, "--from", "w6-f1")
    assert result.exit_code == 0
    assert "has gained 1 transition" in result.stderr
    assert heights(study) == all_heights()
    with Study.open(study) as opened:
        edges = list(opened.graph().edges(keys=True, data=True))
        assert all(key == data["id"] for *_, key, data in edges)
        found = [data["found_by"] for *_, data in edges if round(data["loss"], 9) == lowest[2]]
    assert found == ["paths"]
    exported = tmp_path / "six.json"
    assert run("export", study, exported).exit_code == 0
    assert len(read_graph(exported).edges) == len(known_graph(6).edges)
    # What a path has found is known to the next one.
    again = run("path", "-o", study, "--width", 6, "--from", "w6-f1")
    assert again.exit_code == 0
    assert "gained" not in again.stderr


@pytest.mark.parametrize("command", [("minima", "--starts", 80), ("reach", "--runs", 80)])
def test_a_family_that_a_search_meets_is_one_of_the_study(
    tmp_path: Path, command: tuple[object, ...]
) -> None:
    """Families are numbered by loss, so the new one moves others, and stored paths with them.

    One start in eight ends in the first spurious family of eight neurons.
    """
    graph = without_family(known_graph(8), 1)
    study = stored(tmp_path / "eight.landtopo", graph)
    ends = graph.nodes["w8-f2"]["weights"], graph.nodes["w8-f3"]["weights"]
    path = connect(problem_of(8), *ends, graph=graph, options=ONLY_KNOWN)
    with Study.open(study, write=True) as opened:
        opened.save_path(path, "w8-f2", "w8-f3", permutation="()")
    result = run(command[0], "-o", study, "--width", 8, *command[1:])
    assert result.exit_code == 0, result.output
    assert "the graph of the study has gained 1 family" in result.stderr
    assert "w8-f2 is now w8-f3" in result.stderr
    with Study.open(study) as opened:
        after = opened.graph()
        assert [(path.from_id, path.to_id) for path in opened.paths()] == [("w8-f3", "w8-f4")]
    new = after.nodes["w8-f1"]
    assert new["loss"] == pytest.approx(0.0215080372, abs=1e-9)
    counts = {name: 0 if name == "w8-f1" else n for name, n in known_graph(8).nodes("count")}
    if command[0] == "minima":
        # Starts of the kind that the graph counts: by now these 80.
        problem = problem_of(8)
        found = find_minima(problem, starts=80)
        index = FamilyIndex(problem, found.families)
        met = {name: index.find(x) for name, x in after.nodes("weights")}
        counts = {name: 0 if n is None else found.families[n].count for name, n in met.items()}
        assert (counts["w8-f1"], after.graph["starts"]) == (8, {"8": 80})
    for name, data in known_graph(8).nodes.items():
        assert after.nodes[name]["id"] == name
        assert after.nodes[name]["loss"] == pytest.approx(data["loss"], abs=1e-12)
        assert after.nodes[name]["count"] == counts[name]
    assert new["share"] == counts["w8-f1"] / 80


def test_a_family_that_a_path_meets_is_one_of_the_study(tmp_path: Path) -> None:
    whole = known_graph(6)
    np.savetxt(tmp_path / "end.csv", whole.nodes["w6-f1"]["weights"], delimiter=",")
    study = stored(tmp_path / "six.landtopo", without_family(known_graph(6), 1))
    ends = ("--from", "w6-f1", "--to", tmp_path / "end.csv")
    assert run("path", "-o", study, "--width", 6, *ends).exit_code == 0
    with Study.open(study) as opened:
        new = opened.graph().nodes["w6-f1"]
        # Families are numbered by loss, and the stored path is told so.
        assert [(path.from_id, path.to_id) for path in opened.paths()] == [("w6-f2", "end.csv")]
    assert new["loss"] == pytest.approx(0.0250805810, abs=1e-9)
    assert (new["count"], new["share"], new["found_by"]) == (0, 0.0, "paths")


def test_a_graph_does_not_depend_on_when_findings_came() -> None:
    """Put on one after the other, or all at once on what the graph's own search has found."""
    from landtopo.landscape.gathered import Finding, gathered
    from landtopo.landscape.transitions import ways_of
    from landtopo.models.networks.landscape.kept import kept_networks

    whole, problem = known_graph(6), problem_of(6)
    kept = kept_networks(problem)
    states = {key: data["weights"] for *_, key, data in whole.edges(keys=True, data=True)}
    ends = whole.nodes["w6-f1"]["weights"], whole.nodes["w6-f2"]["weights"]
    path = connect(problem, *ends, graph=whole, options=ONLY_KNOWN)
    start = without_family(known_graph(6), 1)
    findings = [
        Finding(found_by="searches for saddles", states=[states["w6-t0"]]),
        Finding(found_by="paths", ways=ways_of(path)),
        Finding(found_by="paths", states=list(states.values())),
    ]
    at_once = gathered(start, kept, findings)
    in_turn = start
    for number in range(1, len(findings) + 1):
        in_turn = gathered(in_turn, kept, findings[:number])
    assert _plain(in_turn) == _plain(at_once)
    assert all_heights() == sorted(
        (d["from_id"], d["to_id"], round(float(d["loss"]), 9)) for *_, d in at_once.edges(data=True)
    )
    # Nothing new is nothing changed.
    assert gathered(whole, kept, findings) is whole


def _plain(graph: nx.MultiGraph[str]) -> bytes:
    return encode(
        [graph.graph, list(graph.nodes(data=True)), list(graph.edges(keys=True, data=True))]
    )


def test_what_saddles_find_serves_a_path(tmp_path: Path) -> None:
    """Two neurons that change places, in d = 2 and without a graph."""
    from landtopo_cli.shared import known_states

    from landtopo.landscape.transitions import ways_of

    study = tmp_path / "two.landtopo"
    two = ("--teacher", "orthonormal:2", "--width", 2, "--dim", 2, "-o", study)
    assert run("saddles", *two, "--starts", 40).exit_code == 0
    with Study.open(study) as opened:
        states = known_states(opened, 2)
    path = connect(
        TeacherStudent(Teacher.orthonormal(2), 2, 2),
        np.eye(2),
        np.eye(2)[::-1],
        known=states,
        options=ONLY_KNOWN,
    )
    assert path.highest_loss == pytest.approx(0.0861788, abs=5e-8)
    assert len(ways_of(path)) == len(path.steps)
