"""Trajectories of the summary statistics, as people and as programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landtopo.wording import known_digits
from landtopo_cli.families import problem_line, problem_record
from landtopo_cli.tables import number, table

if TYPE_CHECKING:
    from landtopo.models.networks.dynamics.statistics_flow import StatisticsFlow
    from landtopo.models.networks.problem import TeacherStudent

__all__ = ["trajectory_record", "trajectory_text"]

# Lines of the table.
_ROWS = 16


def trajectory_record(problem: TeacherStudent, start: str, flow: StatisticsFlow) -> dict[str, Any]:
    """The trajectory in JSON, at every step of the integrator."""
    return {
        "problem": problem_record(problem),
        "start": start,
        "rate": flow.rate,
        "status": flow.status.value,
        "times": flow.times.tolist(),
        "losses": flow.losses.tolist(),
        "loss_errors": flow.loss_errors.tolist(),
        "student": flow.student.tolist(),
        "overlap": flow.overlap.tolist(),
        "lowest_eigenvalue": flow.lowest_eigenvalue,
        "noise_error": flow.noise_error,
        "evaluations": flow.evaluations,
    }


def trajectory_text(problem: TeacherStudent, start: str, flow: StatisticsFlow) -> str:
    """The trajectory for people: loss, norms and best overlaps at times spread evenly in log t.

    Losses have the digits that their error leaves.
    """
    import numpy as np

    kind = "gradient flow" if flow.rate is None else f"one-pass SGD, rate {flow.rate:g}"
    chosen = np.unique(np.linspace(0, len(flow.times) - 1, _ROWS).round().astype(int))
    rows = []
    for i in chosen:
        norms = np.sqrt(np.diag(flow.student[i]))
        sizes = np.outer(norms, problem.teacher.norms)
        # A neuron that has vanished has no direction.
        cosines = flow.overlap[i] / np.where(sizes > 0, sizes, np.inf)
        rows.append(
            (
                number(float(flow.times[i]), 4),
                known_digits(float(flow.losses[i]), float(flow.loss_errors[i])),
                number(float(norms.min()), 4),
                number(float(norms.max()), 4),
                number(float(cosines.max(axis=0).min()), 4),
            )
        )
    return "\n\n".join(
        [
            f"{problem_line(problem)}: {kind} from {start}. {flow.status.value}",
            table(("time", "loss", "shortest", "longest", "worst teacher's best cosine"), rows),
        ]
    )
