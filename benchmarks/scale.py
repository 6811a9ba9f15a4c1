"""What one minimum costs as the width grows: to find it, to classify it, to certify and read it.

K = M, orthonormal teacher, starts W ~ N(0, 1/M), ended at |grad| <= 1e-10. Processor times of one
thread. Above 1600 coordinates classification does without the Hessian and its full spectrum. Writes
scale.csv and scale.png.
"""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np

from landtopo.kernels.minimise import minimise_batch
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.classify import classify
from landtopo.models.networks.points.reading import read_point
from landtopo.models.networks.problem import Teacher, TeacherStudent

FOLDER = Path(__file__).parent
WIDTHS = ((6, 400), (10, 200), (20, 60), (30, 20), (40, 10), (60, 6), (80, 4), (100, 3))
STAGES = ("minimum", "classify", "psi", "read")
LABELS = {"minimum": "find", "classify": "classify", "psi": "minimise psi", "read": "read"}


def measure(size: int, count: int) -> dict[str, float]:
    """Mean seconds of each stage for one point."""
    problem = TeacherStudent(Teacher.orthonormal(size), size)
    loss = PopulationLoss(problem)
    network = loss.network(size)
    weights = np.random.default_rng(0).standard_normal((count, size, size)) / np.sqrt(size)
    begin = time.process_time()
    norms, _, used = minimise_batch(weights, network, 1e-10, 10**6)
    seconds = {"minimum": (time.process_time() - begin) / count}
    some = weights[: min(count, 5)]
    begin = time.process_time()
    points = [classify(problem, point) for point in some]
    seconds["classify"] = (time.process_time() - begin) / len(some)
    begin = time.process_time()
    for point in points:
        psi_min(problem, point.weights)
    seconds["psi"] = (time.process_time() - begin) / len(some)
    begin = time.process_time()
    for point in points:
        read_point(problem, point.weights)
    seconds["read"] = (time.process_time() - begin) / len(some)
    row = {"width": size, **seconds, "evaluations": float(used.mean()), "grad": float(norms.max())}
    print("  ".join(f"{key} {value:.3g}" for key, value in row.items()), flush=True)
    return row


def draw(rows: list[dict[str, float]]) -> None:
    """Times against width on logarithmic axes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(5.5, 4.0), layout="constrained")
    widths = np.array([row["width"] for row in rows])
    for stage, marker in zip(STAGES, "osd^", strict=True):
        seconds = np.array([row[stage] for row in rows])
        label = LABELS[stage]
        if stage == "minimum":
            large = widths >= 20
            slope = np.polyfit(np.log(widths[large]), np.log(seconds[large]), 1)[0]
            label += f", as K^{slope:.1f} from 20 on"
        axes.loglog(widths, seconds, marker + "-", label=label)
    axes.set_xlabel("width K = M")
    axes.set_ylabel("processor time for one point (s)")
    axes.set_xticks(widths, [str(int(width)) for width in widths])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(FOLDER / "scale.png", dpi=150)


def main() -> None:
    measure(5, 2)  # compiles
    rows = [measure(size, count) for size, count in WIDTHS]
    with (FOLDER / "scale.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    draw(rows)


if __name__ == "__main__":
    main()
