"""Mutation run: how many small faults, planted one at a time, the tests notice.

    python verification/mutants.py FOLDER landtopo/units.py landtopo/study --sample 200
    python verification/mutants.py FOLDER landtopo/units.py --again      # what survived until now

One process imports everything, collects the tests and loads the compiled code. In a fork of it
the tests run once while coverage notes which test executes which line (lines that a fixture
executes count for all tests of its file, lines outside of functions for all that use the module).
Each mutant gets a fork of its own, in which the functions, defaults and constants that it changes
take the place of the ones that were imported, and the tests of its line run there, the quickest
first, until one fails. A process that such a test starts itself has no mutant. A mutant is one
change: an operator, a comparison or its bound, a constant, a negated condition, a removed statement
or a returned None. Those of annotations, texts, `__all__` and lines that no test executes are not
tried, nor those that no function, default or constant holds; the latter two are listed.

Results are appended to FOLDER/mutants.jsonl as they come; the same command goes on where it was,
also after changes, of which only the mutants of changed files are tried again.
"""

from __future__ import annotations

import ast
import difflib
import functools
import gc
import hashlib
import importlib
import inspect
import json
import os
import random
import resource
import signal
import sys
import time
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
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


def planted(name: str, text: str) -> bool:
    """Put what a changed text of an imported module defines in the place of what it defined.

    Functions get new code and defaults where they are, so that whoever imported them has them.
    Returns False if nothing differs.
    """
    module = sys.modules[name]
    scratch = types.ModuleType(name)
    scratch.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    # The machinery of dataclasses looks its module up.
    sys.modules[name] = scratch
    try:
        exec(compile(text, str(module.__file__), "exec"), scratch.__dict__)
    finally:
        sys.modules[name] = module
    changed = _planted_in(vars(module), vars(scratch), name)
    for key, old in list(vars(module).items()):
        new = vars(scratch).get(key, old)
        if type(new) is type(old) and isinstance(old, _PLAIN) and repr(new) != repr(old):
            changed = True
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(key) is old:
                    setattr(other, key, new)
    return changed


_PLAIN = (bool, int, float, str, bytes, tuple, list, dict, set, frozenset)
_CACHED = type(functools.cache(len))


def _planted_in(old: Mapping[str, Any], new: Mapping[str, Any], module: str) -> bool:
    """Functions of a namespace and of its classes."""
    changed = False
    for key, value in list(old.items()):
        other = new.get(key)
        if isinstance(value, type) and isinstance(other, type) and value.__module__ == module:
            changed |= _planted_in(vars(value), vars(other), module)
            continue
        for mine, theirs in zip(_functions(value), _functions(other), strict=False):
            if mine.__module__ == module:
                changed |= _planted_function(mine, theirs)
    return changed


def _functions(value: Any) -> Iterator[types.FunctionType]:
    """The functions behind a method, a property or a decorator of the standard library."""
    if isinstance(value, types.FunctionType):
        yield inspect.unwrap(value)
    elif isinstance(value, property):
        yield from (one for one in (value.fget, value.fset) if one is not None)
    elif isinstance(value, functools.cached_property):
        yield value.func
    elif hasattr(value, "__func__"):
        yield from _functions(value.__func__)
    elif hasattr(value, "__wrapped__"):
        yield from _functions(value.__wrapped__)


def _planted_function(mine: types.FunctionType, theirs: types.FunctionType) -> bool:
    names = ("__defaults__", "__kwdefaults__")
    differ = [name for name in names if repr(getattr(mine, name)) != repr(getattr(theirs, name))]
    for name in differ:
        setattr(mine, name, getattr(theirs, name))
    # Line numbers stay; columns of what follows on the line do not matter.
    if _essence(mine.__code__) == _essence(theirs.__code__):
        return bool(differ)
    mine.__code__ = theirs.__code__
    return True


def _essence(code: types.CodeType) -> tuple[Any, ...]:
    """What a function does."""
    constants = tuple(
        _essence(one) if isinstance(one, types.CodeType) else (type(one), repr(one))
        for one in code.co_consts
    )
    return code.co_code, constants, code.co_names, code.co_varnames


