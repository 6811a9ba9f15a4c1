"""Studies of models: what is kept, that it is continued for the same function only, and read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from functions import MUELLER_BROWN_MINIMA
from landtopo_cli.app import landtopo as application

import landtopo as lt
from landtopo.errors import InvalidArgument, StudyError
from landtopo.models.named import named_model
from landtopo.models.origin import origin_of
from landtopo.points.stationary import FunctionFamily
from landtopo.study.codec import decode, encode
from landtopo.study.integrity import check_study
from landtopo.study.schema import SCHEMA_VERSION

FORMAT_2 = Path(__file__).parent / "data" / "study-format-2.landtopo"
WELLS = """\
import landtopo as lt


def energy(x):
    return float((x[0] ** 2 - 1.0) ** 2 + x[1] ** 2 + 0.1 * x[0])


wells = lt.function_model(energy, low=[-2.0, -2.0], high=[2.0, 2.0], name="wells")
"""


def run(*arguments: object) -> Any:
    return CliRunner().invoke(application, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph and saddles of the surface of Mueller and Brown."""
    path = tmp_path_factory.mktemp("model") / "mb.landtopo"
    found = run("graph", "--model", "mueller-brown", "--starts", 12, "-o", path)
    assert (found.exit_code, found.stderr) == (0, "")
    assert run("saddles", "-o", path, "--starts", 12).exit_code == 0
    return path


def copied(study: Path, folder: Path) -> Path:
    return Path(shutil.copy(study, folder / "copy.landtopo"))


def test_a_study_of_a_model_holds_what_was_found(kept: Path) -> None:
    with lt.Study.open(kept) as study:
        assert repr(study) == f"Study({str(kept)!r}, model='mueller-brown')"
        families = study.families(2)
        assert all(isinstance(family, FunctionFamily) for family in families)
        losses = [family.loss for family in families]
        # Published to seven digits after the point.
        assert losses == pytest.approx(sorted(MUELLER_BROWN_MINIMA[:, 2]), abs=1e-6)
        assert study.searches("saddles") == [
            (2, "eigenvector following from random points to index 1")
        ]
        graph = study.graph()
        assert [len(graph), graph.number_of_edges()] == [3, 2]
        with pytest.raises(StudyError, match="is of the model mueller-brown, and this is for net"):
            study.problem(2)
    assert check_study(kept).sound


def test_records_keep_names_that_do_not_depend_on_places(kept: Path) -> None:
    with lt.Study.open(kept) as study:
        (family, *_) = study.families(2)
    again = decode(encode(family))
    assert b"landtopo" not in encode(family)
    assert type(again) is FunctionFamily
    assert again.record() == family.record()
    origin = origin_of(named_model("lj:5"))
    assert encode(decode(encode(origin))) == encode(origin)


def test_every_command_reads_it(kept: Path, tmp_path: Path) -> None:
    shown = run("show", kept)
    assert "model mueller-brown (2 coordinates), seed 0" in shown.stdout
    assert "function mueller-brown: 3 minima, 2 transition states." in shown.stdout
    assert "12 starts, eigenvector following from random points to index 1" in shown.stdout
    assert "network" not in shown.stdout
    assert "neuron" not in shown.stdout
    told = json.loads(run("show", kept, "--json").stdout)
    assert (told["model"], told["coordinates"], told["sha256"]) == ("mueller-brown", 2, None)
    assert [len(search["families"]) for search in told["searches"]] == [3, 2]
    with lt.Study.open(kept) as study:
        graph = study.graph()
    for name in ("a.json", "a.graphml", "a.gexf", "a.csv", "a.cyjs", "a.dot", "a.md"):
        assert run("export", kept, tmp_path / name).exit_code == 0
    for name in ("a.json", "a.graphml", "a.gexf"):
        again = lt.read_graph(tmp_path / name)
        assert dict(again.nodes["min0"])["loss"] == graph.nodes["min0"]["loss"]
    for kind in ("tree", "spectrum", "profile"):
        drawn = run("plot", kept, "--kind", kind, "-o", tmp_path / f"{kind}.pdf")
        assert (drawn.exit_code, drawn.stderr) == (0, "")
    assert run("check", kept).exit_code == 0


