"""Mutation run: how many small faults, planted one at a time, the tests notice.

    python verification/mutants.py FOLDER landtopo/units.py landtopo/study --sample 200
    python verification/mutants.py FOLDER landtopo/units.py --again      # what survived until now

The package and its tests are copied to FOLDER, which must lie outside of the checkout. There the
tests run once while coverage notes which test executes which line (lines that a fixture executes
count for all tests of its file, lines of an import for all that use the module). Then each mutant
is written into the copy, and the tests of its line run in a process of their own, the quickest
first, until one fails. A mutant is one change: an operator, a comparison or its bound, a constant,
a negated condition, a removed statement or a returned None. Those of annotations, texts, `__all__`
and lines that no test executes are not tried; the latter are listed.

Results are appended to FOLDER/mutants.jsonl as they come; the same command goes on where it was,
also after changes, of which only the mutants of changed files are tried again.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeGuard

import click

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    "landtopo/proofs/certification.py",
    "landtopo/proofs/enclosures.py",
    "landtopo/study",
    "landtopo/models/networks/points/classify.py",
    "landtopo/models/networks/points/certificate.py",
    "landtopo/flat/null_space.py",
    "landtopo/units.py",
    "landtopo/symmetry/groups.py",
)
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
# A mutant's tests may take this many times what they took, in processor time, and so much more.
PATIENCE = 5
GRACE = 20


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one expression or statement."""

    file: str
    line: int
    column: int
    before: str
    after: str
    digest: str

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return json.dumps(asdict(self), sort_keys=True)


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that can take the place of one."""
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
    elif isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield ast.Constant(2.0 * node.value if node.value else 1.0)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()
    elif isinstance(node, (ast.Expr, ast.AugAssign, ast.Raise, ast.Delete)):
        yield ast.Pass()
    elif _is_condition(node):
        yield ast.UnaryOp(ast.Not(), node.test)


def mutants_of(file: str, text: str) -> list[Mutant]:
    """Every mutant of a file, in order."""
    lines = text.encode().splitlines(keepends=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    found: list[Mutant] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr) or _is_text(node) or _is_header(node):
            return
        # A check of lengths that are equal by construction.
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return
        for changed in changes(node):
            place = node.test if isinstance(node, (ast.If, ast.While)) else node
            before = _segment(lines, place)
            after = ast.unparse(changed)
            if isinstance(place, ast.expr):
                after = f"({after})"
            found.append(Mutant(file, place.lineno, place.col_offset, before, after, digest))
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "ctx"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child)

    visit(ast.parse(text))
    return found


def _is_condition(node: ast.AST) -> TypeGuard[ast.If | ast.While]:
    """Whether only its condition as a whole can be negated; comparisons are changed as such."""
    return isinstance(node, (ast.If, ast.While)) and not isinstance(
        node.test, (ast.Compare, ast.UnaryOp)
    )


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_header(node: ast.AST) -> bool:
    """`__all__`, and imports for types only."""
    named = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return named or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")


def _segment(lines: list[bytes], node: Any) -> str:
    first, last = node.lineno - 1, node.end_lineno - 1
    if first == last:
        return lines[first][node.col_offset : node.end_col_offset].decode()
    middle = b"".join(lines[first + 1 : last])
    return (lines[first][node.col_offset :] + middle + lines[last][: node.end_col_offset]).decode()


def mutated(text: str, mutant: Mutant) -> str:
    """The file's text with the change, its other lines where they were."""
    content = text.encode()
    start = sum(map(len, content.splitlines(keepends=True)[: mutant.line - 1])) + mutant.column
    before = mutant.before.encode()
    assert content[start : start + len(before)] == before
    # What spans lines leaves as many empty ones, so that all that follows keeps its number.
    after, empty = mutant.after.encode(), b"\n" * before.count(b"\n")
    after = b"(" + empty + after[1:] if after.startswith(b"(") else after + empty
    return (content[:start] + after + content[start + len(before) :]).decode()


