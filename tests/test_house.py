"""The house: imports point one way, and the rooms for any landscape know no network."""

from __future__ import annotations

import ast
from pathlib import Path

import landtopo

LIBRARY = Path(landtopo.__file__).parent
NETWORKS = "landtopo.models.networks"
ROOMS = ("points", "paths", "flat", "symmetry", "landscape", "export", "study", "plot")
# Files that know the networks: what is checked of a study of networks, and pictures of them. It
# gets shorter: a file that does not any more is taken out.
KNOWING = {
    "plot/flat.py",
    "plot/path_overlaps.py",
    "plot/reached.py",
    "study/file.py",
    "study/verification/corners.py",
    "study/verification/descents.py",
    "study/verification/evidence.py",
    "study/verification/known.py",
    "study/verification/lineages.py",
    "study/verification/paths.py",
    "study/verification/provenance.py",
    "study/verification/quadrature.py",
    "study/verification/readings.py",
    "study/verification/relations.py",
    "study/verification/searches.py",
    "study/verification/stored.py",
    "study/verification/words.py",
}


# Functions of more lines of code than that, their texts left out: compiled loops. It gets shorter,
# too.
LONGEST = 80
LONG = {"kernels/orthant.py:_four", "kernels/refine.py:refine"}


def imported(file: Path) -> set[str]:
    """Modules that a file imports, inside functions and for type checks included."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_rooms_for_any_landscape_know_no_network() -> None:
    knowing = {
        str(file.relative_to(LIBRARY))
        for room in ROOMS
        for file in (LIBRARY / room).rglob("*.py")
        if any(name == NETWORKS or name.startswith(f"{NETWORKS}.") for name in imported(file))
    }
    assert knowing - KNOWING == set(), "these must speak of models only"
    assert KNOWING - knowing == set(), "these know no network any more: take them out of the list"


def test_the_library_does_not_know_its_command() -> None:
    for file in LIBRARY.rglob("*.py"):
        if file.name != "__main__.py":
            assert not any(name.startswith("landtopo_cli") for name in imported(file)), file


def test_functions_are_short() -> None:
    long = set()
    for file in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and _lines(node) > LONGEST:
                long.add(f"{file.relative_to(LIBRARY).as_posix()}:{node.name}")
    assert long == LONG


def _lines(function: ast.FunctionDef) -> int:
    """Number of lines without the docstring."""
    first = function.body[0]
    told = ast.get_docstring(function) is not None
    return _length(function) - (_length(first) if told else 0)


def _length(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
