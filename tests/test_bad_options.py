"""Every option of every command refuses what it cannot use: one sentence, code 2, and no work.

Commands and options are listed from the application itself, so that a new one is tried as well.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

import landtopo as lt

KEPT = Path(__file__).parent / "data" / "study-0.1.0.landtopo"

ONE = ("--teacher", "orthonormal:1", "--width", "1")
STORED = ("-o", "study", "--width", "3")
BASES: dict[str, tuple[str, ...]] = {
    "atlas": ("build", "out"),
    "minima": (*ONE, "--starts", "2"),
    "saddles": (*ONE, "--starts", "2"),
    "graph": (*ONE, "--starts", "2"),
    "families": STORED,
    "flat": STORED,
    "certify": STORED,
    "path": (*STORED, "--permutation", "(1 2)"),
    "flow": ONE,
    "reach": (*ONE, "--runs", "2"),
    "identify": ("point.csv", *STORED),
    "show": ("study",),
    "check": ("study",),
    "merge": ("whole", "study"),
    "compare": ("study", "out.json"),
    "verify": ("study",),
    "export": ("study", "out.csv"),
    "plot": ("study", "--kind", "widths", "-o", "out.png"),
    "block": ("--anti-aligned", "1", "--size", "6"),
    "symmetric": (*ONE, "--starts", "2"),
    "sweep": ("--teacher", "equicorrelated:2:0.1..0.2", "--width", "1", "--starts", "2"),
}
# Options that do nothing, and are refused for that, without others or beside some.
WITH: dict[tuple[str, str], tuple[str, ...]] = {
    ("minima", "--step"): ("--method", "gradient-descent"),
    ("reach", "--step"): ("--method", "gd"),
    ("reach", "--rate"): ("--method", "sgd", "--dim", "2"),
    ("reach", "--duration"): ("--method", "sgd", "--dim", "2"),
    ("certify", "--within"): ("--complete",),
    ("compare", "--width"): ("--picture", "out.png"),
    ("minima", "--shard"): ("-o", "study"),
    ("reach", "--shard"): ("-o", "study"),
    ("plot", "--name"): ("--kind", "spectrum", "--width", "3"),
    ("plot", "--width"): ("--kind", "tree"),
    ("plot", "--importance"): ("--kind", "tree", "--width", "3"),
}
WITHOUT = {
    "--width": ("--width",),
    "--widths": ("--width",),
    "--teacher": ("--teacher", "-o"),
    "--study": ("-o",),
    "--output": ("-o",),
    "--starts": ("--runs",),
}

# Longer than any file system allows.
LONG = "x" * 300
ODD = ("", " ", "nan", "1_0", "\u0661", " 5", "0x10", "1j", "a\nb\x01")
WHOLE = (*ODD, "1.5", "-1", "inf", "9" * 5000)
NUMBER = (*ODD, "inf", "-inf", "-1", "0", "5e-324", "-5e-324", "1e-300", "9" * 5000)
FILES = ("", ".", "absent/file.npy", LONG, "wide.csv", "empty.json")
REFUSED: dict[str, tuple[str, ...]] = {
    "--parameter": ("", "tilt", "=1:2:1", "tilt=0:1:0", "tilt=0:x:1", "tilt=0:1:1e-9"),
    "--shard": (*ODD, "0/2", "3/2", "1/0", "-1/2", "1/2/3", "1.5/2", "9", "inf/2"),
    "--widths": (*WHOLE, "0", ":", "1:", ":1", "2:1", "1:2:3", "1:99999999"),
    "--dim": (*ODD, "0", "-1", "1.5", "-inf", "1e300", "9" * 5000),
    "--teacher": (
        *("any", "orthonormal:0", "orthonormal:1_0", "orthonormal:99999999", f"{LONG}.csv"),
        *("equicorrelated:3:nan", "equicorrelated:3:2", "random:3:dim=nan", "random:3:seed=-1"),
        *("", " ", ".", "absent.npy", "wide.csv:gram", "empty.json", "study", "a\nb\x01"),
    ),
    "--model": ("", "any", "lj:", "lj:1.5", "lj:0", "absent.py:own", "wide.csv", "a\nb\x01"),
    "--activation": ("", "any", "step", "leaky", "leaky:nan", "leaky:1", "polynomial:", "a\nb\x01"),
    "--constraint": ("", "any", "normalised:", "normalised:0", "normalised:nan", "orthonormal:2"),
    "--outputs": ("", "any", "nan", "0", "1,", "1_0", "inf", "1,2,3,4,5,6,7"),
    "--init": (
        *ODD,
        *("any", "gaussian:", "gaussian:nan", "gaussian:-1", "gaussian:1e300", "sphere:inf"),
        *("gaussian:1:dim=nan", "gaussian:1:dim=0", "gaussian:1:2", "sphere:5e-324"),
    ),
    "--within": (*NUMBER, "any", "90"),
    "--family": ("", "any", "global", "w9-f9", "3", "\u0661", "a\nb\x01"),
    "--name": ("", "any", "global", "w9-f9", "3", "\u0661", "a\nb\x01"),
    "--anti-aligned": (*WHOLE, "any", "6.0"),
    "--size": (*NUMBER, "any", "1.5", "1e10"),
    "--index": (*(value for value in WHOLE if value != "0"), "99"),
    "--source": ("", "any", "random,bands", "a\nb\x01"),
    "--from": (*FILES, "w9-f9", "w3-f99", "any", f"{LONG}.npy"),
    "--to": (*FILES, "w9-f9", "w3-f99", "any", f"{LONG}.npy"),
    "--permutation": ("", "(1 2", "(1 1)", "()", "(1 9)", "(0 1)", "(1_0 2)", "(\u0661 2)", "any"),
    # Of the last, the journal that SQLite puts beside it cannot be named.
    "--study": (".", "wide.csv", "empty.json", "absent/file", LONG, LONG[:250]),
    "--weights": (*FILES, f"{LONG}.npy", "study"),
    "--out-dir": ("wide.csv", LONG),
    "--picture": ("", ".", "absent/file.pdf", f"{LONG}.png", "wide.csv", "out.any"),
    "--output": ("", ".", "absent/file.pdf", f"{LONG}.png", "wide.csv", "out.any"),
    "weights": (*FILES, f"{LONG}.npy", "study"),
    "--vectors": (*FILES, f"{LONG}.npy", "study"),
    "source": (*FILES, f"{LONG}.json"),
    "sources": (*FILES, f"{LONG}.json"),
    "target": (".", LONG, "wide.csv", "empty.json", "absent/file"),
    "parts": (".", LONG, "wide.csv", "empty.json", "absent/file"),
    "action": ("", "any", "list"),
    "folder": ("wide.csv", LONG),
    "--only": ("", "any", "relu.o99", "a\nb\x01"),
    "--entries": (*FILES, "study"),
    "--labels": (*FILES, "study"),
    "--date": (
        "",
        "any",
        "2026",
        "2026-1-1",
        "20260101",
        "2026-02-30",
        "\u0661026-01-01",
        "a\nb\x01",
    ),
    "files": ("", ".", "absent/file.csv", f"{LONG}.csv", "out.any", "out"),
}


class Began(Exception):
    """The work has begun: all that was given was accepted."""


def options() -> list[tuple[str, str]]:
    return [
        (name, parameter.opts[-1])
        for name, command in sorted(application.commands.items())
        for parameter in command.params
        # An address is looked for on the network.
        if not getattr(parameter, "is_flag", False) and parameter.opts[-1] != "--cluster"
    ]


def refused(name: str, option: str) -> tuple[str, ...]:
    """Values that an option cannot use, by its name or by its type."""
    if (name, option) == ("check", "source"):
        # What can be opened and is no study is a finding, not a refusal.
        return tuple(value for value in FILES if not value.endswith((".csv", ".json")))
    if option in REFUSED:
        return REFUSED[option]
    (parameter,) = (p for p in application.commands[name].params if p.opts[-1] == option)
    if isinstance(parameter.type, click.Choice):
        return (*ODD, "any")
    return {"integer": WHOLE, "number": NUMBER}[parameter.type.name]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = Path(shutil.copy(KEPT, tmp_path_factory.mktemp("study") / "study"))
    # Changed to the present format once.
    with lt.Study.open(path, write=True) as study:
        study.remember("new", {})
    return path


@pytest.fixture
def folder(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(kept, "study")
    Path("wide.csv").write_text("1,2,3,4\n5,6,7,8\n")
    Path("empty.json").write_text("[]")
    Path("point.csv").write_text("1,0\n0,1\n1,1\n")
    return tmp_path


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever computes needs a loss; none is to be had."""

    def began(*_: object) -> None:
        raise Began

    monkeypatch.setattr(lt.PopulationLoss, "__init__", began)