class Copy:
    """The copy of the package in which mutants live, and processes that run tests there."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        self.map = folder / "coverage.json"
        self.environment = {
            "PYTHONPATH": f"{self.root}{os.pathsep}{self.root / 'cli'}",
            "NUMBA_CACHE_DIR": str(folder / "numba"),
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
        }

    def refresh(self) -> None:
        """Bring every file up to date, and leave those that are."""
        names = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.split("\0")
        for name in filter(None, names):
            source, target = ROOT / name, self.root / name
            content = source.read_bytes() if source.is_file() else None
            if content is not None and (not target.exists() or target.read_bytes() != content):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)

    def run(self, tests: list[str], seconds: float, plugins: list[object]) -> int | None:
        """Exit code of pytest in a fork of this process; None if it took too long."""
        child = os.fork()
        if child == 0:
            self._tests(tests, seconds, plugins)
        # The limit is one of processor time; this one only ends a process that sleeps.
        end = time.monotonic() + 10 * seconds
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None

    def _tests(self, tests: list[str], seconds: float, plugins: list[object]) -> None:
        code = 70
        try:
            os.setsid()
            os.chdir(self.root)
            os.environ.update(self.environment)
            sys.path[:] = [str(self.root), str(self.root / "cli"), *sys.path]
            sys.dont_write_bytecode = True
            limit = int(seconds) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            import hypothesis
            import pytest

            hypothesis.settings.register_profile(
                "mutants", deadline=None, derandomize=True, database=None
            )
            hypothesis.settings.load_profile("mutants")
            code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins))
        finally:
            os._exit(code)


class Contexts:
    """Plugin of pytest that tells coverage which test runs, and notes outcomes and times."""

    def __init__(self, recorder: Any, target: Path) -> None:
        self.recorder, self.target = recorder, target
        self.times: dict[str, float] = {}
        self.failed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        """Begin to note."""
        self.recorder.start()

    def pytest_runtest_setup(self, item: Any) -> None:
        """What fixtures run counts for the file."""
        self.recorder.switch_context(item.nodeid.split("::")[0])

    def pytest_runtest_call(self, item: Any) -> None:
        """What a test runs counts for it."""
        self.recorder.switch_context(item.nodeid)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Begin to take the processor time."""
        self.times[nodeid] = -time.process_time()

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep what fails."""
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """End to take the processor time."""
        self.times[nodeid] += time.process_time()

    def pytest_sessionfinish(self) -> None:
        """Write what was noted."""
        self.recorder.stop()
        data = self.recorder.get_data()
        lines = {
            str(Path(file).relative_to(Path.cwd())): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        result = {"times": self.times, "failed": sorted(self.failed), "lines": lines}
        self.target.write_text(json.dumps(result))


def measured(scratch: Copy, files: list[str], tests: list[str]) -> dict[str, Any]:
    """Which tests run which lines; kept in a file as long as neither of them changes."""
    state = hashlib.sha256(repr((files, tests)).encode())
    for name in [*files, *tests]:
        state.update((scratch.root / name).read_bytes())
    known = json.loads(scratch.map.read_text()) if scratch.map.exists() else {}
    if known.get("state") != state.hexdigest():
        click.echo("Measuring which tests run which lines ...", err=True)
        import coverage

        included = [str(scratch.root / name) for name in files]
        recorder = coverage.Coverage(data_file=None, include=included, config_file=False)
        plugin = Contexts(recorder, scratch.map)
        scratch.run(["--maxfail=10000", *tests], 1e5, [plugin])
        known = json.loads(scratch.map.read_text()) | {"state": state.hexdigest()}
        scratch.map.write_text(json.dumps(known))
    for name in known["failed"]:
        click.echo(f"Left out, because it fails without a mutant: {name}", err=True)
    return known


def tests_of(mutant: Mutant, known: dict[str, Any], most: float) -> tuple[list[str], float, int]:
    """The tests that run the mutant's line, quickest first; their time; how many were left out."""
    lines = known["lines"].get(mutant.file, {})
    contexts = set(lines.get(str(mutant.line), []))
    if "" in contexts:
        # An import runs it: every test that uses the module depends on it.
        contexts = {context for row in lines.values() for context in row}
    times = {name: t for name, t in known["times"].items() if name not in set(known["failed"])}
    chosen = sorted(
        (t, name) for name, t in times.items() if {name, name.split("::")[0]} & contexts
    )
    total, names = 0.0, []
    for seconds, name in chosen:
        if total + seconds > most and names:
            break
        total += seconds
        names.append(name)
    return names, total, len(chosen) - len(names)


def tried(scratch: Copy, mutant: Mutant, known: dict[str, Any], most: float) -> dict[str, Any]:
    """Run the tests of one mutant."""
    names, seconds, left = tests_of(mutant, known, most)
    outcome = "not run"
    if names:
        path = scratch.root / mutant.file
        text, stamp = path.read_text(), path.stat()
        try:
            path.write_text(mutated(text, mutant))
            code = scratch.run(names, GRACE + PATIENCE * seconds, [])
        finally:
            path.write_text(text)
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        outcome = "timeout" if code is None else "survived" if code == 0 else "killed"
    return asdict(mutant) | {"outcome": outcome, "tests": len(names), "left_out": left}