def test_what_was_given_once_need_not_be_said_again(kept: Path, tmp_path: Path) -> None:
    path = copied(kept, tmp_path)
    first = run("graph", "--model", "mueller-brown", "--starts", 12)
    again = run("graph", "-o", path)
    assert (again.exit_code, again.stdout) == (0, first.stdout)
    way = run("path", "-o", path, "--from", "min0", "--to", "min1", "--json")
    assert json.loads(way.stdout)["verified"]
    # A transition state of the graph has an id that commands take.
    flat = json.loads(run("flat", "-o", path, "--family", "ts1", "--json").stdout)
    assert [(one["id"], one["flat_dimension"]) for one in flat] == [("ts1", 0)]


class Interrupted(lt.Study):
    """A study whose process is killed after some pieces."""

    left = 0

    def remember(self, key: str, value: Mapping[str, Any]) -> None:
        super().remember(key, value)
        type(self).left -= 1
        if not type(self).left:
            raise KeyboardInterrupt


def test_a_killed_search_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    model = named_model("himmelblau")
    straight = lt.landscape_graph(model, starts=12)
    Interrupted.left = 7
    with pytest.raises(KeyboardInterrupt), Interrupted.create(tmp_path / "s", model) as study:
        lt.landscape_graph(model, starts=12, journal=study)
    with lt.Study.resume(tmp_path / "s", model) as study:
        # The piece that was in hand may be kept or not.
        assert len(study.steps()) in {6, 7}
        resumed = lt.landscape_graph(model, starts=12, journal=study)
        study.save_graph(resumed)
    files = [
        lt.write_graph(graph, tmp_path / f"{name}.json")[0].read_bytes()
        for name, graph in (("straight", straight), ("resumed", resumed))
    ]
    assert files[0] == files[1]
    with lt.Study.open(tmp_path / "s") as study:
        stored = lt.write_graph(study.graph(), tmp_path / "stored.json")[0].read_bytes()
    assert stored == files[0]


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    file, path = tmp_path / "wells.py", tmp_path / "s.landtopo"
    file.write_text(WELLS)
    assert run("minima", "--model", f"{file}:wells", "--starts", 4, "-o", path).exit_code == 0
    with lt.Study.open(path) as study:
        assert study.model is not None
        assert len(study.model.digest) == 64
    # The name in the study is enough to go on.
    assert run("minima", "-o", path).exit_code == 0
    # Elsewhere, the same file is the same model.
    other = tmp_path / "elsewhere.py"
    other.write_text(WELLS)
    assert run("minima", "--model", f"{other}:wells", "-o", path).exit_code == 0
    file.write_text(WELLS.replace("0.1", "0.2"))
    refused = run("minima", "-o", path)
    assert refused.exit_code == 2
    assert "wells.py:wells has changed: its SHA-256 was" in refused.stderr
    file.unlink()
    refused = run("minima", "-o", path)
    assert refused.exit_code == 2
    assert "must be given, for it cannot be made again: There is no file" in refused.stderr
    # What is stored is read without it.
    assert run("show", path).exit_code == 0