class Bench:
    """Plugin of pytest that runs the collected tests in forks of the process.

    Parameters
    ----------
    folder : Path
        Where results are kept.
    texts : mapping of str to str
        Files that mutants are in, and what they say.
    tests : list of str
        Files of tests.
    work : callable
        Called with the bench when the tests are collected.
    """

    def __init__(
        self,
        folder: Path,
        texts: Mapping[str, str],
        tests: list[str],
        work: Callable[[Bench], None],
    ) -> None:
        self.map = folder / "coverage.json"
        self.texts, self.tests, self.work = texts, tests, work
        self.items: dict[str, Any] = {}
        self.caches: list[Any] = []

    def pytest_runtestloop(self, session: Any) -> bool:
        """In place of running the tests in order."""
        if session.testsfailed:
            raise click.ClickException("The tests cannot be collected.")
        self.items = {item.nodeid: item for item in session.items}
        for file in self.texts:
            importlib.import_module(_module_of(file))
        kernels = importlib.import_module("kernels")
        kernels.use_landscape()
        kernels.use_dynamics()
        # What was worked out without a mutant is forgotten in the forks.
        self.caches = [
            one
            for one in gc.get_objects()
            if isinstance(one, _CACHED) and str(one.__module__).startswith("landtopo")
        ]
        # The forks share the memory of what is there already.
        gc.freeze()
        self.work(self)
        return True

    def known(self) -> dict[str, Any]:
        """Which tests run which lines; kept in a file as long as neither of them changes."""
        state = hashlib.sha256(repr((list(self.texts), self.tests)).encode())
        for name in [*self.texts, *self.tests]:
            state.update((ROOT / name).read_bytes())
        found = json.loads(self.map.read_text()) if self.map.exists() else {}
        if found.get("state") != state.hexdigest():
            self.map.unlink(missing_ok=True)
            click.echo("Measuring which tests run which lines ...", err=True)
            self.forked(self._measure, 1e5)
            found = json.loads(self.map.read_text()) | {"state": state.hexdigest()}
            self.map.write_text(json.dumps(found))
        for name in found["failed"]:
            click.echo(f"Left out, because it fails without a mutant: {name}", err=True)
        return found

    def forked(self, work: Callable[[], int], seconds: float) -> int | None:
        """What some work returns in a fork of this process; None if it took too long."""
        child = os.fork()
        if child == 0:
            code = 70
            try:
                os.setsid()
                limit = int(seconds) + 1
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
                silent = os.open(os.devnull, os.O_WRONLY)
                os.dup2(silent, 1)
                os.dup2(silent, 2)
                code = work()
            finally:
                os._exit(code)
        # The limit is one of processor time; this one only ends a process that sleeps.
        end = time.monotonic() + 10 * seconds
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            time.sleep(0.005)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return None

    def run(self, names: list[str]) -> Iterator[tuple[str, bool]]:
        """Run tests one after the other; whether each of them failed."""
        from _pytest.runner import runtestprotocol

        items = [self.items[name] for name in names]
        for item, following in zip(items, [*items[1:], None], strict=True):
            reports = runtestprotocol(item, log=False, nextitem=following)
            yield item.nodeid, any(report.failed for report in reports)

    def outcome(self, mutant: Mutant, text: str, names: list[str]) -> int:
        """In a fork: 0 if no test fails, 1 if one does, 2 if the mutant cannot be planted."""
        try:
            if not planted(_module_of(mutant.file), text):
                return 2
            for cached in self.caches:
                cached.cache_clear()
        except ValueError:
            # Of a closure that has other variables.
            return 2
        except Exception:
            # The module cannot be imported any more.
            return 1
        return int(any(failed for _, failed in self.run(names)))

    def _measure(self) -> int:
        import coverage

        included = [str(ROOT / name) for name in self.texts]
        recorder = coverage.Coverage(data_file=None, include=included, config_file=False)
        times: dict[str, float] = {}
        failed: list[str] = []
        recorder.start()
        before = time.process_time()
        self.switch = recorder.switch_context
        for name, wrong in self.run(list(self.items)):
            now = time.process_time()
            times[name], before = now - before, now
            failed += [name] * wrong
        recorder.stop()
        data = recorder.get_data()
        lines = {
            str(Path(file).relative_to(ROOT)): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        self.map.write_text(json.dumps({"times": times, "failed": failed, "lines": lines}))
        return 0

    switch: Callable[[str], None] = staticmethod(lambda context: None)

    def pytest_runtest_setup(self, item: Any) -> None:
        """What fixtures run counts for the file."""
        self.switch(item.nodeid.split("::")[0])

    def pytest_runtest_call(self, item: Any) -> None:
        """What a test runs counts for it."""
        self.switch(item.nodeid)


def _module_of(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def tests_of(
    mutant: Mutant, known: dict[str, Any], most: float, inside: bool
) -> tuple[list[str], float, int]:
    """The tests that run the mutant's line, quickest first; their time; how many were left out."""
    lines = known["lines"].get(mutant.file, {})
    contexts = set(lines.get(str(mutant.line), []))
    if not inside:
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


def lines_inside(text: str) -> set[int]:
    """Lines of the bodies of functions."""
    return {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for line in range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    }


def tried(
    bench: Bench, mutant: Mutant, known: dict[str, Any], most: float, inside: bool
) -> dict[str, Any]:
    """Run the tests of one mutant."""
    names, seconds, left = tests_of(mutant, known, most, inside)
    outcome = "not run"
    if names:
        text = mutated(bench.texts[mutant.file], mutant)
        limit = GRACE + PATIENCE * seconds
        code = bench.forked(lambda: bench.outcome(mutant, text, names), limit)
        # A process that ends in another way was ended by the mutant.
        words = {None: "timeout", 0: "survived", 2: "not planted"}
        outcome = words.get(code, "killed")
    return asdict(mutant) | {"outcome": outcome, "tests": len(names), "left_out": left}


def told(mutant: Mutant, text: str) -> str:
    """A mutant as the lines that it changes."""
    lines = difflib.unified_diff(
        text.splitlines(), mutated(text, mutant).splitlines(), "", "", lineterm="", n=0
    )
    kept = [line for line in list(lines)[3:] if len(line) > 1]
    return "\n".join([f"{mutant.file}:{mutant.line}", *(f"    {line}" for line in kept)])


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
@click.option("--seed", default=0, show_default=True, help="Of the sample and the order.")
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
        inside = {file: lines_inside(text) for file, text in texts.items()}

        def work(bench: Bench) -> None:
            known = bench.known()
            # In random order what is done at any time is a random sample.
            random.Random(seed).shuffle(waiting)
            with journal.open("a") as file, click.progressbar(waiting, file=sys.stderr) as bar:
                for mutant in bar:
                    row = tried(bench, mutant, known, most, mutant.line in inside[mutant.file])
                    results[mutant.key] = row
                    file.write(json.dumps(row) + "\n")
                    file.flush()

        os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="agg")
        os.chdir(ROOT)
        import hypothesis
        import pytest

        settings = hypothesis.settings
        settings.register_profile("mutants", deadline=None, derandomize=True, database=None)
        settings.load_profile("mutants")
        used = expanded(tests, ("tests",))
        used = [name for name in used if Path(name).name.startswith("test_")]
        bench = Bench(folder, texts, used, work)
        pytest.main(["-qq", "-p", "no:cacheprovider", "--capture=no", *used], [bench])
    tell(mutants, results, texts)


def tell(mutants: list[Mutant], results: dict[str, dict[str, Any]], texts: dict[str, str]) -> None:
    """Print the score of every file, then what survived."""
    from landtopo.points.coverage import binomial_interval

    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant in mutants:
        counts[mutant.file][results.get(mutant.key, {"outcome": "waiting"})["outcome"]] += 1
    words = ("killed", "timeout", "survived", "not run", "not planted", "waiting")
    click.echo("| file | mutants | " + " | ".join(words) + " |")
    click.echo("|---|---|" + "---|" * len(words))
    for file, found in counts.items():
        cells = " | ".join(str(found[word]) for word in words)
        click.echo(f"| `{file}` | {found.total()} | {cells} |")
    total: Counter[str] = sum(counts.values(), Counter())
    noticed = total["killed"] + total["timeout"]
    run = noticed + total["survived"]
    if run:
        low, high = binomial_interval(noticed, run)
        click.echo(
            f"\nNoticed: {noticed} of {run} that tests ran, {100 * noticed / run:.1f} %. For all "
            f"{total.total()}, had these been drawn at random: {100 * low:.1f} to "
            f"{100 * high:.1f} % (95 %)."
        )
    for mutant in mutants:
        row = results.get(mutant.key)
        if row and row["outcome"] in ("survived", "not run", "not planted"):
            note = f"{row['outcome']}, {row['tests']} tests, {row['left_out']} left out"
            click.echo(f"\n{told(mutant, texts[mutant.file])}\n    ({note})")


if __name__ == "__main__":
    main()
