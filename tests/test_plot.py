"""Pictures: that they say what the graph says, that nothing is clipped, and that bytes repeat.

What is drawn is read back from the artists: branches of the tree end at the levels of the merge
tree, arcs rise to the loss of their pass, symbols stand at the loss of their family.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import networkx as nx
import numpy as np
import pytest
from synthetic_landscape import (
    ESCAPE_BARRIER,
    SPURIOUS_LOSS,
    SWAP_LOSS,
    THREE_CYCLE_LOSS,
    exact_graph,
    large_graph,
    open_graph,
    small_graph,
)

from landtopo import plot
from landtopo.errors import InvalidArgument
from landtopo.export.looks import FAILED_PAIR, UNDECIDED
from landtopo.landscape.tree import merge_tree

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

GRAPH_PLOTS = (plot.tree, plot.widths, plot.graph)


@pytest.fixture(autouse=True)
def _no_figure_is_left() -> Iterator[None]:
    yield
    plt.close("all")


def curves(ax: Axes, **look: object) -> list[np.ndarray]:
    """Data of all lines with the given properties, such as color."""
    return [
        np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        for line in ax.lines
        if all(getattr(line, f"get_{name}")() == value for name, value in look.items())
    ]


def symbols(ax: Axes) -> np.ndarray:
    return np.vstack([np.asarray(found.get_offsets()) for found in ax.collections])


def test_importing_does_not_import_matplotlib() -> None:
    script = "import sys, landtopo.plot, landtopo.export; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("draw", GRAPH_PLOTS)
def test_axes_are_used_and_returned(draw: Any) -> None:
    _, ax = plt.subplots()
    size = mpl.rcParams["font.size"]
    assert draw(small_graph(), ax=ax) is ax
    assert mpl.rcParams["font.size"] == size
    assert ax.yaxis.label.get_fontsize() == size
    # Without axes the paper style holds, and the caller's settings come back.
    assert draw(small_graph()).yaxis.label.get_fontsize() == 8.0
    assert mpl.rcParams["font.size"] == size


@pytest.mark.parametrize("draw", GRAPH_PLOTS)
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_symbols_stand_at_their_loss(draw: Any, scale: str) -> None:
    ax = draw(small_graph(), scale=scale)
    heights = sorted(symbols(ax)[:, 1])
    losses = [0.0, SPURIOUS_LOSS] if draw is plot.tree else [0.0] * 3 + [0.0187, SPURIOUS_LOSS]
    # The global families' 1e-31 is drawn as zero.
    assert heights == losses
    low, high = ax.get_ylim()
    assert low < 0 < max(losses) < high


@pytest.mark.parametrize("seed_size", [60, 120])
def test_branches_end_at_the_levels_of_the_merge_tree(seed_size: int) -> None:
    graph = large_graph(seed_size, 4)
    tree = merge_tree(graph, 7)
    ax = plot.tree(graph, width=7)
    ends = {round(float(line[1, 1]), 12) for line in curves(ax) if len(line) == 3}
    merges = {
        round(data["loss"], 12) for _, data in tree.nodes(data=True) if data["kind"] == "merge"
    }
    assert ends == merges
    # No vertical line crosses a horizontal one of another branch.
    branches = [line for line in curves(ax) if len(line) == 3]
    for one in branches:
        for other in branches:
            left, right = sorted((other[1, 0], other[2, 0]))
            if left < one[0, 0] < right:
                assert not one[0, 1] < other[1, 1] < one[1, 1]


def test_tree_tells_barriers_and_copies() -> None:
    ax = plot.tree(small_graph(), width=6)
    assert [text.get_text() for text in ax.texts] == [f"{ESCAPE_BARRIER:g}"]
    diamonds = [line for line in ax.lines if line.get_marker() == "D"]
    assert [float(np.asarray(line.get_ydata())[0]) for line in diamonds] == [THREE_CYCLE_LOSS]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["w6-f0", "w6-f1"]


def test_tree_counts_the_pieces_that_copies_of_the_lowest_family_leave() -> None:
    # 3-cycles generate the even permutations of six neurons, a swap in addition all of them.
    ax = plot.tree(exact_graph(), width=6)
    told = {text.get_text(): text.xy[1] for text in ax.texts if "piece" in text.get_text()}
    assert told == {"720 pieces": 0.0, "2 pieces": THREE_CYCLE_LOSS, "1 piece": SWAP_LOSS}
    (diamonds,) = curves(ax, marker="D")
    assert diamonds[:, 1].tolist() == [THREE_CYCLE_LOSS, SWAP_LOSS]


def test_what_is_left_open_is_drawn() -> None:
    ax = plot.graph(open_graph())
    (failed,) = curves(ax, color=FAILED_PAIR.color)
    assert failed[:, 1].tolist() == [0.0, 0.0187]
    (hollow,) = [found for found in ax.collections if found.get_label() == UNDECIDED.name]
    # The saddle is no minimum for sure and is not drawn.
    assert np.asarray(hollow.get_offsets())[:, 1].tolist() == [0.3]
    assert hollow.get_facecolor().tolist() == [[1.0, 1.0, 1.0, 1.0]]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {FAILED_PAIR.name, UNDECIDED.name} < set(labels)
    assert ax.get_ylim()[1] > 0.3
    assert UNDECIDED.name in [c.get_label() for c in plot.widths(open_graph()).collections]


def comb(size: int) -> nx.MultiGraph[str]:
    """Minima at -1, -1 + 1/size, ..., each with a pass to the lowest; barriers rise."""
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1, model="a comb")
    for number in range(size):
        energy = -1.0 + number / size
        graph.add_node(f"min{number}", kind="minimum", loss=energy)
        if number:
            ends = f"min{number}", "min0"
            graph.add_edge(*ends, key=f"ts{number}", kind="saddle", loss=energy + 0.125 * number)
    return graph


def test_tree_leaves_out_what_is_less_important_and_says_so() -> None:
    whole = plot.tree(comb(8))
    assert whole.get_xlabel() == "minima"
    assert whole.get_ylabel() == "energy"
    assert len(symbols(whole)) == 8
    ax = plot.tree(comb(8), importance=0.6)
    assert {label.get_text() for label in ax.get_xticklabels()} == {"min0", "min5", "min6", "min7"}
    assert ax.get_xlabel() == "minima\n4 of 8 not shown: barrier to a lower one at most 0.5"
    assert sorted(symbols(ax)[:, 1]) == [-1.0, -0.375, -0.25, -0.125]
    graph = comb(8)
    graph.edges["min4", "min0", "ts4"]["loss"] += 0.0004
    ax = plot.tree(graph, importance=0.6)
    assert ax.get_xlabel().endswith("at most 0.501")
    with pytest.raises(InvalidArgument, match=r"^The 'importance' argument of tree must be a"):
        plot.tree(comb(8), importance=-1)


def test_a_large_tree_shows_the_most_important_branches() -> None:
    graph = comb(1200)
    graph.add_node("min1200", kind="minimum", loss=3.0)
    ax = plot.tree(graph)
    assert len(symbols(ax)) == 1000
    assert ax.get_xlabel().startswith(
        "minima\n201 of 1201 not shown: barrier to a lower one at most"
    )


def test_energies_below_zero_have_a_linear_axis() -> None:
    ax = plot.tree(comb(3))
    low, high = ax.get_ylim()
    assert low < -1.0 < -1 / 3 + 0.25 < high < 1.0
    with pytest.raises(InvalidArgument, match=r"^The 'scale' argument .* negative"):
        plot.tree(comb(3), scale="log")


def test_tree_of_families_that_nothing_joins() -> None:
    graph = small_graph()
    graph.remove_edge("w6-f1", "w6-f0", "w6-t0")
    ax = plot.tree(graph, 6)
    assert len(curves(ax, linestyle=":")) == 2


def test_widths_keeps_families_of_equal_loss_apart() -> None:
    graph = small_graph()
    for number in range(2, 6):
        graph.add_node(f"w6-f{number}", **{**graph.nodes["w6-f1"], "loss": SPURIOUS_LOSS})
    ax = plot.widths(graph, lineage=False)
    places = {(round(x, 6), round(y, 9)) for x, y in symbols(ax)}
    assert len(places) == 9
    assert all(abs(x - round(x)) < 0.4 for x, _ in places)
    assert not ax.lines


def test_isolated_and_flat_families_differ_in_shape() -> None:
    ax = plot.widths(small_graph())
    shapes = {found.get_label(): found.get_paths()[0].vertices.shape for found in ax.collections}
    assert set(shapes) == {"zero loss, isolated", "zero loss, flat", "positive loss, isolated"}
    assert (
        shapes["zero loss, isolated"]
        == shapes["positive loss, isolated"]
        != shapes["zero loss, flat"]
    )


def test_a_family_that_may_be_flat_is_not_called_isolated() -> None:
    graph = small_graph()
    del graph.nodes["w8-f0"]["flat_dimension"]
    labels = [found.get_label() for found in plot.widths(graph).collections]
    assert "zero loss, maybe flat" in labels


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_arcs_rise_to_their_pass(scale: Any) -> None:
    ax = plot.graph(small_graph(), scale=scale, lineage=False)
    tops = sorted(line[:, 1].max() for line in curves(ax) if len(line) > 10)
    expected = sorted([SPURIOUS_LOSS + ESCAPE_BARRIER, 0.0192, THREE_CYCLE_LOSS, SWAP_LOSS])
    # Each curve has 61 samples and is quadratic at its top.
    assert tops == pytest.approx(expected, rel=5e-3)
    assert all(top <= loss * (1 + 1e-12) for top, loss in zip(tops, expected, strict=True))


def test_profile_of_an_edge() -> None:
    data = small_graph().edges["w6-f1", "w6-f0", "w6-t0"]
    ax = plot.profile(data)
    drawn = {tuple(point) for point in curves(ax, marker="None")[0].tolist()}
    assert {tuple(point) for point in data["profile"]} < drawn
    ((_, top),) = curves(ax, marker="D")[0]
    assert top == data["loss"]
    # The small barrier is drawn once more, above its minimum.
    (inset,) = ax.child_axes
    assert inset.get_title() == f"barrier {ESCAPE_BARRIER:g}"
    heights = curves(inset, marker="None")[0][:, 1]
    assert heights.max() == pytest.approx(ESCAPE_BARRIER, rel=1e-9)


def test_inset_covers_nothing_of_the_curve() -> None:
    for peak in np.linspace(0.02, 0.98, 9):
        s = np.linspace(0, 1, 400)
        up = SPURIOUS_LOSS + ESCAPE_BARRIER * np.sin(np.pi * np.clip(s / peak, 0, 1) / 2) ** 2
        down = (SPURIOUS_LOSS + ESCAPE_BARRIER) * np.exp(-(np.clip(s - peak, 0, 1) ** 2) * 30)
        points = np.column_stack([s, np.where(s <= peak, up, down)])
        ax = plot.profile({"kind": "saddle", "profile": points})
        ax.figure.canvas.draw()
        where = ax.transData.transform(points)
        for inset in ax.child_axes:
            box = inset.get_tightbbox()
            assert box is not None
            assert not np.any([box.contains(x, y) for x, y in where])
        plt.close("all")


@dataclass
class FakePath:
    """What `connect` returns, as far as a picture needs it."""

    positions: np.ndarray
    losses: np.ndarray
    minima_positions: np.ndarray
    transition_positions: np.ndarray


def test_profile_of_a_path_of_several_steps() -> None:
    s = np.linspace(0, 4, 401)
    path = FakePath(s, 1 - np.cos(np.pi * s), np.array([0.0, 2, 4]), np.array([1.0, 3]))
    ax = plot.profile(path, images=[(0.5, 1.0), (1.5, 1.0)])
    assert curves(ax, marker="D")[0] == pytest.approx(np.array([[1, 2], [3, 2]]))
    assert len(ax.child_axes) == 0


def test_spectrum_counts_what_it_marks() -> None:
    values = np.r_[-0.3, np.full(4, 1e-17), np.linspace(0.1, 1, 9)]
    ax = plot.spectrum(values, labels=["saddle"])
    (told,) = ax.get_legend().get_texts()
    assert told.get_text() == "saddle: 1 negative, 4 zero"
    shown = np.concatenate([line[:, 1] for line in curves(ax, marker="o")])
    np.testing.assert_array_equal(np.sort(shown), np.sort(values))
    open_ones = curves(ax, marker="o", fillstyle="none")
    assert sum(len(line) for line in open_ones) == 4


def test_soft_and_hard_curvatures_are_told_apart() -> None:
    values = np.r_[-0.02, 0.0, 0.0015, 0.09, 2.0]
    ax = plot.spectrum(values)
    assert ax.get_yscale() == "symlog"
    ticks = [tick.get_text() for tick in ax.get_yticklabels()]
    assert ticks == ["-1", "-0.1", "-0.01", "0", "0.01", "0.1", "1"]
    assert plot.spectrum(values, scale="linear").get_yscale() == "linear"
    assert plot.spectrum([0.1, 0.5]).get_yscale() == "linear"
    with pytest.raises(InvalidArgument, match=r"must be auto, linear or log; got 'cubic'\."):
        plot.spectrum(values, scale="cubic")  # type: ignore[arg-type]


@pytest.mark.parametrize("draw", GRAPH_PLOTS)
def test_text_stays_text(draw: Any, tmp_path: Path) -> None:
    ax = draw(exact_graph())
    # matplotlib draws text with effects as curves, which cannot be searched or edited.
    assert not any(text.get_path_effects() for text in ax.texts)
    content = plot.save(ax, tmp_path / "picture.pdf").read_bytes()
    assert content.count(b"/Type /Font\n") + content.count(b"/Type /Font ") > 0


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png", ".eps", ".svgz"])
def test_same_picture_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    files = []
    for name, second in (("a", 1_700_000_000), ("b", 1_800_000_000)):
        # What the clock of matplotlib and of gzip says.
        monkeypatch.setattr(time, "time", lambda second=second: second)
        files.append(plot.save(plot.graph(small_graph()), tmp_path / f"{name}{suffix}"))
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("draw", GRAPH_PLOTS)
def test_no_label_is_clipped(draw: Any) -> None:
    for graph in (small_graph(), large_graph(160, 4)):
        ax = draw(graph)
        figure = ax.figure
        figure.canvas.draw()
        inside = figure.get_tightbbox()
        page = figure.bbox_inches
        # Constrained layout leaves room for every label on the page itself.
        assert inside.x0 >= page.x0 - 0.01
        assert inside.y0 >= page.y0 - 0.01
        assert inside.x1 <= page.x1 + 0.01
        assert inside.y1 <= page.y1 + 0.01


@pytest.mark.parametrize("draw", GRAPH_PLOTS)
def test_one_family_and_zero_loss_everywhere(draw: Any) -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(format_version=1)
    graph.add_node("w1-f0", kind="minimum", width=1, loss=0.0)
    for scale in ("auto", "linear", "log"):
        draw(graph, scale=scale).figure.canvas.draw()


def test_losses_over_many_decades_get_a_logarithmic_axis() -> None:
    graph = small_graph()
    graph.nodes["w7-f1"]["loss"] = 1e-6
    ax = plot.widths(graph)
    assert ax.get_yscale() == "symlog"
    ticks = [tick.get_text() for tick in ax.get_yticklabels()]
    assert ticks[:2] == ["0", "1e-06"]
    assert plot.widths(small_graph()).get_yscale() == "linear"


def test_refusals(tmp_path: Path) -> None:
    graph = small_graph()
    with pytest.raises(
        InvalidArgument, match=r"^The 'width' argument of merge_tree must be one of"
    ):
        plot.tree(graph, width=9)
    with pytest.raises(InvalidArgument, match=r"must be auto, linear or log; got 'cubic'\."):
        plot.widths(graph, scale="cubic")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"an edge with a profile of at least two points\."):
        plot.profile({"kind": "lineage"})
    with pytest.raises(InvalidArgument, match=r"the attributes of an edge; got int\."):
        plot.profile(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"must be one or more non-empty arrays\."):
        plot.spectrum()
    with pytest.raises(InvalidArgument, match=r"must have 1 entries; got 2\."):
        plot.spectrum([1.0], labels=["a", "b"])
    with pytest.raises(
        InvalidArgument, match=r"of save must end in one of .*pdf.*; got 'a\.xyz'\."
    ):
        plot.save(plot.widths(graph), tmp_path / "a.xyz")


def test_copies_on_one_flat_set_join_at_no_higher_level() -> None:
    # A pass between copies of a family says nothing new where they are one connected set already.
    graph = exact_graph()
    weights = np.zeros((7, 6))
    weights[:6] = np.eye(6)
    weights[6], weights[0] = 0.4 * weights[0], 0.6 * weights[0]
    graph.nodes["w7-f0"].update(weights=weights, isotropy_order=120)
    graph.edges["w7-f1", "w7-f0", "w7-t1"]["permutation"] = "()"
    high = {**graph.edges["w7-f1", "w7-f0", "w7-t1"], "loss": 0.03, "barrier_from": 0.03}
    high |= {"from_id": "w7-f0", "to_id": "w7-f0", "barrier_to": 0.03}
    graph.add_edge("w7-f0", "w7-f0", key="w7-t9", **high)
    assert not curves(plot.tree(graph, 7), marker="D")
