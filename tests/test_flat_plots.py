"""The pictures of null spaces and flat sets can be drawn and show what they should."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

from landtopo.errors import InvalidArgument
from landtopo.models.networks.flat.directions import flat_directions
from landtopo.models.networks.flat.stability import split_line
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.plot.flat import null_growth, null_spectrum, stability


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def report():
    teacher = Teacher.orthonormal(3)
    weights = np.vstack([teacher.vectors, 0.3 * teacher.vectors[:1]])
    weights[0] *= 0.7
    return flat_directions(TeacherStudent(teacher, 4), weights)


def test_spectrum_shows_every_eigenvalue_and_the_gap(report):
    axes = null_spectrum(report)
    drawn = sum(len(line.get_xdata()) for line in axes.lines)
    assert drawn == report.eigenvalues.size + report.normal_eigenvalues.size
    assert any("gap" in text.get_text() for text in axes.texts)
    assert axes.get_yscale() == "log"


def test_growth_shows_measured_losses_and_their_law(report):
    axes = null_growth(report)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    labels = axes.get_legend_handles_labels()[1]
    assert "law of power 3" in labels
    assert any(label.startswith("flat") for label in labels)


def test_stability_marks_the_index():
    teacher = Teacher.orthonormal(3)
    line = split_line(TeacherStudent(teacher, 4), np.array(teacher.vectors), 0)
    axes = stability(line, xlabel="share")
    assert axes.get_xlabel() == "share"
    assert axes.get_title(loc="left").startswith("index 0")


def test_points_without_null_space():
    problem = TeacherStudent(Teacher.orthonormal(3), 3)
    isolated = flat_directions(problem, np.eye(3))
    assert null_growth(isolated).texts[0].get_text() == "no null direction"
    null_spectrum(isolated)
    nowhere = flat_directions(problem, np.random.default_rng(0).standard_normal((3, 3)))
    with pytest.raises(InvalidArgument, match="not zero"):
        null_spectrum(nowhere)
