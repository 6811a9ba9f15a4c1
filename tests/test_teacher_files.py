"""A teacher given as text or file is exactly the teacher it says, or is refused in one sentence."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from landtopo.errors import FileFormatError, InvalidArgument, LandtopoError
from landtopo.models.networks.problem import Teacher
from landtopo.models.networks.teacher_files import matrix_from_file

VECTORS = np.array([[1.0, 0.1, 0.0], [0.2, 1 / 3, -0.5]])
GRAM = np.array([[2.0, 0.5], [0.5, 1.0]])


def write(folder: Path, name: str, content: object) -> str:
    path = folder / name
    if name.endswith(".npy"):
        np.save(path, np.asarray(content))
    elif name.endswith(".json"):
        path.write_text(json.dumps(content))
    else:
        path.write_text(str(content))
    return str(path)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("orthonormal:6", Teacher.orthonormal(6)),
        ("equicorrelated:6:0.2", Teacher.equicorrelated(6, 0.2)),
        ("equicorrelated:3:-5e-1", Teacher.equicorrelated(3, -0.5)),
        ("random:6", Teacher.random(6)),
        ("random:6:dim=100:seed=1", Teacher.random(6, dim=100, seed=1)),
        ("random:6:seed=1:dim=100", Teacher.random(6, dim=100, seed=1)),
    ],
)
def test_constructions(spec: str, expected: Teacher) -> None:
    made = Teacher.from_spec(spec)
    assert made == expected
    assert made.name == expected.name


def test_the_name_of_a_construction_makes_it_again() -> None:
    for spec in ("orthonormal:3", "equicorrelated:4:0.25", "random:3:dim=8:seed=2"):
        assert Teacher.from_spec(Teacher.from_spec(spec).name) == Teacher.from_spec(spec)


def test_vectors_from_every_kind_of_file_to_the_last_bit(tmp_path: Path) -> None:
    expected = Teacher.from_vectors(VECTORS)
    rows = [",".join(map(repr, row)) for row in VECTORS.tolist()]
    specs = [
        write(tmp_path, "a.npy", VECTORS),
        write(tmp_path, "f.npy", np.asfortranarray(VECTORS)),
        write(tmp_path, "a.json", VECTORS.tolist()),
        write(tmp_path, "b.json", {"vectors": VECTORS.tolist()}),
        write(tmp_path, "a.csv", "\n".join(rows) + "\n"),
        write(tmp_path, "b.csv", "\ufeff# teacher\n" + "\r\n".join(rows).replace(",", " ; ")),
        write(tmp_path, "c.csv", "\n".join(rows).replace(",", "\t") + "\n\n"),
    ]
    for spec in specs:
        assert Teacher.from_spec(spec) == expected
        assert Teacher.from_spec(spec + ":vectors") == expected


def test_gram_matrix_from_every_kind_of_file(tmp_path: Path) -> None:
    expected = Teacher.from_gram(GRAM)
    specs = [
        write(tmp_path, "a.npy", GRAM) + ":gram",
        write(tmp_path, "a.json", GRAM.tolist()) + ":gram",
        write(tmp_path, "b.json", {"gram": GRAM.tolist()}),
        write(tmp_path, "a.csv", "2, .5\n.5, 1\n") + ":gram",
    ]
    for spec in specs:
        assert Teacher.from_spec(spec) == expected


def test_the_name_tells_the_file_and_not_the_folder(tmp_path: Path) -> None:
    spec = write(tmp_path, "mine.npy", GRAM)
    assert Teacher.from_spec(spec + ":gram").name == "mine.npy:gram"


def test_a_symmetric_matrix_is_not_guessed_at(tmp_path: Path) -> None:
    for name, content in (
        ("a.npy", GRAM),
        ("a.json", GRAM.tolist()),
        ("a.csv", "2,0.5\n0.50000001,1"),
    ):
        spec = write(tmp_path, name, content)
        with pytest.raises(InvalidArgument, match=r"write .*:vectors or .*:gram"):
            Teacher.from_spec(spec)
        assert Teacher.from_spec(spec + ":vectors").rank == 2


def test_norm_and_angle_of_a_text() -> None:
    scaled, pair = Teacher.from_spec("scaled:3:0.5"), Teacher.from_spec("angle:2.5")
    assert np.array_equal(scaled.gram, np.diag([0.25, 1.0, 1.0]))
    cosine = np.cos(2.5)
    assert np.allclose(pair.gram, [[1.0, cosine], [cosine, 1.0]], atol=1e-15)
    assert (scaled.name, pair.name) == ("scaled:3:0.5", "angle:2.5")


def test_both_readings_of_a_projection_are_one_teacher(tmp_path: Path) -> None:
    spec = write(tmp_path, "a.npy", np.eye(4))
    for way in (spec, spec + ":vectors", spec + ":gram"):
        assert np.allclose(Teacher.from_spec(way).gram, np.eye(4), atol=1e-15)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "neither orthonormal:M"),
        ("orthonormal", "orthonormal:M, such as"),
        ("orthonormal:six", "'six', which is not a whole number"),
        ("orthonormal:0", "integer >= 1"),
        ("orthonormal:1_0", "not a whole number"),
        ("orthonormal:" + "9" * 5000, "not a whole number"),
        ("orthonormal:2:3", "orthonormal:M"),
        ("equicorrelated:6", "equicorrelated:M:RHO"),
        ("equicorrelated:6:x", "'x', which is not a number"),
        ("equicorrelated:6:nan", "finite"),
        ("equicorrelated:6:0.1_0", "which is not a number"),
        ("equicorrelated:6: 0.1", "which is not a number"),
        ("equicorrelated:6:1e999", "finite"),
        ("orthonormal:\u0661", "not a whole number"),
        ("random:6:dim=99999999999999", "must be at most"),
        ("orthonormal:1\n2", "'1\\n2', which is not a whole number"),
        ("equicorrelated:6:-0.5", "eigenvalue -1.5"),
        ("scaled:3", "scaled:M:NORM"),
        ("scaled:3:0", "finite number > 0"),
        ("scaled:3:x", "'x', which is not a number"),
        ("angle:1:2", "angle:PHI"),
        ("angle:60", "radians"),
        ("random", "random:M:dim=D:seed=S"),
        ("random:6:size=3", "random:M:dim=D:seed=S"),
        ("random:6:seed=1:seed=2", "random:M:dim=D:seed=S"),
        ("random:6:dim=0", "integer >= 1"),
        ("random:6:seed=-1", "integer >= 0"),
        ("teacher.txt", "neither orthonormal:M"),
        (":gram", "neither orthonormal:M"),
    ],
)
def test_refused_texts(spec: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Teacher.from_spec(spec)
    assert words in str(caught.value)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "1,2\n3\n", "line 2 holds 1 numbers, the first row 2"),
        ("a.csv", "x,y\n1,2\n", "line 1 holds 'x'"),
        ("a.csv", "1,5;2,5\n", "'1,5'"),
        ("a.csv", "# nothing\n", "must have shape"),
        ("a.csv", "1,nan\n", "NaN"),
        ("a.csv", "0,0\n1,2\n", "teacher neuron 1 is zero"),
        ("a.csv", "1_0,2\n3,4\n", "line 1 holds '1_0'"),
        ("a.csv", "\u0661,2\n3,4\n", "line 1 holds '\u0661'"),
        ("a.csv", "0x10 2\n3 4\n", "line 1 holds '0x10'"),
        ("a.csv", "1 2\x0c3 4\n5 6 7\n", r"'2\x0c3'"),
        ("a.csv", "1,,2\n3,4,5\n", "line 1 holds ''"),
        ("a.csv", "1,2+3j\n3,4\n", "'2+3j'"),
        ("a.csv", "1 2\n3 1e-9\n0 1e-9\n", "from 1e-09 to"),
        ("a.csv", "1e200 2 0\n3 4 1\n", "entries of at most 1e+100"),
        ("a.json", {"V": [[1]]}, "exactly one of the keys"),
        ("a.json", {"vectors": [[1]], "gram": [[1]]}, "exactly one of the keys"),
        ("a.json", [[1, "2"]], "not a number"),
        ("a.json", [[1, True]], "not a number"),
        ("a.json", [[1, 2], [3]], "different lengths"),
        ("a.json", [1, 2], "list of rows"),
        ("a.json", [[10**400]], "beyond the range"),
        ("a.json", {"gram": [[1, 2], [2, 1]]}, "smallest eigenvalue is -1"),
        ("a.json", {"gram": [[1, 0.5], [0.25, 1]]}, "symmetric"),
        ("a.npy", np.array([[1 + 2j]]), "complex128"),
        ("a.npy", np.array(["1"]), "not real numbers"),
        ("a.npy", np.array([[True]]), "not real numbers"),
        ("a.npy", np.array([(1.0, 2)], dtype=[("a", "f8"), ("b", "i4")]), "not real numbers"),
        ("a.npy", np.array([["2026-01-01"]], dtype="M8[D]"), "not real numbers"),
        ("a.npy", np.ones(3), "got (3,)"),
        ("a.npy", np.ones((2, 0)), "got (2, 0)"),
    ],
)
def test_refused_contents(tmp_path: Path, name: str, content: object, words: str) -> None:
    spec = write(tmp_path, name, content)
    with pytest.raises(LandtopoError) as caught:
        Teacher.from_spec(spec)
    assert words in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_says_gram_is_not_read_as_vectors(tmp_path: Path) -> None:
    spec = write(tmp_path, "a.json", {"gram": GRAM.tolist()})
    with pytest.raises(InvalidArgument, match="contradicts"):
        Teacher.from_spec(spec + ":vectors")


def test_damaged_files(tmp_path: Path) -> None:
    whole = Path(write(tmp_path, "whole.npy", VECTORS)).read_bytes()
    for name, content in (
        ("short.npy", whole[:-3]),
        ("empty.npy", b""),
        ("two.npy", whole + whole),
        ("behind.npy", whole + b"\n"),
        ("huge.npy", whole.replace(b"(2, 3)", b"(2, 3000000000)").replace(b" " * 9 + b"\n", b"\n")),
        ("utf16.csv", "1,2\n".encode("utf-16")),
        ("nul.csv", b"1,2\x00\n3,4\n"),
        ("random.npy", bytes(range(256))),
        ("latin.csv", b"1,2\n\xff\xfe,3\n"),
        ("broken.json", b"[[1, 2]"),
        ("deep.json", b"[" * 100_000),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FileFormatError) as caught:
            Teacher.from_spec(str(path))
        assert_one_sentence(caught.value)
    for absent in ("absent.npy", "absent.csv:gram"):
        with pytest.raises(FileFormatError, match="No such file"):
            Teacher.from_spec(absent)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(FileFormatError, match="directory"):
        Teacher.from_spec(str(tmp_path / "folder.csv"))


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "sprung"), "w")

    path = tmp_path / "a.npy"
    np.save(path, np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError):
        Teacher.from_spec(str(path))
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(FileFormatError):
        Teacher.from_spec(str(path))
    assert not (tmp_path / "sprung").exists()


def assert_one_sentence(error: Exception) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text


def test_a_matrix_that_is_no_teacher(tmp_path: Path) -> None:
    for name, content in (("a.npy", VECTORS), ("a.json", {"weights": VECTORS.tolist(), "loss": 1})):
        found = matrix_from_file(write(tmp_path, name, content), keys=("weights",))
        assert np.array_equal(found, VECTORS)
    with pytest.raises(FileFormatError, match=r"must end in \.json, \.npy or \.csv"):
        matrix_from_file(tmp_path / "a.txt")
    with pytest.raises(FileFormatError, match='exactly one of the keys "weights"'):
        matrix_from_file(write(tmp_path, "b.json", {"vectors": [[1]]}), keys=("weights",))
    with pytest.raises(FileFormatError, match="list of rows"):
        matrix_from_file(write(tmp_path, "b.json", {"vectors": [[1]]}))


def test_a_comment_may_hold_any_separator(tmp_path: Path) -> None:
    text = "# run 12, one neuron a row; d = 3\n1 0 0  # a, b; c\n0.3\t0.9   0\n0.1 0.2 1.1\n"
    found = matrix_from_file(write(tmp_path, "a.csv", text))
    assert np.array_equal(found, [[1, 0, 0], [0.3, 0.9, 0], [0.1, 0.2, 1.1]])
    semicolons = text.replace("0.3\t0.9   0", "0.3;0.9;0")
    with pytest.raises(FileFormatError, match="line 2 holds '1 0 0', which is not a number"):
        matrix_from_file(write(tmp_path, "b.csv", semicolons))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_any_end_of_line_is_one(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"\ufeff1, +2{ends}{ends}3 ,4.{ends}".encode())
    assert np.array_equal(matrix_from_file(path), [[1, 2], [3, 4]])
