"""The atlas: permanent labels, pages whose links lead somewhere, the same bytes in any split."""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import element, run, text_of, wait_for
from click.testing import CliRunner
from landtopo_cli.app import landtopo

import landtopo as lt
from landtopo.models.networks.atlas import build as building
from landtopo.models.networks.atlas.entries import ENTRIES, chosen, entries_from_file
from landtopo.models.networks.atlas.labels import numbered, read_labels

pytest.importorskip("flint", reason="python-flint is not installed")
sys.path.insert(0, str(Path(__file__).parents[1] / "verification"))
import check_certificates as checker

LIST = [
    {"stem": "relu.o2", "teacher": "orthonormal:2", "first": 2, "last": 3, "starts": 50},
    {"stem": "relu.r2_1", "teacher": "random:2:seed=1", "first": 2, "last": 2, "starts": 50},
    {"stem": "erf.o2", "teacher": "orthonormal:2", "activation": "erf", "first": 2, "last": 2}
    | {"starts": 50},
]
DATE = "2026-01-01"


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("list") / "entries.json"
    place.write_text(json.dumps(LIST), "utf-8")
    return place


@pytest.fixture(scope="module")
def atlas(listed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "atlas"
    built = lt.build_atlas(folder, entries=entries_from_file(listed), date=DATE)
    assert (built.landscapes, built.missing) == (4, ())
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(landtopo, ["atlas", *map(str, arguments)])


def test_pieces_and_workers_change_no_byte(atlas: Path, listed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "atlas"
    rest = ("--entries", listed, "--date", DATE, "--jobs", 2, "--quiet")
    first = invoke("build", folder, "--only", "relu.r2_1", *rest)
    assert (first.exit_code, contents(folder) == contents(atlas)) == (0, False)
    done = invoke("build", folder, *rest, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["missing"] == []
    assert contents(folder) == contents(atlas)


def test_an_interrupted_build_goes_on(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "atlas"
    entries = entries_from_file(listed)[:2]
    made = []
    make = building._make

    def noted(work: Path, entry: lt.AtlasEntry, run: Any) -> None:
        made.append(entry.stem)
        make(work, entry, run)

    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building, "_make", noted)
    with pytest.raises(KeyboardInterrupt):
        lt.build_atlas(folder, entries=entries, date=DATE, told=interrupted)
    lt.build_atlas(folder, entries=entries, date=DATE)
    assert made == ["relu.o2", "relu.r2_1"]
    # What another seed makes is another atlas.
    lt.build_atlas(folder, entries=entries, only=["relu.r2_1"], date=DATE, run=lt_run(seed=1))
    assert made[2:] == ["relu.r2_1"]


def lt_run(*, seed: int) -> Any:
    from landtopo.run import Run

    return Run(seed=seed)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.found.append(value)
            if name == "id" and value is not None:
                self.ids.add(value)


def parsed(page: Path) -> _Links:
    parser = _Links()
    parser.feed(page.read_text("utf-8"))
    return parser


def test_every_link_leads_somewhere_inside(atlas: Path) -> None:
    pages = {page.resolve(): parsed(page) for page in atlas.rglob("*.html")}
    assert len(pages) > 8
    rows = json.loads((atlas / "data.js").read_text("utf-8").partition("ATLAS = ")[2].rstrip(";\n"))
    links = [(atlas, row["href"]) for row in rows]
    links += [(page.parent, link) for page, one in pages.items() for link in one.found]
    for folder, link in links:
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve()
        assert target.is_file(), link
        assert target.is_relative_to(atlas.resolve())
        assert not anchor or anchor in pages[target].ids, link


def test_what_a_page_says_of_a_family_is_true(atlas: Path) -> None:
    weights = np.loadtxt(atlas / "relu.r2_1.k2" / "f1.csv", delimiter=",")
    teacher = lt.Teacher.from_spec("random:2:seed=1")
    point = lt.classify(lt.TeacherStudent(teacher, width=2), weights)
    assert str(point.kind) == "minimum"
    page = (atlas / "relu.r2_1.k2" / "f1.html").read_text("utf-8")
    cells = [
        float(cell) for cell in re.findall(r'<td class="(?:red|blue)" style="[^"]*">([^<]*)', page)
    ]
    statistics = lt.summary_statistics(teacher, weights)
    expected = np.concatenate([statistics.student.ravel(), statistics.overlap.ravel()])
    assert np.allclose(cells, expected, rtol=6e-3, atol=1e-9)
    curvature = re.search(r"lowest curvature</dt><dd>([^<]*)", page)
    assert curvature is not None
    lowest = np.linalg.eigvalsh(
        lt.PopulationLoss(lt.TeacherStudent(teacher, width=2)).hessian(weights)
    )[0]
    assert float(curvature[1]) <= lowest * (1 + 1e-5)


def test_the_command_on_a_page_makes_its_data(atlas: Path, tmp_path: Path) -> None:
    page = (atlas / "erf.o2.k2" / "index.html").read_text("utf-8")
    command = re.search(r"<pre>landtopo ([^<]*)</pre>", page)
    assert command is not None
    words = command[1].replace("DIRECTORY", str(tmp_path / "out")).split()
    assert CliRunner().invoke(landtopo, [*words, "--quiet"]).exit_code == 0
    for suffix in (".json", ".graphml"):
        made = (tmp_path / "out" / f"landscape{suffix}").read_bytes()
        assert made == (atlas / "data" / f"erf.o2{suffix}").read_bytes()


def test_certificates_are_accepted(atlas: Path) -> None:
    certificates = sorted(atlas.rglob("*.certificate.json"))
    assert [path.parent.name for path in certificates] == ["relu.o2.k2", "relu.r2_1.k2"]
    assert checker.main([str(path) for path in certificates]) == 0
    page = (atlas / "erf.o2.k2" / "f1.html").read_text("utf-8")
    assert "none: points are proved for ReLU only" in page


def test_the_archive_holds_what_it_describes(atlas: Path) -> None:
    crate = json.loads((atlas / "ro-crate-metadata.json").read_text("utf-8"))
    parts = {part["@id"]: part for part in crate["@graph"]}
    assert parts["./"]["datePublished"] == DATE
    files = {path: part for path, part in parts.items() if part["@type"] == "File"}
    for path, part in files.items():
        assert int(part["contentSize"]) == (atlas / path).stat().st_size
    there = set(contents(atlas)) - {"ro-crate-metadata.json", "atlas.zip"}
    assert set(files) == there
    with zipfile.ZipFile(atlas / "atlas.zip") as packed:
        names = set(packed.namelist())
        assert {"ro-crate-metadata.json", "labels.json", "data/relu.o2.json"} <= names
        graph = json.loads(packed.read("data/relu.o2.json"))
    assert {node["id"] for node in graph["nodes"]} == {"w2-f0", "w3-f0"}


def test_a_family_keeps_its_number() -> None:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(6), width=6)
    found = lt.find_minima(problem, starts=1500)
    lowest, spurious = ({"loss": f.loss, "weights": f.weights.tolist()} for f in found.families)
    labels, known = numbered(problem, "o6.k6", "f", [lowest, spurious], {})
    assert labels == ["o6.k6.f1", "o6.k6.f2"]
    # Copies are recognised, in any order.
    rng = np.random.default_rng(0)
    order, axes = rng.permutation(6), rng.permutation(6)
    copy = {"loss": spurious["loss"], "weights": np.array(spurious["weights"])[order][:, axes]}
    assert numbered(problem, "o6.k6", "f", [copy, lowest], known)[0] == ["o6.k6.f2", "o6.k6.f1"]
    # One that was not found again keeps its number, and a new one gets the next.
    only = {"o6.k6.f7": known["o6.k6.f2"]}
    labels, after = numbered(problem, "o6.k6", "f", [lowest], only)
    assert labels == ["o6.k6.f8"]
    assert set(after) == {"o6.k6.f7", "o6.k6.f8"}


def test_labels_of_an_earlier_atlas(atlas: Path, listed: Path, tmp_path: Path) -> None:
    known = read_labels(atlas / "labels.json")
    moved = known["relu.o2.k2"]
    moved["relu.o2.k2.f9"] = moved.pop("relu.o2.k2.f1")
    earlier = tmp_path / "labels.json"
    earlier.write_text(json.dumps(known), "utf-8")
    folder = tmp_path / "atlas"
    entries = chosen(entries_from_file(listed), ["relu.o2"])
    lt.build_atlas(folder, entries=entries, date=DATE, labels=earlier)
    assert (folder / "relu.o2.k2" / "f9.html").exists()
    assert not (folder / "relu.o2.k2" / "f1.html").exists()
    # Without it again, what is no longer told is gone, and what is not the atlas's stays.
    (folder / "relu.o2.k2" / "mine.txt").write_text("mine", "utf-8")
    (folder / "labels.json").unlink()
    lt.build_atlas(folder, entries=entries, date=DATE)
    assert not (folder / "relu.o2.k2" / "f9.html").exists()
    assert (folder / "relu.o2.k2" / "f1.html").exists()
    assert (folder / "relu.o2.k2" / "mine.txt").exists()


def test_the_list_that_comes_with_it() -> None:
    stems = [entry.stem for entry in ENTRIES]
    assert len(set(stems)) == len(stems)
    assert sum(len(entry.widths) for entry in ENTRIES) >= 100
    shown = json.loads(invoke("list", "--json").stdout)
    assert [one["stem"] for one in shown] == stems
    assert "relu.o12" in invoke("list").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "folder"], "takes no FOLDER"),
        (["build"], "Missing argument 'FOLDER'"),
        (["build", "a", "--only", "relu.o99"], "There is no atlas entry 'relu.o99'"),
        (["build", "a", "--date", "today"], "must be a day, YYYY-MM-DD"),
        (["build", "a", "--labels", "bad.json"], "is no labels.json of an atlas"),
        (["list", "--entries", "bad.json"], "must hold a list of atlas entries"),
        (["list", "--entries", "one.json"], "lacks last"),
        (["list", "--entries", "twice.json"], "more than one atlas entry 'a'"),
        (["list", "--entries", "stem.json"], "must be lower-case letters"),
        (["list", "--entries", "widths.json"], "must ascend"),
        (["list", "--entries", "extra.json"], "some of the names stem"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = {"stem": "a", "teacher": "orthonormal:2", "first": 2, "last": 3}
    files: dict[str, Any] = {
        "bad": 3,
        "one": [{"stem": "a", "teacher": "orthonormal:2", "first": 2}],
        "twice": [one, one],
        "stem": [one | {"stem": "A b"}],
        "widths": [one | {"last": 1}],
        "extra": [one | {"colour": 1}],
    }
    for name, content in files.items():
        Path(f"{name}.json").write_text(json.dumps(content), "utf-8")
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr.splitlines()[-1]
    assert not os.path.exists("a")


@pytest.fixture
def opened(browser: Any, atlas: Path) -> Any:
    browser.get((atlas / "index.html").as_uri())
    wait_for(browser, "document.querySelectorAll('#found tbody tr').length > 0")
    return browser


def test_the_search_finds(opened: Any) -> None:
    everything = run(opened, "return ATLAS.length")
    assert text_of(opened, "#told") == f"{everything} of {everything} points"
    element(opened, "[name=index]").send_keys("1")
    wait_for(opened, f"!document.querySelector('#told').textContent.startsWith('{everything} ')")
    kinds = run(
        opened,
        "return [...document.querySelectorAll('#found tbody tr')].map(r => r.cells[1].textContent)",
    )
    assert set(kinds) == {"saddle"}
    element(opened, "[name=index]").clear()
    element(opened, "[name=text]").send_keys("r2_1 reproduced")
    wait_for(opened, "document.querySelectorAll('#found tbody tr').length === 1")
    element(opened, "#found tbody a").click()
    wait_for(opened, "document.title === 'relu.r2_1.k2.f1'")


def test_pages_fit_a_phone(opened: Any, atlas: Path) -> None:
    size = opened.get_window_size()
    try:
        opened.set_window_size(390, 844)
        for page in ("index.html", "relu.o2.k2/index.html", "relu.o2.k2/f1.html"):
            opened.get((atlas / page).as_uri())
            wide = run(opened, "return document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, page
    finally:
        opened.set_window_size(size["width"], size["height"])