def asked(name: str, option: str, value: str) -> list[str]:
    """A command line that is right but for one value."""
    if option in ("target", "parts"):
        return [name, value, "study"] if option == "target" else [name, "whole", value]
    if option in ("source", "sources", "weights", "files"):
        first, *others = BASES[name]
        return [name, first, value] if option == "files" else [name, value, *others]
    if option in ("action", "folder"):
        action, folder = BASES[name]
        return [name, value, folder] if option == "action" else [name, action, value]
    more = WITH.get((name, option), ())
    given = [*BASES[name]]
    for without in (*WITHOUT.get(option, (option,)), *more[::2]):
        if without in given:
            at = given.index(without)
            del given[at : at + 2]
    return [name, *given, *more, option, value]


def refusal(result: Result, what: list[str]) -> str:
    """The one sentence that a command was refused with."""
    shown = [argument[:24] for argument in what[-6:]]
    assert isinstance(result.exception, SystemExit), (shown, result.exc_info)
    assert result.exit_code == 2, (shown, result.output)
    *usage, sentence = result.stderr.splitlines()
    assert sentence.startswith("Error: "), (shown, result.stderr)
    assert sentence.endswith((".", "?")), (shown, sentence)
    assert all(line.startswith(("Usage: ", "Try ")) or not line for line in usage), shown
    assert not result.stdout, shown
    return sentence


def test_every_command_has_a_base() -> None:
    assert set(BASES) == set(application.commands)


@pytest.mark.usefixtures("folder", "no_work")
@pytest.mark.parametrize(("name", "option"), options())
def test_an_option_refuses_what_it_cannot_use(name: str, option: str) -> None:
    for value in refused(name, option):
        what = asked(name, option, value)
        refusal(CliRunner().invoke(application, what), what)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "what",
    [
        ["flow", *ONE, "--longest", "5e-324"],
        ["minima", *ONE, "-o", LONG[:250]],
        ["show", "a\nb"],
    ],
)
def test_the_same_holds_for_a_process(what: list[str]) -> None:
    before = sorted(Path().iterdir())
    process = subprocess.run(
        [sys.executable, "-m", "landtopo", *what], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert process.stdout == ""
    *_, sentence = process.stderr.splitlines()
    assert sentence.startswith("Error: ")
    assert process.stderr.count("Error") == 1
    assert sorted(Path().iterdir()) == before