def told(mutant: Mutant, text: str) -> str:
    """A mutant as the lines that it changes."""
    lines = difflib.unified_diff(
        text.splitlines(), mutated(text, mutant).splitlines(), "", "", lineterm="", n=0
    )
    kept = [line for line in list(lines)[3:] if len(line) > 1]
    return "\n".join([f"{mutant.file}:{mutant.line}", *(f"    {line}" for line in kept)])


def preload() -> None:
    """Import what every test needs and no mutant changes, once for all forks."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["MPLBACKEND"] = "agg"
    import flint  # noqa: F401
    import hypothesis  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import mpmath  # noqa: F401
    import networkx  # noqa: F401
    import numba  # noqa: F401
    import pytest  # noqa: F401
    import scipy.linalg
    import scipy.optimize
    import scipy.sparse.csgraph
    import scipy.stats  # noqa: F401
    import sklearn.cluster  # noqa: F401


def expanded(names: tuple[str, ...], default: tuple[str, ...]) -> list[str]:
    """Files of the checkout that are named, themselves or by their folders."""
    paths = [ROOT / name for name in names or default]
    files = [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]
    return [str(file.relative_to(ROOT)) for file in files]


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.argument("targets", nargs=-1)
@click.option("--tests", multiple=True, help="Test files to use; all by default.")
@click.option("--sample", type=int, help="Try so many mutants, drawn at random.")
@click.option("--seed", default=0, show_default=True, help="Of the sample.")
@click.option("--most", default=30.0, show_default=True, help="Seconds of tests for one mutant.")
@click.option("--again", is_flag=True, help="Try again what survived.")
@click.option("--report", is_flag=True, help="Only tell what is known.")
def main(
    folder: Path,
    targets: tuple[str, ...],
    tests: tuple[str, ...],
    sample: int | None,
    seed: int,
    most: float,
    again: bool,
    report: bool,
) -> None:
    folder = folder.resolve()
    if folder.is_relative_to(ROOT):
        raise click.UsageError("FOLDER must lie outside of the checkout.")
    folder.mkdir(parents=True, exist_ok=True)
    files = expanded(targets, TARGETS)
    texts = {file: (ROOT / file).read_text() for file in files}
    mutants = [mutant for file in files for mutant in mutants_of(file, texts[file])]
    if sample is not None and sample < len(mutants):
        chosen = set(random.Random(seed).sample(range(len(mutants)), sample))
        mutants = [mutant for i, mutant in enumerate(mutants) if i in chosen]
    journal = folder / "mutants.jsonl"
    results: dict[str, dict[str, Any]] = {}
    if journal.exists():
        for line in journal.read_text().splitlines():
            row = json.loads(line)
            results[Mutant(**{name: row[name] for name in Mutant.__slots__}).key] = row
    if not report:
        redo = {"survived", "not run"} if again else set()
        waiting = [
            mutant
            for mutant in mutants
            if mutant.key not in results or results[mutant.key]["outcome"] in redo
        ]
        preload()
        scratch = Copy(folder)
        scratch.refresh()
        known = measured(scratch, files, expanded(tests, ("tests",)))
        with journal.open("a") as file, click.progressbar(waiting) as bar:
            for mutant in bar:
                results[mutant.key] = tried(scratch, mutant, known, most)
                file.write(json.dumps(results[mutant.key]) + "\n")
                file.flush()
    tell(mutants, results, texts)


def tell(mutants: list[Mutant], results: dict[str, dict[str, Any]], texts: dict[str, str]) -> None:
    """Print the score of every file, then what survived."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        counts[mutant.file][results.get(mutant.key, {"outcome": "waiting"})["outcome"]] += 1
    words = ("killed", "timeout", "survived", "not run", "waiting")
    click.echo("| file | mutants | " + " | ".join(words) + " |")
    click.echo("|---|---|" + "---|" * len(words))
    for file, found in counts.items():
        cells = " | ".join(str(found[word]) for word in words)
        click.echo(f"| `{file}` | {found.total()} | {cells} |")
    for mutant in mutants:
        row = results.get(mutant.key)
        if row and row["outcome"] in ("survived", "not run"):
            note = f"{row['outcome']}, {row['tests']} tests, {row['left_out']} left out"
            click.echo(f"\n{told(mutant, texts[mutant.file])}\n    ({note})")


if __name__ == "__main__":
    main()
