"""Pictures as they are laid out: texts on nothing else, legends off the data, looks told apart.

What is compared are boxes that the renderer gives, in pixels of the drawn figure.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from synthetic_landscape import exact_graph, large_graph, open_graph, small_graph

import landtopo as lt
from landtopo import plot
from landtopo.plot.style import loss_axis


def drawn(picture: Any) -> Any:
    """The picture, drawn once: texts are then where they stay."""
    picture.get_figure(root=True).canvas.draw()
    return picture


def texts(ax: Any) -> dict[str, Bbox]:
    """Boxes of the letters alone, without the white behind them."""
    return {
        f"{text.get_text()} {number}": Text.get_window_extent(text)
        for number, text in enumerate(ax.texts)
        if text.get_visible()
    }


def symbols(ax: Any) -> list[Bbox]:
    """Squares around all symbols."""
    scale = ax.get_figure().dpi / 72
    found = []
    for part in ax.collections:
        where = part.get_offset_transform().transform(part.get_offsets())
        sizes = np.resize(np.sqrt(part.get_sizes()), len(where))
        found += [(at, size) for at, size in zip(where, sizes, strict=True)]
    for line in ax.lines:
        if line.get_marker() not in (None, "None", ""):
            where = line.get_transform().transform(line.get_xydata())
            found += [(at, line.get_markersize()) for at in where]
    return [Bbox([at - scale * size / 2, at + scale * size / 2]) for at, size in found]


def points_of_curves(ax: Any) -> np.ndarray:
    """Points on all curves, less than a pixel apart."""
    found = [np.empty((0, 2))]
    for line in ax.lines:
        if line.get_linestyle() in ("None", "") or len(line.get_xdata()) < 2:
            continue
        corners = line.get_transform().transform(line.get_xydata())
        for a, b in pairwise(corners):
            steps = int(np.hypot(*(b - a))) + 2
            found.append(a + np.linspace(0.0, 1.0, steps)[:, None] * (b - a))
    return np.vstack(found)


def check_texts(ax: Any, *, curves: bool = True) -> None:
    boxes = texts(ax)
    assert boxes
    names = list(boxes)
    for number, name in enumerate(names):
        box = boxes[name]
        for other in names[number + 1 :]:
            assert not box.overlaps(boxes[other]), (name, other)
        assert not any(box.overlaps(symbol) for symbol in symbols(ax)), name
        frame = ax.bbox
        assert frame.x0 <= box.x0, name
        assert box.x1 <= frame.x1, name
        assert frame.y0 <= box.y0, name
        assert box.y1 <= frame.y1, name
        if curves:
            x, y = points_of_curves(ax).T
            assert not np.any((box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1)), name


def crowded_graph() -> nx.MultiGraph[str]:
    """Families of nearly equal losses, and passes that lead past them."""
    graph = small_graph()
    for number in range(2, 9):
        record = {**graph.nodes["w6-f1"], "id": f"w6-f{number}"}
        graph.add_node(f"w6-f{number}", **{**record, "loss": 0.025 + 1e-5 * number})
        data = {**graph.edges["w6-f1", "w6-f0", "w6-t0"], "from_id": f"w6-f{number}"}
        graph.add_edge(f"w6-f{number}", "w6-f0", key=f"w6-t{number + 5}", **{**data, "loss": 0.03})
    return graph


@pytest.mark.parametrize("make", [small_graph, open_graph, exact_graph])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_of_families_lie_on_nothing(make: Any, scale: Any) -> None:
    ax = drawn(plot.graph(make(), scale=scale))
    check_texts(ax)
    assert len(texts(ax)) == 5


def test_names_in_a_crowd_lie_on_no_other_name_and_no_symbol() -> None:
    ax = drawn(plot.graph(crowded_graph()))
    check_texts(ax, curves=False)
    assert len(texts(ax)) == 12
    # Others on axes of another size: places are those of the figure as it is drawn.
    ax.get_figure().set_size_inches(5.0, 2.2)
    check_texts(drawn(ax), curves=False)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_barriers_and_pieces_of_a_tree_lie_on_nothing(scale: Any) -> None:
    for graph in (exact_graph(), large_graph(40, 4)):
        check_texts(drawn(plot.tree(graph, 6, scale=scale)))


@pytest.mark.parametrize("top", [0.046, 0.01, 0.002])
@pytest.mark.parametrize("turned", [False, True])
def test_a_tiny_barrier_always_has_an_inset_and_it_is_smooth(top: float, turned: bool) -> None:
    # f' is proportional to s (a - s) (1 - s): minima at 0 and 1, a top at a, all of it exact.
    scale = 0.06 / (1 / 12 - top / 6)

    def fall(s: np.ndarray) -> np.ndarray:
        return scale * (top * s**2 / 2 - (1 + top) * s**3 / 3 + s**4 / 4)

    tiny = float(fall(np.array(top)))
    s = np.union1d(np.linspace(0, 1, 25), top * np.linspace(0, 3, 7))
    s = np.union1d(s, [top])
    at = 1.0 - s[::-1] if turned else s
    losses = (fall(s) - fall(np.array(1.0)))[:: -1 if turned else 1]
    record = {"kind": "saddle", "profile": np.column_stack([at, losses]).tolist()}
    ax = drawn(plot.profile({**record, "from_id": "w6-f1", "to_id": "w6-f0"}))
    (inset,) = ax.child_axes
    check_texts(ax)
    curve = inset.lines[0].get_xydata()
    assert len(curve) > 100
    # No corners, as the picture shows it.
    turns = np.diff(np.unwrap(np.arctan2(*(np.diff(curve, axis=0) / np.ptp(curve, axis=0)).T)))
    assert np.abs(turns).max() < 0.1
    # No top is made that was not there; losses near 0.06 are known to 7e-18.
    assert curve[:, 1].max() == pytest.approx(tiny, abs=3e-17)
    exact = fall(1.0 - curve[:, 0] if turned else curve[:, 0])
    # Seven samples hold what a cubic through them can know of it.
    np.testing.assert_allclose(curve[:, 1], exact, atol=0.1 * tiny)
    box = inset.get_tightbbox()
    assert ax.bbox.x0 <= box.x0 < box.x1 <= ax.bbox.x1
    x, y = points_of_curves(ax).T
    assert not np.any((box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1))


def test_a_curve_that_fills_the_picture_leaves_room_for_insets() -> None:
    s = np.linspace(0.0, 1.0, 2001)
    waves = 0.03 - 0.03 * np.cos(2 * np.pi * 12 * s)
    losses = np.r_[waves, waves[-1] + 2e-6 * np.sin(np.pi * np.linspace(0, 1, 101)[1:]) ** 2]
    positions = np.r_[s, 1.0 + np.linspace(0, 0.2, 101)[1:]]

    class Path:
        minima_positions = np.r_[np.arange(13) / 12, 1.2]
        transition_positions = np.r_[(np.arange(12) + 0.5) / 12, 1.1]

    path: Any = Path()
    path.positions, path.losses = positions, losses
    ax = drawn(plot.profile(path))
    (inset,) = ax.child_axes
    box = inset.get_tightbbox()
    x, y = points_of_curves(ax).T
    assert not np.any((box.x0 < x) & (x < box.x1) & (box.y0 < y) & (y < box.y1))
    assert inset.lines[2].get_ydata()[0] == pytest.approx(2e-6, rel=1e-6)


def test_rounding_errors_of_a_flat_way_are_not_blown_up() -> None:
    noise = [[0.0, 0.0], [1.0, 2e-16], [2.0, 1e-16]]
    ax = drawn(plot.profile({"kind": "flat", "profile": noise, "from_id": "a", "to_id": "b"}))
    low, high = ax.get_ylim()
    assert high - low > 1e-6
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0"]
    check_texts(ax)


@pytest.mark.parametrize("number", [1, 4, 12])
def test_the_legend_of_spectra_is_off_the_data(number: int) -> None:
    rng = np.random.default_rng(3)
    spectra = [np.r_[-0.1, 0.0, np.sort(rng.random(30)) * (1 + k)] for k in range(number)]
    ax = drawn(plot.spectrum(*spectra, labels=[f"w6-f{k}" for k in range(number)]))
    legend = ax.get_legend().get_window_extent()
    where = np.vstack([ax.transData.transform(line.get_xydata()) for line in ax.lines[1:]])
    assert len(where) >= 32 * number
    assert not any(legend.contains(x, y) for x, y in where)
    assert not legend.overlaps(ax.bbox)
    figure = ax.get_figure().bbox
    assert figure.x0 <= legend.x0 < legend.x1 <= figure.x1
    assert figure.y0 <= legend.y0 < legend.y1 <= figure.y1
    # Tick labels and the axis's name are below everything else.
    assert not any(label.get_window_extent().overlaps(legend) for label in ax.get_yticklabels())


def test_more_than_seven_spectra_are_told_apart() -> None:
    ax = plot.spectrum(*([0.1, 0.5] for _ in range(40)), labels=[str(k) for k in range(40)])
    looks = {
        (line.get_label(), line.get_color(), line.get_marker())
        for line in ax.lines
        if line.get_label().isdigit()
    }
    assert len(looks) == 40
    assert len({look[1:] for look in looks}) == 40


def test_a_logarithmic_axis_with_a_linear_part_says_so() -> None:
    graph = small_graph()
    graph.nodes["w7-f1"]["loss"] = 1e-6
    for draw in (plot.widths, plot.graph):
        assert draw(graph).get_ylabel() == "loss $L$\n(logarithmic, linear below 5e-07)"
        assert draw(small_graph()).get_ylabel() == "loss $L$"
    ax = plot.spectrum([-0.02, 0.0, 0.002, 0.09, 2.0])
    assert ax.get_ylabel() == "Hessian eigenvalue\n(logarithmic, linear within ±0.001)"
    # What is said is what is drawn, to the last digit.
    graph.nodes["w7-f1"]["loss"] = 7.7e-6
    ax = plot.widths(graph)
    assert ax.get_ylabel().endswith("linear below 3e-06)")
    assert ax.yaxis.get_transform().linthresh == 3e-6
    # Without a zero all that is seen is logarithmic.
    loss_axis(ax, [1e-6, 1.0])
    assert ax.get_ylabel() == "loss $L$\n(logarithmic)"
    threshold = ax.yaxis.get_transform().linthresh
    assert ax.get_ylim()[0] > threshold


@pytest.mark.parametrize("draw", [plot.graph, plot.widths, plot.tree])
def test_the_legend_says_what_sizes_mean(draw: Any) -> None:
    graph = small_graph()
    shares = {"w6-f0": 1.0, "w6-f1": 0.01}
    for name, data in graph.nodes(data=True):
        data["share"] = shares.get(name, 0.5)
    ax = drawn(draw(graph))
    legend = ax.get_legend()
    (place,) = [k for k, text in enumerate(legend.get_texts()) if "of starts" in text.get_text()]
    assert legend.get_texts()[place].get_text() == "1 %, 100 % of starts"
    assert legend.get_texts()[place].get_visible()
    hollow = [line for line in legend.findobj(Line2D) if line.get_markerfacecolor() == "white"]
    told = sorted(line.get_markersize() for line in hollow if line.get_marker() == "o")
    sizes = [float(size) for part in ax.collections for size in np.sqrt(part.get_sizes())]
    assert told == pytest.approx([min(sizes), max(sizes)])
    assert not legend.get_window_extent().overlaps(ax.bbox)
    for *_, data in graph.nodes(data=True):
        del data["share"]
    assert "of starts" not in "".join(t.get_text() for t in draw(graph).get_legend().get_texts())


def test_same_picture_same_places(tmp_path: Path) -> None:
    first, second = (
        plot.save(plot.graph(crowded_graph()), tmp_path / name) for name in ("a.svg", "b.svg")
    )
    assert first.read_bytes() == second.read_bytes()
    ax = plot.graph(crowded_graph())
    again = [plot.save(drawn(ax), tmp_path / name).read_bytes() for name in ("c.svg", "d.svg")]
    assert again == [first.read_bytes()] * 2


def test_a_legend_of_few_entries_leaves_the_axes_their_width() -> None:
    """One family and one kind of pass: three entries in a row are wider than the figure."""
    one = lt.landscape_graph(lt.Teacher.orthonormal(2), widths=2, starts=20)
    assert (len(one), one.number_of_edges()) == (1, 1)
    ax = plot.graph(one)
    for _ in range(2):
        drawn(ax)
    assert ax.get_position().width > 0.75
