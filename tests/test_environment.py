"""What surrounds a run decides nothing: matplotlib's settings and folders, and where they fail.

Data files come first, pictures after them; a picture that fails costs nothing but itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application
from landtopo_cli.outputs import check_outputs, write_outputs
from synthetic_landscape import small_graph

from landtopo import plot

TESTS = Path(__file__).parent
TWO = ["--teacher", "orthonormal:2", "--width", "2"]

#: Settings that a user may have, each of which would change a picture or make it fail.
ODD: dict[str, Any] = {
    "text.usetex": True,
    "font.family": ["serif"],
    "figure.figsize": (1.0, 9.0),
    "savefig.format": "svg",
    "savefig.transparent": True,
    "savefig.bbox": "standard",
    "savefig.pad_inches": 1.0,
    "axes.facecolor": "black",
    "axes.formatter.use_locale": True,
    "axes.prop_cycle": "cycler('color', ['ff0000'])",
    "lines.marker": "x",
    "mathtext.fontset": "stix",
    "path.sketch": (3, 100, 2),
    "pdf.compression": 0,
    "pdf.use14corefonts": True,
    "ytick.labelsize": 30,
    "ytick.minor.visible": True,
}

_DRAW = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_environment import draw_all
draw_all(Path(sys.argv[2]))
print("matplotlib.pyplot" in sys.modules)
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def draw_all(folder: Path) -> None:
    for suffix in (".pdf", ".png"):
        for draw in (plot.graph, plot.widths):
            plot.save(draw(small_graph()), folder / f"{draw.__name__}{suffix}")


def draw_elsewhere(folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _DRAW, str(TESTS), str(folder)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_environment_changes_a_picture(tmp_path: Path) -> None:
    settings = tmp_path / "matplotlibrc"
    lines = [f"{name}: {str(value).strip('[]()')}" for name, value in ODD.items()]
    settings.write_text("\n".join([*lines, "backend: nonsense", "no setting at all"]))
    # A path below a file can be made by nobody, not even by root.
    below = str(settings / "below")
    here, odd = tmp_path / "here", tmp_path / "odd"
    here.mkdir()
    odd.mkdir()
    imported = draw_elsewhere(
        odd,
        MPLBACKEND="module://no_such_package.backend_inline",
        MATPLOTLIBRC=str(settings),
        MPLCONFIGDIR=below,
        HOME=below,
    )
    assert imported == "False\n"
    draw_all(here)
    files = sorted(here.iterdir())
    assert len(files) == 4
    for one in files:
        assert one.read_bytes() == (odd / one.name).read_bytes(), one.name


def test_the_callers_settings_stay_away_from_new_axes_and_hold_on_given_ones(
    tmp_path: Path,
) -> None:
    def content(picture: Any) -> bytes:
        return plot.save(picture, tmp_path / "a.pdf").read_bytes()

    plain = content(plot.tree(small_graph()))
    with mpl.rc_context({**ODD, "axes.prop_cycle": mpl.cycler(color=["red"])}):
        assert content(plot.tree(small_graph())) == plain
        late = plot.tree(small_graph())
        late.figure.savefig(tmp_path / "late.png")
        assert mpl.rcParams["font.family"] == ["serif"]
    with mpl.rc_context({"font.family": ["serif"], "ytick.labelsize": 30}):
        from matplotlib.figure import Figure

        own = Figure().add_subplot()
        assert plot.tree(small_graph(), ax=own) is own
        assert own.yaxis.label.get_fontfamily() == ["serif"]
        assert {label.get_fontsize() for label in own.get_yticklabels()} == {30.0}


def test_notebooks_show_axes_and_figures() -> None:
    ax = plot.tree(small_graph())
    assert ax._repr_png_().startswith(b"\x89PNG")
    assert ax.figure._repr_png_().startswith(b"\x89PNG")


def _failing(*_: object, **__: object) -> Any:
    raise RuntimeError("Failed to process string with tex\nbecause latex could not be found")


_TOLD = "could not be drawn: Failed to process string with tex because latex could not be found."


def test_a_picture_that_fails_is_a_note_and_the_data_are_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landtopo_cli.outputs._PICTURES", (".png",))
    monkeypatch.setattr(plot, "widths", _failing)
    out = tmp_path / "out"
    result = run("graph", *TWO, "--starts", 20, "--quiet", "--out-dir", out)
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [f"'{out / 'widths'}' {_TOLD}"]
    assert "Width 2: 1 family of minima" in result.stdout
    names = {path.name for path in out.iterdir()}
    assert names == {
        "graph.png", "tree-2.png", "profile-2.png", "landscape.nodes.csv", "landscape.edges.csv",
        "landscape.columns.csv", "landscape.cyjs", "landscape.dot", "landscape.gexf",
        "landscape.graphml", "landscape.html", "landscape.json", "landscape.md",
    }  # fmt: skip
    page = (out / "landscape.md").read_text()
    assert "graph.png" in page
    assert "widths.png" not in page


def test_data_are_written_before_any_picture_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(plot, "graph", killed)
    check_outputs(tmp_path, (6, 7, 8), None, force=False)
    with pytest.raises(KeyboardInterrupt):
        write_outputs(tmp_path, small_graph(), (6, 7, 8), None)
    assert len(list(tmp_path.glob("landscape.*"))) == 10
    assert "widths.png" in (tmp_path / "landscape.md").read_text()


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("path", ["path", *TWO, "--permutation", "(1 2)", "--dim", "2", "--picture", "a.pdf"], 3),
        ("reached", ["reach", *TWO, "--runs", "10", "--out-dir", "out"], 3),
    ],
)
def test_results_survive_a_picture_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plot, name, _failing)
    result = run(*arguments, "--quiet")
    assert result.exit_code == code
    assert result.stderr.strip().endswith(_TOLD)
    assert "Width 2" in result.stdout or "orthonormal:2" in result.stdout
    assert list(tmp_path.rglob("*.*")) == []


def test_plot_says_why_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landtopo.export import write_graph

    (source,) = write_graph(small_graph(), tmp_path / "g.json")
    picture = tmp_path / "a.pdf"
    monkeypatch.setattr(plot, "widths", _failing)
    result = run("plot", source, "--kind", "widths", "-o", picture)
    assert result.exit_code == 1
    assert result.stderr == f"Error: '{picture}' {_TOLD}\n"
    assert not picture.exists()
    # What was asked wrongly is still told as such.
    assert run("plot", source, "--kind", "tree", "--width", 9, "-o", picture).exit_code == 2
