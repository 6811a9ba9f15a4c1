"""Damaged and made-up files: each must give a result or one sentence, and never anything else.

    python verification/fuzz.py --cases 100000 --progress fuzz.json

Files are teachers and weights (.json, .npy, .csv), graphs (.json, .graphml, .gexf) and studies.
Some are valid ones with bytes changed, cut out, doubled or put in; others are put together by
hypothesis from what such files are made of. A case fails when it ends in another exception than
landtopo's own, in a sentence that is none, in more than five seconds of the processor (or a minute
of waiting) or two gigabytes, or when a
damaged study gives something else than the undamaged one, unless it is of 0.1.0, which wrote no
checksums. Every chunk of cases belongs to its number, and what is done is kept in the progress
file, so that a run that was stopped goes on.
"""

from __future__ import annotations

import json
import resource
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import landtopo as lt
from landtopo.models.networks.teacher_files import matrix_from_file

CHUNK = 250
# Of the processor, and of the clock: what else the machine does is not a fault of the case.
SECONDS, WAITING = 5, 60
MEMORY = 2 * 2**30

# Of landtopo 0.1.0.
_OLD_STUDY = Path(__file__).parents[1] / "tests" / "data" / "study-0.1.0.landtopo"

Damage = tuple[str, int, int]


class Hang(BaseException):
    """A case took too long; no handler of errors may swallow it."""