def test_another_function_of_the_same_name_is_told_by_its_values(tmp_path: Path) -> None:
    def double_well(depth: float) -> Any:
        return lt.function_model(
            lambda x: float(depth * (x[0] ** 2 - 1.0) ** 2), low=[-2.0], high=[2.0], name="well"
        )

    lt.Study.create(tmp_path / "s", double_well(1.0)).close()
    lt.Study.resume(tmp_path / "s", double_well(1.0)).close()
    with pytest.raises(StudyError, match="has the model well, not another one of the same name"):
        lt.Study.resume(tmp_path / "s", double_well(1.001))
    with pytest.raises(StudyError, match="has the model well, not the teacher orthonormal:2"):
        lt.Study.resume(tmp_path / "s", lt.Teacher.orthonormal(2))
    with pytest.raises(InvalidArgument, match=r"'dim' argument of Study\.create is for"):
        lt.Study.create(tmp_path / "t", double_well(1.0), dim=3)
    symmetric = lt.function_model(
        lambda x: float((x[0] ** 2 - 1.0) ** 2), low=[-2.0], high=[2.0], symmetry=[[-1]], name="w"
    )
    with pytest.raises(StudyError, match="has the model well, not w"):
        lt.Study.resume(tmp_path / "s", symmetric)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("minima", "--model", "lj:4"), "has the model mueller-brown, not lj:4"),
        (("graph", "--seed", "1"), "has the seed 0, not 1"),
        (("minima", "--teacher", "orthonormal:2", "--width", "2"), "not the teacher orthonormal:2"),
        (("reach", "--width", "2"), "--width is for networks"),
        (("flat", "--family", "min7"), "'min7' is none of the points that were found"),
    ],
)
def test_what_does_not_fit_the_study_is_refused(
    kept: Path, arguments: tuple[str, ...], words: str
) -> None:
    refused = run(*arguments, "-o", kept)
    assert refused.exit_code == 2
    assert words in refused.stderr


def test_a_study_of_networks_is_no_study_of_a_model(tmp_path: Path) -> None:
    lt.Study.create(tmp_path / "s", lt.Teacher.orthonormal(2)).close()
    refused = run("graph", "--model", "lj:4", "-o", tmp_path / "s")
    assert refused.exit_code == 2
    assert "has the teacher orthonormal:2, not the model lj:4" in refused.stderr


def test_a_study_of_format_2_is_read_and_continued(tmp_path: Path) -> None:
    """It was written before studies could be of models; its row of the study had a teacher."""
    path = copied(FORMAT_2, tmp_path)
    with lt.Study.open(path) as study:
        teacher, before = study.teacher, study.graph()
        assert (teacher.title, study.dim, study.seed) == ("orthonormal:2", 5, 0)
    assert path.read_bytes() == FORMAT_2.read_bytes()
    with lt.Study.open(path, write=True) as study:
        study.remember("more", {"answer": 1})
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert check_study(path).sound
    with lt.Study.open(path) as study:
        assert np.array_equal(study.teacher.vectors, teacher.vectors)
        assert (study.teacher.title, study.dim, study.upgraded) == ("orthonormal:2", 5, "")
        assert dict(study.graph().nodes["w2-f0"]).keys() == dict(before.nodes["w2-f0"]).keys()
        assert study.recall("more") == {"answer": 1}


@pytest.mark.parametrize(("first", "then"), [(2, 30), (12, 2)], ids=["more", "fewer"])
@pytest.mark.parametrize("subject", ["mueller-brown", "network"])
def test_a_graph_has_the_counts_of_the_search_that_its_study_keeps(
    subject: str, first: int, then: int, tmp_path: Path
) -> None:
    path = tmp_path / "counts.landtopo"
    given = ["--model", subject]
    if subject == "network":
        given = ["--teacher", "orthonormal:2", "--width", "2"]
    assert run("graph", *given, "--starts", first, "-o", path).exit_code == 0
    assert run("minima", *given, "--starts", then, "-o", path).exit_code == 0
    # What is put on the graph later makes the families that only starts have met anew.
    assert run("saddles", *given, "--starts", 6, "-o", path).exit_code == 0
    # A shorter search takes nothing away from a longer one.
    again = run("graph", *given, "--starts", 3, "-o", path)
    longer = max(first, then)
    assert again.exit_code == 0
    assert f"The study keeps its search of {longer} starts" in again.stderr
    with lt.Study.open(path) as study:
        graph = study.graph()
        ends = [study.attempts(*search) for search in study.searches("minima")]
    assert [len(attempts) for attempts in ends] == list(graph.graph["starts"].values()) == [longer]
    assert sum(data["count"] for data in graph.nodes.values()) <= longer
    assert sum(data["share"] for data in graph.nodes.values()) > 0.4
    verified = run("verify", path)
    assert verified.exit_code == 0, verified.stdout
