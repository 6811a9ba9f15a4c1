"""Flat reports as plain data: one row a family for tables, one dictionary for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from landtopo.flat.local import DirectionKind
from landtopo.models.networks.flat.cells import CellComplex
from landtopo.models.networks.flat.report import FlatDirection, FlatReport, FlatStatus
from landtopo.models.networks.flat.splitting import NeuronSplit
from landtopo.models.networks.flat.stability import StabilityLine
from landtopo.models.networks.flat.zero_loss import ZeroLossSet

__all__ = ["FLAT_COLUMNS", "flat_record", "flat_row"]

FLAT_COLUMNS = (
    "loss",
    "width",
    "index",
    "nullity",
    "gap",
    "gauge",
    "flat",
    "curved",
    "flat dim",
    "traced",
    "exponents",
    "corners",
    "splits that stay minima",
    "notes",
)


def flat_row(report: FlatReport) -> tuple[str, ...]:
    """One row of text under `FLAT_COLUMNS`.

    Parameters
    ----------
    report : FlatReport

    Returns
    -------
    tuple of str
    """
    loss = "0" if report.zero_loss else f"{report.loss:.10g}"
    if report.status is not FlatStatus.DONE:
        blank = ("-",) * (len(FLAT_COLUMNS) - 3)
        return loss, str(report.problem.width), *blank, report.status.value
    exponents = sorted(
        {
            f"{round(row.growth.exponent)}"
            for row in report.directions
            if row.growth is not None and np.isfinite(row.growth.exponent)
        }
    )
    stay = sum("minimum" in split.verdict.value for split in report.splits)
    return (
        loss,
        str(report.problem.width),
        str(report.index),
        str(report.nullity),
        f"{report.gap:.1e}",
        str(report.gauge),
        str(report.flat),
        str(report.curved),
        str(report.flat_dimension),
        str(report.traced_dimension),
        ", ".join(exponents) or "-",
        str(report.cells.corners) if report.cells.dimension else "-",
        f"{stay} of {len(report.splits)}",
        "; ".join(report.disagreements) or "-",
    )


def flat_record(report: FlatReport) -> dict[str, Any]:
    """Everything in the report as JSON values; infinities and NaN become None.

    Parameters
    ----------
    report : FlatReport

    Returns
    -------
    dict
    """
    record: dict[str, Any] = {
        "status": report.status.value,
        "width": report.problem.width,
        "dim": report.problem.dim,
        "unused_directions": report.unused,
        "loss": report.loss,
        "zero_loss": report.zero_loss,
        "grad_norm": report.grad_norm,
        "moved": report.moved,
        "effective_width": report.reduced.effective_width,
        "zero_neurons": report.reduced.zero_neurons,
        "index": report.index,
        "nullity": report.nullity,
        "predicted_index": report.predicted_index,
        "predicted_nullity": report.predicted_nullity,
        "gap": report.gap,
        "largest_zero": report.cut.largest_zero,
        "smallest_nonzero": report.cut.smallest_nonzero,
        "resolution": report.cut.resolution,
        "gauge": report.gauge,
        **{kind.value: report.count(kind) for kind in DirectionKind if kind != DirectionKind.GAUGE},
        "flat_dimension": report.flat_dimension,
        "traced_dimension": report.traced_dimension,
        "rank_tests": _rank_tests(report),
        "corners": [
            {
                "zero_neurons": list(corner.zero_neurons),
                "loss": corner.loss,
                "grad_norm": corner.grad_norm,
                "segments": corner.segments,
                "weights": corner.weights,
            }
            for corner in report.corners
        ],
        "cells": _cells(report.cells),
        "zero_loss_set": None if report.zero_set is None else _zero_set(report.zero_set),
        "directions": [_direction(row) for row in report.directions],
        "splits": [_split(split) for split in report.splits],
        "stability": [_line(line) for line in report.stability],
        "disagreements": list(report.disagreements),
        "eigenvalues": report.eigenvalues,
        "normal_eigenvalues": report.normal_eigenvalues,
        "weights": report.weights,
    }
    plain: dict[str, Any] = _plain(record)
    return plain


def _rank_tests(report: FlatReport) -> list[dict[str, Any]]:
    inside = report.opened or report.local
    if inside is None:
        return []
    return [
        {
            "dimension": probe.dimension,
            "kept": probe.kept,
            "gap": probe.gap,
            "probes": probe.probes,
            "failed": probe.failed,
        }
        for probe in (inside.probe, *inside.rank_tests)
    ]


def _cells(cells: CellComplex) -> dict[str, Any]:
    return {
        "dimension": cells.dimension,
        "f_vector": list(cells.f_vector),
        "components": cells.components,
        "diameter": cells.diameter,
        "cycles": cells.cycles,
        "betti": list(cells.betti),
    }


def _zero_set(zero_set: ZeroLossSet) -> dict[str, Any]:
    return {
        "dimension": zero_set.dimension,
        "f_vector": list(zero_set.f_vector),
        "components": zero_set.components,
        "networks": list(zero_set.networks),
    }


def _direction(row: FlatDirection) -> dict[str, Any]:
    laws = row.growth.laws if row.growth is not None else ()
    return {
        "kind": row.kind.value,
        "normal": row.normal,
        "multiplicity": row.multiplicity,
        "exponents": [law.exponent for law in laws],
        "exponent_errors": [law.exponent_error for law in laws],
        "coefficients": [law.coefficient for law in laws],
        "decades": [law.decades for law in laws],
        "analytic_coefficient": row.analytic_coefficient,
        "traces": [
            {
                "stop": trace.stop.value,
                "length": trace.length,
                "points": len(trace.points),
                "loss_change": trace.loss_change,
                "largest_gradient": trace.largest_gradient,
            }
            for trace in row.traces
        ],
        "vector": row.vector,
    }


def _split(split: NeuronSplit) -> dict[str, Any]:
    return {
        "neuron": split.neuron,
        "verdict": split.verdict.value,
        "eigenvalues": split.eigenvalues,
        "normal_eigenvalue": split.normal,
        "predicted": split.predicted,
        "predicted_normal": split.predicted_normal,
        "prediction_error": split.prediction_error,
    }


def _line(line: StabilityLine) -> dict[str, Any]:
    return {
        "positions": line.positions,
        "index": line.index,
        "nullity": line.nullity,
        "index_normal": line.index_normal,
        "nullity_normal": line.nullity_normal,
        "lowest": line.lowest,
        "lowest_normal": line.lowest_normal,
        "crossings": list(line.crossings),
    }


def _plain(value: Any) -> Any:
    """Python numbers, lists and dictionaries only."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
