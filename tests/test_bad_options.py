"""Every option of every command, given what it cannot use: a result, or one sentence and code 2.

Commands and options are listed from the application itself, so that a new one is tried as well.
"""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

import landtopo as lt

VALUES = (
    *("nan", "inf", "-inf", "-1", "0", "1e300", "1" + 30 * "0", "9" * 5000, "5e-324", "-5e-324"),
    *("", " ", "1_0", "\u0661", " 5", "+2", "0x10", "1j", "a\nb\x01", "1:99999999", "2:1", "any"),
    *("global", "w9-f9", "(1 2", "(1 1)", "()", ".", "absent/file.npy", "wide.csv", "empty.json"),
)
ONE = ("--teacher", "orthonormal:1", "--width", "1")
BASES: dict[str, tuple[str, ...]] = {
    "minima": (*ONE, "--starts", "2"),
    "saddles": (*ONE, "--starts", "2"),
    "graph": (*ONE, "--starts", "2"),
    "families": ("-o", "study", "--width", "1"),
    "flat": ("-o", "study", "--width", "1"),
    "certify": ("-o", "study", "--width", "1"),
    "path": ("--teacher", "orthonormal:2", "--width", "1", "--starts", "2"),
    "flow": (*ONE, "--init", "sphere:0.5"),
    "reach": (*ONE, "--runs", "2"),
    "show": ("study",),
    "verify": ("study",),
    "export": ("study", "out.csv"),
    "plot": ("study", "--kind", "widths", "-o", "out.png"),
}
# Options that change what else is needed.
WITH: dict[tuple[str, str], tuple[str, ...]] = {
    ("minima", "--step"): ("--method", "gradient-descent"),
    ("reach", "--step"): ("--method", "gd"),
    ("reach", "--rate"): ("--method", "sgd", "--dim", "2"),
    ("reach", "--duration"): ("--method", "sgd", "--dim", "2"),
}


def options() -> list[tuple[str, str]]:
    found = []
    for name, command in sorted(application.commands.items()):
        for parameter in command.params:
            is_switch = isinstance(parameter, click.Option) and parameter.is_flag
            if not is_switch:
                found.append((name, parameter.opts[-1]))
    return found


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("study") / "study"
    teacher = lt.Teacher.orthonormal(1)
    with lt.Study.create(path, teacher) as study:
        study.save_graph(lt.landscape_graph(teacher, 1, starts=2, journal=study))
    return path.read_bytes()


@pytest.fixture
def folder(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("study").write_bytes(content)
    Path("wide.csv").write_text("1,2,3,4\n")
    Path("empty.json").write_text("[]")
    return tmp_path


def ends_well(result: Result, what: list[str]) -> None:
    shown = [argument[:20] for argument in what]
    exception = result.exception
    assert exception is None or isinstance(exception, SystemExit), (shown, exception)
    assert result.exit_code in (0, 1, 2, 3), (shown, result.exit_code)
    if result.exit_code in (1, 2):
        assert "Error: " in result.stderr, shown
        assert "Traceback" not in result.stderr, shown


def test_every_command_has_a_base() -> None:
    assert set(BASES) <= set(application.commands)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "option"), options())
def test_every_option_refuses_what_it_cannot_use(name: str, option: str, folder: Path) -> None:
    if option == "--cluster":
        pytest.skip("an address is looked for on the network")
    base = list(BASES.get(name, ()))
    for value in VALUES:
        given = list(base)
        if option.startswith("-"):
            alike = {option, {"--width": "--widths"}.get(option, option)}
            for used in [at for at in given if at in alike]:
                at = given.index(used)
                del given[at : at + 2]
            if option == "--widths" and "--width" in given:
                at = given.index("--width")
                del given[at : at + 2]
            given += [*WITH.get((name, option), ()), option, value]
        else:
            given = ["--", value, *given[1:]] if option == "source" else [*given, "--", value]
        what = [name, *given]
        ends_well(CliRunner().invoke(application, what), what)
