"""Made-up landscape graphs with plausible numbers, for tests of files, pictures and trees."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np

SPURIOUS_LOSS = 0.0250805810
ESCAPE_BARRIER = 5e-5
THREE_CYCLE_LOSS = 0.0617
SWAP_LOSS = 0.1371


def profile(start: float, top: float, end: float, points: int = 41) -> list[list[float]]:
    """A smooth curve over a barrier: [arc length, loss]."""
    s = np.linspace(0.0, 1.0, points)
    rising = start + (top - start) * np.sin(np.pi * s) ** 2
    falling = end + (top - end) * np.sin(np.pi * s) ** 2
    curve = np.where(s <= 0.5, rising, falling)
    return [[float(3 * a), float(b)] for a, b in zip(s, curve, strict=True)]


def family(width: int, number: int, loss: float, **more: object) -> dict[str, object]:
    """A family record with NumPy scalars in it, as the search makes them."""
    size = 6
    weights = np.zeros((width, size))
    weights[:size] = np.eye(size)[:width]
    if number:
        weights[0] *= -0.3
        weights += 0.02 * number
    record: dict[str, object] = {
        "kind": "minimum",
        "id": f"w{width}-f{number}",
        "width": np.int64(width),
        "loss": np.float64(loss),
        "count": np.int32(2000 - 15 * number),
        "index": 0,
        "nullity": 0,
        "gap": math.inf,
        "flat_dimension": 0,
        "smallest_eigenvalue": np.float64(0.0047003547 if number else 0.25 - 0.5 / math.pi),
        "smallest_normal_eigenvalue": 0.25,
        "grad_norm": 3.1e-14,
        "effective_width": 6,
        "anti_aligned": min(number, 5),
        "zero_neurons": 0,
        "isotropy": "S_5 x S_1" if number else "S_6",
        "isotropy_order": 120 if number else 720,
        "orbit_size": math.factorial(width) * 720 // (120 if number else 720),
        "psi_min": -0.012 if number else 0.0,
        "weights": weights,
        "eigenvalues": np.sort(np.linspace(0.09, 0.66, 6 * width) + 0.01 * number),
        "description": f"{min(number, 5)} anti-aligned neurons, {6 - min(number, 5)} aligned",
        "share": np.float64(0.003 if number else 0.997),
        "share_low": 0.002 if number else 0.99,
        "share_high": 0.005 if number else 0.999,
        "is_global": np.bool_(number == 0),
    }
    return {**record, **more}


def transition(
    width: int, number: int, start: str, end: str, loss: float, low: float, high: float
) -> dict[str, object]:
    """A transition record between families of losses `low` and `high`."""
    return {
        "kind": "saddle",
        "from_id": start,
        "to_id": end,
        "loss": np.float64(loss),
        "barrier_from": loss - low,
        "barrier_to": loss - high,
        "index": 1,
        "grad_norm": 4.4e-14,
        "smallest_eigenvalue": -0.004,
        "permutation": "()",
        "cycle_type": "1^6",
        "parity": "even",
        "outside_span": number % 2 == 0,
        "verified": True,
        "weights": np.full((width, 7), 0.125),
        "eigenvalues": np.linspace(-0.004, 0.7, 7 * width),
        "profile": profile(low, loss, high),
    }


def small_graph() -> nx.MultiGraph[str]:
    """Teacher orthonormal:6 at the widths 6, 7 and 8."""
    graph: nx.MultiGraph[str] = nx.MultiGraph(
        format_version=1,
        landtopo_version="0.1.0",
        teacher="orthonormal:6",
        gram=np.eye(6).tolist(),
        dim="infinite",
        widths=[6, 7, 8],
        seed=0,
        starts={6: 2000, 7: 2000, 8: 500},
        coverage={6: {"chao1": 2.0, "coverage": 1.0}, 7: {"coverage": 0.999}, 8: {}},
    )
    records = [
        family(6, 0, 1.2e-31),
        family(6, 1, SPURIOUS_LOSS),
        family(7, 0, 4.0e-31, flat_dimension=1, nullity=6, isotropy="S_5"),
        family(7, 1, 0.0187, reachability=0.02, reachability_low=0.01, reachability_high=0.04),
        family(8, 0, 3.0e-31, flat_dimension=2, nullity=12),
    ]
    for record in records:
        graph.add_node(str(record["id"]), **record)
    edges = [
        ("w6-t0", transition(6, 0, "w6-f1", "w6-f0", SPURIOUS_LOSS + 5e-5, SPURIOUS_LOSS, 0.0)),
        (
            "w6-t1",
            {
                **transition(6, 1, "w6-f0", "w6-f0", THREE_CYCLE_LOSS, 0.0, 0.0),
                "permutation": "(1 2 3)",
                "cycle_type": "3 1^3",
            },
        ),
        (
            "w6-t2",
            {
                **transition(6, 2, "w6-f0", "w6-f0", SWAP_LOSS, 0.0, 0.0),
                "kind": "corner",
                "permutation": "(1 2)",
                "cycle_type": "2 1^4",
                "parity": "odd",
            },
        ),
        ("w7-t0", {**transition(7, 0, "w7-f0", "w7-f0", 0.0, 0.0, 0.0), "kind": "flat"}),
        ("w7-t1", transition(7, 1, "w7-f1", "w7-f0", 0.0192, 0.0187, 0.0)),
        ("w8-t0", {**transition(8, 0, "w8-f0", "w8-f0", 0.0, 0.0, 0.0), "kind": "flat"}),
    ]
    lineage = [
        ("l0", "w6-f0", "w7-f0", "zero neuron", None, "stays", 1.0),
        ("l1", "w6-f1", "w7-f0", "split", 1, "flows", 0.75),
        ("l2", "w6-f1", "w7-f1", "zero neuron", None, "flows", 0.25),
        ("l3", "w7-f0", "w8-f0", "zero neuron", None, "stays", 1.0),
        ("l4", "w7-f1", "w8-f0", "zero neuron", None, "flows", 1.0),
    ]
    for key, data in edges:
        graph.add_edge(str(data["from_id"]), str(data["to_id"]), key=key, **data)
    for key, start, end, operation, neuron, fate, fraction in lineage:
        data = {"kind": "lineage", "from_id": start, "to_id": end, "operation": operation}
        data |= {"fate": fate, "fraction": fraction}
        if neuron is not None:
            data["neuron"] = neuron
        graph.add_edge(start, end, key=key, **data)
    return graph


def exact_graph() -> nx.MultiGraph[str]:
    """The graph with what labelled connectivity needs to know of the copies that are joined."""
    graph = small_graph()
    for *_, data in graph.edges(keys=True, data=True):
        if data["kind"] != "lineage":
            data["teacher_permutation"] = "()"
    return graph


def open_graph() -> nx.MultiGraph[str]:
    """A graph that leaves open how two families are joined and whether a point is a minimum."""
    graph = small_graph()
    graph.remove_edge("w7-f1", "w7-f0", "w7-t1")
    graph.graph["failed_pairs"] = {7: [{"from_id": "w7-f0", "to_id": "w7-f1", "tries": 4}]}
    other = {"loss": 0.3, "count": 12, "index": 0, "nullity": 2, "reason": "It is too flat."}
    graph.graph["start_search"] = {
        "7": {
            "outcomes": {"converged": 1990, "stalled": 10},
            "others": [
                {**other, "kind": "undecided", "description": "flat as can be"},
                {**other, "kind": "saddle", "loss": 0.4, "description": "all neurons are zero"},
            ],
        }
    }
    return graph


def large_graph(families: int = 2000, widths: int = 4) -> nx.MultiGraph[str]:
    """A graph of many families, joined in a chain at each width with some extra edges."""
    rng = np.random.default_rng(7)
    graph: nx.MultiGraph[str] = nx.MultiGraph(
        format_version=1, teacher="orthonormal:6", dim="infinite", widths=[6, 7, 8, 9], seed=7
    )
    each = families // widths
    lineages = 0
    for place in range(widths):
        width = 6 + place
        losses = np.sort(np.r_[0.0, 0.02 + 0.1 * rng.random(each - 1)])
        for number, loss in enumerate(losses):
            flat = int(number == 0 and width > 6) or int(rng.random() < 0.1)
            share = float(rng.random() ** 6)
            record = family(width, number, float(loss), flat_dimension=flat, share=share)
            graph.add_node(str(record["id"]), **record)
        for number in range(1, each):
            other = int(rng.integers(0, number))
            top = max(losses[number], losses[other]) + 0.01 * rng.random()
            name, lower = f"w{width}-f{number}", f"w{width}-f{other}"
            data = transition(width, number, name, lower, top, losses[number], losses[other])
            graph.add_edge(name, lower, key=f"w{width}-t{number}", **data)
            if place:
                up = f"w{width - 1}-f{number}"
                data = {"kind": "lineage", "from_id": up, "to_id": lower, "fate": "flows"}
                data |= {"operation": "zero neuron", "fraction": 1.0}
                graph.add_edge(up, lower, key=f"l{lineages}", **data)
                lineages += 1
    return graph
