"""The table of connectivity against width, against definitions and graphs made by hand.

Barriers are compared with the lowest threshold that joins two families, on random graphs full of
ties; labelled components at zero loss with K! at K = M and one at K = M + 1; lineage verdicts with
a graph in which every case occurs, splits included.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from synthetic_landscape import ESCAPE_BARRIER, SPURIOUS_LOSS, small_graph
from test_tree import barrier_by_thresholds, random_graph

from landtopo.landscape.widths import width_records
from landtopo.models.connectivity import width_table
from landtopo.models.networks.problem import Teacher
from landtopo.points.coverage import binomial_interval


@pytest.mark.parametrize("seed", range(30))
def test_escapes_are_the_lowest_thresholds(seed: int) -> None:
    graph = random_graph(seed)
    graph.remove_node("w4-f0")
    row = width_table(graph)[0]
    losses = nx.get_node_attributes(graph, "loss")
    families = [node for node in graph if graph.nodes[node]["width"] == 3]
    assert [escape.family for escape in row.escapes] == sorted(
        families, key=lambda node: (losses[node], node)
    )
    for escape in row.escapes:
        lower = [node for node in families if losses[node] < losses[escape.family]]
        heights = [barrier_by_thresholds(graph, escape.family, node) for node in lower]
        expected = min(heights, default=math.inf) - losses[escape.family]
        assert escape.barrier == (None if math.isinf(expected) else expected)
        assert escape.barrier_to_global is None
    assert row.largest_spurious_loss == max(losses[node] for node in families)
    assert row.zero_components is None
    assert row.joined is None
    known = [escape.barrier for escape in row.escapes if escape.barrier is not None]
    assert row.lowest_escape == (min(known) if known else None)


def synthetic() -> nx.MultiGraph[str]:
    graph = small_graph()
    graph.graph["starts"] = {"6": 2000, "7": 2000, "8": 2000}
    graph.nodes["w6-f0"]["count"] = 1994
    graph.nodes["w6-f1"]["count"] = 6
    return graph


def test_rows_of_three_widths() -> None:
    rows = width_table(synthetic())
    assert [row.width for row in rows] == [6, 7, 8]
    assert [(row.families, row.isolated, row.flat, row.undecided) for row in rows] == [
        (2, 2, 0, 0),
        (2, 1, 1, 0),
        (1, 0, 1, 0),
    ]
    first = rows[0]
    assert first.global_families == ("w6-f0",)
    assert (first.starts, first.global_count) == (2000, 1994)
    assert first.global_share == pytest.approx(0.997)
    assert (first.global_low, first.global_high) == binomial_interval(1994, 2000)
    # K = M: nothing is joined at zero loss; one more neuron joins everything.
    assert [row.zero_components for row in rows] == [math.factorial(6), 1, 1]
    assert [row.joined for row in rows] == [Fraction(1, 720), 1, 1]
    assert first.largest_spurious_loss == SPURIOUS_LOSS
    assert [escape.family for escape in first.escapes] == ["w6-f1"]
    assert first.escapes[0].barrier == pytest.approx(ESCAPE_BARRIER, abs=1e-15)
    assert first.escapes[0].barrier_to_global == first.escapes[0].barrier
    assert rows[2].largest_spurious_loss is None
    assert rows[2].lowest_escape is None


def test_steps_between_widths() -> None:
    rows = width_table(synthetic())
    assert rows[0].step is None
    step = rows[1].step
    assert step is not None
    assert step.width == 6
    assert step.stay == ("w6-f0",)
    assert step.turn == ("w6-f1",)
    assert step.untraced == ()
    assert step.appear == ("w7-f1",)
    assert step.fed == ("w7-f1",)
    assert [(line.family, line.operation, line.neuron, line.stays) for line in step.lines] == [
        ("w6-f0", "zero neuron", None, True),
        ("w6-f1", "split", 1, False),
        ("w6-f1", "zero neuron", None, False),
    ]
    assert sum(line.fraction for line in step.lines if line.family == "w6-f1") == 1.0


def test_a_split_can_stay_where_a_zero_neuron_does_not() -> None:
    graph = synthetic()
    graph.edges["w6-f1", "w7-f0", "l1"].update(fate="stays")
    graph.add_node("w7-f9", width=7, loss=0.5)
    graph.add_node("w6-f9", width=6, loss=0.6)
    step = width_table(graph)[1].step
    assert step is not None
    assert step.stay == ("w6-f0", "w6-f1")
    assert step.turn == ()
    assert step.untraced == ("w6-f9",)
    assert step.appear == ("w7-f1", "w7-f9")
    assert step.fed == ("w7-f1",)


def test_no_step_over_a_width_that_is_missing() -> None:
    graph = synthetic()
    graph.remove_nodes_from(["w7-f0", "w7-f1"])
    rows = width_table(graph)
    assert [row.width for row in rows] == [6, 8]
    assert rows[1].step is None


def test_records_are_plain() -> None:
    records = width_records(width_table(synthetic()))
    assert json.loads(json.dumps(records)) == records
    assert [record["zero_components"] for record in records] == [720, 1, 1]
    assert records[1]["step"]["turn_into_saddles"] == ["w6-f1"]
    assert records[1]["step"]["lines"][1]["fate"] == "flows"


def test_narrow_students_have_no_global_family() -> None:
    graph: nx.MultiGraph[str] = nx.MultiGraph(
        teacher="orthonormal:3", gram=np.eye(3).tolist(), starts={"2": 10}
    )
    graph.add_node("w2-f0", width=2, loss=0.3, is_global=False, count=10, flat_dimension=0)
    row = width_table(graph)[0]
    assert (row.global_count, row.global_share, row.zero_components) == (0, 0.0, None)
    assert row.escapes[0].barrier is None
    assert row.record()["lowest_escape"] is None


def test_mirror_images_are_copies_of_the_global_family() -> None:
    """v_1 + v_2 + v_3 = 0: V and -V are copies, apart at K = 5, joined from K = 6 on."""
    teacher = Teacher.equicorrelated(3, -0.5)
    graph: nx.MultiGraph[str] = nx.MultiGraph(teacher=teacher.name, gram=teacher.gram.tolist())
    for width in (3, 5, 6):
        weights = np.vstack([teacher.vectors, np.zeros((width - 3, teacher.rank))])
        graph.add_node(f"w{width}-f0", width=width, loss=0.0, is_global=True, weights=weights)
    rows = width_table(graph)
    assert [row.zero_components for row in rows] == [12, 2, 1]
    assert [row.joined for row in rows] == [Fraction(1, 12), Fraction(1, 2), 1]
    assert [row.undecided for row in rows] == [1, 1, 1]
    assert rows[0].starts is None
