"""The package as others get it: what is in the files, and that it works away from the checkout."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import landtopo

ROOT = Path(__file__).parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCES = {"landtopo": ROOT / "landtopo", "landtopo_cli": ROOT / "cli" / "landtopo_cli"}
# Names under which distributions are imported, where they differ.
IMPORTED = {"scikit-learn": "sklearn", "python-flint": "flint"}


def run(*command: object, folder: Path, **environment: str) -> str:
    """What a command prints; its complaint is the failure of the test."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": "", **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode and "connection broken" in done.stderr.lower():
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, folder=ROOT)
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the unpacked sdist, so that the sdist is complete too."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, folder=source)
    (file,) = folder.glob("*.whl")
    return file


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    expected = {
        f"{name}/{file.relative_to(source).as_posix()}"
        for name, source in SOURCES.items()
        for file in source.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert any(name.endswith("assets/page.html") for name in expected)
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


def test_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name == f"landtopo-{landtopo.__version__}-py3-none-any.whl"
    for file in ("pyproject.toml", "CITATION.cff"):
        assert not re.search(r"^version\b", (ROOT / file).read_text("utf-8"), re.MULTILINE)


@pytest.mark.slow
def test_wheel_works_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=tmp_path)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python)
    run(*pip, "install", "--quiet", "--no-compile", wheel, folder=tmp_path)
    names = "import landtopo, landtopo_cli; print(landtopo.__file__); print(landtopo_cli.__file__)"
    homes = run(python, "-c", names, folder=tmp_path).split()
    assert all(Path(home).is_relative_to(folder) for home in homes)
    adopt_compiled_code(Path(homes[0]).parent)
    for command in ([folder / "bin" / "landtopo"], [python, "-m", "landtopo"]):
        told = run(*command, "--version", folder=tmp_path)
        assert told == f"landtopo {landtopo.__version__}\n"
    teacher = ("--teacher", "orthonormal:2", "--widths", "2", "--starts", 20)
    # The script's own first lines find its interpreter: nothing is activated.
    script = folder / "bin" / "landtopo"
    run(script, "graph", *teacher, "-o", "s.landtopo", "--out-dir", "out", folder=tmp_path)
    assert (tmp_path / "s.landtopo").is_file()
    assert "class GraphView" in (tmp_path / "out" / "landscape.html").read_text("utf-8")
    assert (tmp_path / "out" / "landscape.graphml").is_file()
    assert list((tmp_path / "out").glob("*.png"))


def adopt_compiled_code(package: Path) -> None:
    """Spare the new environment a minute of compiling what this one has compiled.

    numba knows its files by the time and size of their source. Where this finds nothing, or other
    versions were installed, the code is compiled afresh.
    """
    for compiled in SOURCES["landtopo"].rglob("__pycache__/*.nb[ic]"):
        source = compiled.parents[1]
        target = package / source.relative_to(SOURCES["landtopo"])
        (target / "__pycache__").mkdir(exist_ok=True)
        shutil.copy2(compiled, target / "__pycache__")
    for source in SOURCES["landtopo"].rglob("*.py"):
        shutil.copystat(source, package / source.relative_to(SOURCES["landtopo"]))


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_imported_is_declared(name: str) -> None:
    """At the top of a module what is always there; extras only where they are used."""
    always = distributions(SETTINGS["dependencies"])
    optional = distributions(
        [item for extra in ("certify", "cluster", "dot", "jax", "pandas") for item in extras(extra)]
    )
    for file in SOURCES[name].rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        top = {id(node) for node in tree.body}
        for node in ast.walk(tree):
            for module in imported(node):
                allowed = always if id(node) in top else always | optional
                assert module in allowed, f"{file}: {module}"


def extras(name: str) -> list[str]:
    requirements: list[str] = SETTINGS["optional-dependencies"][name]
    return requirements


def distributions(requirements: list[str]) -> set[str]:
    """Import names of requirements, with the standard library and the package's own."""
    names = {
        part for item in requirements for part in re.findall(r"[\w-]+", item.partition(">=")[0])
    }
    return {*(IMPORTED.get(part, part) for part in names), *SOURCES, *sys.stdlib_module_names}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module.partition(".")[0]]
    return []


def test_library_never_imports_the_command() -> None:
    for file in SOURCES["landtopo"].rglob("*.py"):
        nodes = ast.walk(ast.parse(file.read_text("utf-8")))
        modules = {name for node in nodes for name in imported(node)}
        assert "landtopo_cli" not in modules or file.name == "__main__.py", file


def test_lowest_versions_are_constraints_that_can_be_met() -> None:
    lines = run(sys.executable, ROOT / ".ci" / "lowest.py", folder=ROOT).splitlines()
    lowest = dict(line.split("==") for line in lines)
    assert len(SETTINGS["dependencies"]) >= 10
    for requirement in SETTINGS["dependencies"]:
        name = requirement.partition(">=")[0]
        bound = tuple(map(int, lowest[name].split(".")))
        here = tuple(map(int, re.findall(r"\d+", importlib.metadata.version(name))[: len(bound)]))
        assert here >= bound
    # The first release with the symmetric solver that near-singular shifts need.
    assert tuple(map(int, lowest["scipy"].split("."))) >= (1, 15)


def test_no_test_reads_a_stopwatch() -> None:
    """How long something takes is for benchmarks; `monotonic` may bound a wait."""
    for file in (ROOT / "tests").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else ""
            assert name not in {"perf_counter", "process_time", "thread_time"}, file