NUMBERS = st.one_of(
    st.floats(),
    st.integers(-(10**30), 10**30),
    st.sampled_from([1e-300, 1e154, 1e300, 10**400, -0.0, 0, 1]),
)
ENTRIES = st.one_of(
    NUMBERS.map(lambda number: repr(number) if abs(number) < 10**300 else "1e400"),
    st.sampled_from(
        ["", "1_0", "\u0661", "nan", "inf", "0x10", "1j", "+5", "-", "1,5", "#", '"1"']
    ),
    st.text(max_size=4),
)
SEPARATORS = st.sampled_from([",", ";", " ", "\t", ", ", " ;", "  ", "|"])
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\x0c", "\u2028"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["vectors", "gram", "weights", "nodes", "links", "graph", "id"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=24,
)
MATRICES = st.integers(0, 4).flatmap(
    lambda columns: st.lists(
        st.lists(NUMBERS, min_size=columns, max_size=columns), min_size=0, max_size=5
    )
)
KINDS_OF_ARRAYS = st.sampled_from(
    ["f8", "f4", "f2", "i8", "i1", "u4", "b1", "c16", "U3", "S2", "M8[s]", "O", "V4"]
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A text that looks like a table of numbers."""
    separator, end = draw(SEPARATORS), draw(ENDS)
    width = draw(st.integers(1, 4))
    lines = []
    for _ in range(draw(st.integers(0, 5))):
        row = [
            draw(ENTRIES) for _ in range(max(width + draw(st.sampled_from([0, 0, 0, 1, -1])), 0))
        ]
        lines.append(separator.join(row) + draw(st.sampled_from(["", "", " # a, b; c", "#"])))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    return end.join(lines).encode(encoding, errors="replace")


@st.composite
def arrays(draw: st.DrawFn) -> bytes:
    """A file in numpy's format of any type and shape, and perhaps more behind it."""
    import io

    stream = io.BytesIO()
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    kind = draw(KINDS_OF_ARRAYS)
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = int(np.prod(shape, dtype=np.int64))
    filled = generator.bytes(count * max(np.dtype(kind).itemsize, 1))
    array: Any
    if kind == "O":
        array = np.empty(shape, dtype=object)
    else:
        array = np.frombuffer(filled[: count * np.dtype(kind).itemsize], dtype=kind).reshape(shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.save(stream, array, allow_pickle=True)
    return stream.getvalue() + draw(st.sampled_from([b"", b"", b"\n", b"\x93NUMPY"]))


JSON_TEXTS = st.one_of(
    VALUES.map(lambda value: json.dumps(value).encode()),
    MATRICES.map(lambda rows: json.dumps(rows).encode()),
    MATRICES.map(lambda rows: json.dumps({"vectors": rows}).encode()),
    MATRICES.map(lambda rows: json.dumps({"weights": rows}).encode()),
)

PLACES = st.integers(0, 2**31)
# A single flipped bit is what hides best.
DAMAGES = st.one_of(
    st.lists(st.tuples(st.just("flip"), PLACES, PLACES), min_size=1, max_size=2),
    st.lists(
        st.tuples(
            st.sampled_from(["flip", "set", "cut", "double", "insert", "end"]), PLACES, PLACES
        ),
        min_size=1,
        max_size=6,
    ),
)


def damaged(content: bytes, damages: list[Damage]) -> bytes:
    """A file with a few places changed."""
    found = bytearray(content)
    for what, place, amount in damages:
        at = place % (len(found) + 1)
        if what == "flip" and at < len(found):
            found[at] ^= 1 << amount % 8
        elif what == "set" and at < len(found):
            found[at] = amount % 256
        elif what == "cut":
            del found[at : at + 1 + amount % 32]
        elif what == "double":
            found[at:at] = found[at : at + 1 + amount % 64]
        elif what == "insert":
            found[at:at] = bytes([amount % 256])
        elif what == "end":
            del found[at:]
    return bytes(found)


class Fuzz:
    """The valid files, and what is done with a file of each kind.

    Parameters
    ----------
    folder : Path
        Where files are made.
    seconds : float
        A case that takes longer fails; 0 for no limit.
    """

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.folder = folder
        self.seconds = seconds
        self.failures: list[dict[str, str]] = []
        self.cases = 0
        self.results = 0
        teacher = lt.Teacher.equicorrelated(2, 0.25)
        self.problem = lt.TeacherStudent(teacher, 2)
        matrix = np.array([[1.0, 0.25, 0.0], [0.5, -1.0, 2.0]])
        self.valid: dict[str, list[bytes]] = {
            "json": [
                json.dumps(matrix.tolist()).encode(),
                json.dumps({"vectors": matrix.tolist()}).encode(),
                json.dumps({"gram": [[1.0, 0.5], [0.5, 1.0]]}).encode(),
                json.dumps({"weights": matrix.tolist()}).encode(),
            ],
            "csv": [b"# a, b; c\n1,0.25,0\n0.5,-1,2\n", b"1 0.25 0\r\n0.5 -1 2\r\n", b"1;2\n3;4"],
            "npy": [_npy(matrix), _npy(matrix.astype("f4")), _npy(np.eye(2, dtype="i4"))],
        }
        study = folder / "valid.landtopo"
        with lt.Study.create(study, teacher) as opened:
            found = lt.find_minima(self.problem, starts=12, journal=opened)
            opened.save_search("minima", "quasi-newton", found.attempts, found.families)
            graph = lt.landscape_graph(teacher, 2, starts=12, journal=opened)
            opened.save_graph(graph)
        self.valid["landtopo"] = [study.read_bytes()]
        self.valid["old.landtopo"] = [_OLD_STUDY.read_bytes()]
        self.read_study = _everything(study)
        for suffix in ("graphml", "gexf", "json"):
            target = folder / f"graph.{suffix}"
            lt.write_graph(graph, target)
            self.valid[f"graph.{suffix}"] = [target.read_bytes()]

    def teacher(self, path: Path) -> None:
        """Read a teacher, and compute with it."""
        for reading in ("", ":vectors", ":gram"):
            with self.accepted(path):
                teacher = lt.Teacher.from_spec(f"{path}{reading}")
                assert np.isfinite(teacher.gram).all()
                assert np.isfinite(lt.PopulationLoss(lt.TeacherStudent(teacher, 1)).frame(
                    teacher.rank
                )[1])  # fmt: skip

    def weights(self, path: Path) -> None:
        """Read weights, and judge them."""
        with self.accepted(path):
            weights = matrix_from_file(path, keys=("weights",))
            point = lt.classify(self.problem, weights)
            assert np.isfinite([point.loss, point.grad_norm]).all()

    def graph(self, path: Path) -> None:
        """Read a graph, show it, and write it again."""
        from landtopo_cli.graphs import graph_record, graph_text
        from landtopo_cli.tables import plain_json

        with self.accepted(path):
            graph = lt.read_graph(path)
            plain_json(graph_record(graph))
            graph_text(graph)
            lt.write_graph(graph, self.folder / "again.graphml")

    def study(self, path: Path) -> None:
        """Read all of a study: it must be what it was, or be refused."""
        with self.accepted(path):
            told, steps = _everything(path)
            known, made = self.read_study
            assert told == known, "numbers from a damaged row"
            # Where an index is damaged, a step may count as not made, and would be made again.
            assert all(steps[key] in (made[key], None) for key in made), "a damaged step"

    def old_study(self, path: Path) -> None:
        """Read all of a study without checksums: altered numbers cannot be told there."""
        with self.accepted(path):
            _everything(path)

    @contextmanager
    def accepted(self, path: Path) -> Iterator[None]:
        """Note every end but a result or one sentence."""
        self.cases += 1
        signal.setitimer(signal.ITIMER_PROF, self.seconds)
        signal.setitimer(signal.ITIMER_REAL, WAITING)
        try:
            yield
            self.results += 1
        except lt.LandtopoError as error:
            text = str(error)
            if not (text.endswith(".") and text.isprintable()):
                self.note(path, f"no sentence: {text!r}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.note(path, f"{type(error).__name__}: {error}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)

    def note(self, path: Path, what: str) -> None:
        """Keep a failure with its file."""
        self.failures.append(
            {"file": path.name, "what": what[:300], "content": path.read_bytes().hex()[:20_000]}
        )

    def strategies(self) -> dict[str, tuple[str, st.SearchStrategy[bytes], Callable[[Path], None]]]:
        """Suffix, contents and use of every kind of file."""

        def changed(name: str) -> st.SearchStrategy[bytes]:
            return st.builds(damaged, st.sampled_from(self.valid[name]), DAMAGES)

        made = {"json": JSON_TEXTS, "csv": tables(), "npy": arrays()}
        kinds: dict[str, tuple[str, st.SearchStrategy[bytes], Callable[[Path], None]]] = {}
        for suffix, texts in made.items():
            both = st.one_of(changed(suffix), texts)
            kinds[f"teacher.{suffix}"] = (suffix, both, self.teacher)
            kinds[f"weights.{suffix}"] = (suffix, both, self.weights)
        for suffix in ("graphml", "gexf"):
            kinds[f"graph.{suffix}"] = (suffix, changed(f"graph.{suffix}"), self.graph)
        kinds["graph.json"] = ("json", st.one_of(changed("graph.json"), JSON_TEXTS), self.graph)
        kinds["study"] = ("landtopo", changed("landtopo"), self.study)
        kinds["old study"] = ("landtopo", changed("old.landtopo"), self.old_study)
        return kinds

    def chunk(self, kind: str, number: int, cases: int = CHUNK) -> None:
        """Some cases of a kind; the same number gives the same cases."""
        suffix, contents, use = self.strategies()[kind]
        path = self.folder / f"case.{suffix}"

        @seed(number)
        @settings(
            max_examples=cases,
            phases=(Phase.generate,),
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(contents)
        def each(content: bytes) -> None:
            path.write_bytes(content)
            use(path)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            each()


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _everything(path: Path) -> tuple[str, dict[str, str | None]]:
    """All that a study says, and its steps."""
    from landtopo_cli.studies import study_record, study_text
    from landtopo_cli.tables import plain_json

    with lt.Study.open(path) as study:
        record = study_record(study)
        record.pop("study")
        arrays = [
            [array.tobytes().hex() for array in (book.loss, book.grad_norm, book.weights)]
            for book in (study.attempts(width, source) for width, source in study.searches())
        ]
        graph = study.graph()
        nodes = {name: repr(sorted(data.items())) for name, data in graph.nodes(data=True)}
        edges = sorted(repr((a, b, sorted(d.items()))) for a, b, d in graph.edges(data=True))
        text = study_text(study).removeprefix(str(path))
        found = {key: study.recall(key) for key in study.steps()}
        steps = {key: None if step is None else repr(step) for key, step in found.items()}
        return plain_json([record, arrays, nodes, edges, text]), steps


def _too_long(*_: object) -> None:
    raise Hang(f"more than {SECONDS} s of the processor, or {WAITING} s")


@click.command()
@click.option("--cases", type=int, default=100_000, help="Files of all kinds together.")
@click.option("--kind", "only", multiple=True, help="Kinds to run.  [default: all]")
@click.option("--progress", type=click.Path(path_type=Path), default=Path("fuzz.json"))
def main(cases: int, only: tuple[str, ...], progress: Path) -> None:
    """Run chunks of cases of every kind in turn until there are enough."""
    for expired in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(expired, _too_long)
    done: dict[str, Any] = {"chunks": {}, "files": 0, "uses": 0, "results": 0, "failures": []}
    if progress.exists():
        done = json.loads(progress.read_text())
    with tempfile.TemporaryDirectory() as name:
        fuzz = Fuzz(Path(name))
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (limit + MEMORY, resource.RLIM_INFINITY))
        kinds = [kind for kind in fuzz.strategies() if not only or kind in only]
        while done["files"] < cases:
            for kind in kinds:
                number = done["chunks"].get(kind, 0)
                began = time.monotonic()
                fuzz.cases = fuzz.results = 0
                fuzz.failures = []
                fuzz.chunk(kind, number)
                done["chunks"][kind] = number + 1
                done["files"] += CHUNK
                done["uses"] += fuzz.cases
                done["results"] += fuzz.results
                done["failures"] += [
                    {"kind": kind, "chunk": number, **failure} for failure in fuzz.failures
                ]
                progress.with_suffix(".new").write_text(json.dumps(done, indent=1))
                progress.with_suffix(".new").replace(progress)
                rate = CHUNK / (time.monotonic() - began)
                click.echo(
                    f"{kind} {number}: {fuzz.results} results, {len(fuzz.failures)} failures, "
                    f"{rate:.0f} files/s; {done['files']} of {cases}"
                )
    click.echo(f"{done['files']} files, {len(done['failures'])} failures.")


if __name__ == "__main__":
    main()
