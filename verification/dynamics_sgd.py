"""One-pass SGD in finite dimension over the flow of (Q, R) with and without the noise term.

    python verification/dynamics_sgd.py

Prints, for K = M = 2 and 3, learning rates 0.1 and 1 and d = 1000, 4000, 100000, the largest
deviation of the mean over runs from both flows in units of the runs' standard deviation, and the
slope of that standard deviation against d; draws results/dynamics_sgd.png.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from landtopo.models.networks.dynamics.flow import FlowOptions
from landtopo.models.networks.dynamics.sgd import run_sgd
from landtopo.models.networks.dynamics.statistics_flow import flow_statistics, loss_from_statistics
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.models.networks.statistics import summary_statistics

DIMS = (1000, 4000, 100_000)
RUNS = {1000: 100, 4000: 50, 100_000: 6}


def main() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    for row, width in enumerate((2, 3)):
        teacher = Teacher.orthonormal(width)
        weights = np.random.default_rng(0).standard_normal((width, 2 * width)) / 2
        start = summary_statistics(teacher, weights)
        for column, rate in enumerate((0.1, 1.0)):
            times = np.linspace(0, 12 if rate == 1 else 60, 61)
            options = FlowOptions(longest=times[-1], relative=1e-8, absolute=1e-10)
            infinite = TeacherStudent(teacher, width)
            noisy = flow_statistics(
                infinite, start.student, start.overlap, rate=rate, options=options
            ).at(times)
            quiet = flow_statistics(infinite, start.student, start.overlap, options=options).at(
                rate * times
            )
            ax = axes[row, column]
            ax.semilogy(times, loss_from_statistics(*noisy, teacher.gram), "k-", label="with noise")
            ax.semilogy(times, loss_from_statistics(*quiet, teacher.gram), "k:", label="without")
            spreads = []
            for dim in DIMS:
                runs = run_sgd(
                    TeacherStudent(teacher, width, dim),
                    weights,
                    rate=rate,
                    times=times,
                    runs=RUNS[dim],
                )
                mean, spread = runs.student.mean(0)[1:], runs.student.std(0, ddof=1)[1:]
                spreads.append(np.median(spread))
                with_noise = np.abs(mean - noisy[0][1:]) / spread
                without = np.abs(mean - quiet[0][1:]) / spread
                print(
                    f"K = M = {width}, rate {rate:g}, d = {dim}: mean of {RUNS[dim]} runs off the "
                    f"flow by at most {with_noise.max():.2f} standard deviations of a run, "
                    f"without the noise term {without.max():.2f}"
                )
                low, high = np.quantile(runs.losses, [0.1, 0.9], axis=0)
                ax.fill_between(times, low, high, alpha=0.35, label=f"SGD, d = {dim}")
            slope = np.polyfit(np.log(DIMS), np.log(spreads), 1)[0]
            print(f"  fluctuations ~ d^{slope:.3f}")
            ax.set_title(f"K = M = {width}, rate {rate:g}")
            ax.set_xlabel("steps / d")
            ax.set_ylabel("loss")
            ax.legend(fontsize=7)
    folder = Path("results")
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / "dynamics_sgd.png", dpi=110)


if __name__ == "__main__":
    main()
