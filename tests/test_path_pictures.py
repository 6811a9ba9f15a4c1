"""Pictures of paths show what the record says: every moving neuron, every pass, nothing else."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from landtopo_cli.app import landtopo as application

from landtopo import plot
from landtopo.errors import InvalidArgument
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.paths.connect import ConnectOptions, connect
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.paths.join import JoinOptions

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _no_figures_left() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def turn() -> PathRecord:
    """Three of five neurons change places; the other two hardly move."""
    problem = TeacherStudent(Teacher.orthonormal(5), 5)
    options = ConnectOptions(join=JoinOptions(improve=0))
    return connect(problem, np.eye(5), np.eye(5)[[1, 2, 0, 3, 4]], seed=0, options=options)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(application, [str(argument) for argument in arguments])


def test_a_panel_for_every_neuron_that_moves_with_its_overlaps(turn: PathRecord) -> None:
    figure = plot.path(turn)
    top, *panels = figure.get_axes()
    assert [panel.get_title() for panel in panels] == ["neuron 1", "neuron 2", "neuron 3"]
    drawn = dict(top.lines[0].get_xydata())
    assert [drawn[at] for at in turn.positions] == turn.losses.tolist()
    for k, panel in enumerate(panels):
        curves = {line.get_label(): np.asarray(line.get_ydata()) for line in panel.lines}
        # It leaves its own teacher and ends at the one of the neuron whose place it takes.
        target = int(np.argmax(turn.end[k, :5]))
        np.testing.assert_array_equal(curves[f"$v_{{{k + 1}}}$"], turn.points[:, k, k])
        np.testing.assert_array_equal(curves[f"$v_{{{target + 1}}}$"], turn.points[:, k, target])
        passes = [line for line in panel.lines if line.get_linestyle() == ":"]
        assert len(passes) == len(turn.transition_states)
    assert "2 other neurons" in "".join(text.get_text() for text in figure.texts)


def test_neurons_can_be_chosen_and_wrong_ones_are_refused(turn: PathRecord) -> None:
    figure = plot.path(turn, neurons=[4])
    assert [panel.get_title() for panel in figure.get_axes()[1:]] == ["neuron 5"]
    with pytest.raises(InvalidArgument, match="numbers from 0 to 4; got 5"):
        plot.path(turn, neurons=[5])


def test_the_part_outside_the_span_is_shown_where_there_is_one() -> None:
    problem = TeacherStudent(Teacher.orthonormal(2), 2)
    record = connect(problem, np.eye(2), np.eye(2)[::-1], seed=0)
    panels = plot.path(record).get_axes()[1:]
    for k, panel in enumerate(panels):
        (outside,) = [line for line in panel.lines if line.get_label() == "outside the span"]
        expected = np.linalg.norm(record.points[:, k, 2:], axis=1)
        np.testing.assert_array_equal(outside.get_ydata(), expected)


def test_the_command_draws_a_path_at_once_and_from_a_study(tmp_path: Path) -> None:
    study, first, second = (tmp_path / name for name in ("two.landtopo", "a.svg", "b.svg"))
    asked = [
        "path",
        "--teacher",
        "orthonormal:2",
        "--width",
        "2",
        "--permutation",
        "(1 2)",
        "--quiet",
    ]
    done = _run(*asked, "-o", study, "--picture", first)
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(
        application, ["plot", str(study), "--kind", "path", "-o", str(second)]
    )
    assert done.exit_code == 0, done.output
    assert first.read_bytes() == second.read_bytes()
    refused = _run(*asked, "--picture", first)
    assert refused.exit_code == 2
    assert "--force" in refused.output


def test_without_a_stored_path_there_is_nothing_to_draw(tmp_path: Path) -> None:
    study = tmp_path / "one.landtopo"
    asked = ["minima", "--teacher", "orthonormal:2", "--width", "2", "--starts", "20", "--quiet"]
    assert _run(*asked, "-o", study).exit_code == 0
    done = _run("plot", study, "--kind", "path", "-o", "none.pdf")
    assert done.exit_code == 2
    assert "stored last" in done.output


def rotation(size: int) -> SimpleNamespace:
    """A path on which each neuron takes the place of the next; it need not be a real one."""
    problem = TeacherStudent(Teacher.orthonormal(size), size)
    share = np.linspace(0.0, 1.0, 21)[:, None, None]
    start = np.eye(size)
    return SimpleNamespace(
        problem=problem,
        verified=True,
        points=(1 - share) * start + share * np.roll(start, 1, axis=0),
        positions=share.ravel(),
        losses=np.sin(np.pi * share.ravel()) ** 2,
        minima_positions=np.array([0.0, 1.0]),
        transition_positions=np.array([0.5]),
    )


def test_more_than_seven_teachers_are_told_apart() -> None:
    figure: Any = plot.path(rotation(40), neurons=range(40))  # type: ignore[arg-type]
    looks: dict[str, set[object]] = {}
    for panel in figure.get_axes()[1:]:
        for line in panel.lines:
            if str(line.get_label()).startswith("$v_"):
                dashes = str(line._dash_pattern)
                look = (line.get_color(), dashes, line.get_marker())
                looks.setdefault(line.get_label(), set()).add(look)
    assert len(looks) == 40
    # One look for each teacher in all panels, and no two the same.
    assert all(len(found) == 1 for found in looks.values())
    assert len(set.union(*looks.values())) == 40
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 40


def test_an_incomplete_path_says_what_is_missing(turn: PathRecord) -> None:
    middle = turn.end + 0.1
    record = replace(
        turn,
        verified=False,
        status="The budget was used.",
        missing=((turn.start, middle), (middle, turn.end)),
    )
    figure: Any = plot.path(record)
    (ax,) = figure.get_axes()
    figure.canvas.draw()
    said = " ".join(ax.get_title(loc="left").split())
    assert said.startswith("The path is not complete. The budget was used. No verified way joins")
    loss = float(PopulationLoss(turn.problem).value(middle))
    assert f"joins the start (loss 0) and a minimum between (loss {loss:.6g})." in said
    assert f"joins a minimum between (loss {loss:.6g}) and the end (loss 0)." in said
    gaps = [line.get_ydata() for line in ax.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(gaps, [[0, loss], [loss, 0]])
    page, title = figure.bbox, ax._left_title.get_window_extent()
    assert page.x0 <= title.x0 < title.x1 <= page.x1
    assert title.y1 <= page.y1


def test_the_command_says_what_is_missing_of_an_incomplete_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module("landtopo.models.networks.paths.connect")
    found = module.connect

    def unverified(*args: Any, **options: Any) -> PathRecord:
        record = found(*args, **options)
        return replace(
            record,
            verified=False,
            missing=((record.start, record.end),),
            status="The budget was used.",
        )

    monkeypatch.setattr(module, "connect", unverified)
    study, picture, again = (tmp_path / name for name in ("two.landtopo", "a.svg", "b.svg"))
    asked = ["path", "--teacher", "orthonormal:2", "--width", "2", "--permutation", "(1 2)"]
    done = _run(*asked, "--quiet", "-o", study, "--picture", picture)
    assert done.exit_code == 3
    missing = "No verified way joins the start (loss 0) and the end (loss 0)."
    assert f"'{picture}' shows no path, only what is missing of it." in done.stderr
    assert missing in done.stderr
    assert "not complete" in picture.read_text()
    done = _run("plot", study, "--kind", "path", "-o", again)
    assert done.exit_code == 3
    assert missing in done.stderr
    assert again.read_bytes() == picture.read_bytes()
