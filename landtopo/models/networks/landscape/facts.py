"""What is said of students in a graph: its columns of weights, permutations and lineages."""

from __future__ import annotations

from typing import Any

from landtopo.landscape.catalogue import Transition
from landtopo.landscape.rungs import Line
from landtopo.models.networks.points.families import describe_family
from landtopo.models.networks.problem import TeacherStudent
from landtopo.models.networks.symmetry import Relabelling, cycle_type, format_cycles, is_even
from landtopo.points.records import CriticalPoint, Family
from landtopo.symmetry.permutations import unsigned

__all__ = ["NetworkFacts"]


class NetworkFacts:
    """The `Facts` of students of one width.

    Parameters
    ----------
    problem : TeacherStudent
    """

    def __init__(self, problem: TeacherStudent) -> None:
        self._problem = problem

    def family(self, point: CriticalPoint, *, count: int, found_by: str) -> Family:
        """A family from its representative."""
        return describe_family(self._problem, point, count=count, found_by=found_by)

    def name(self, number: int) -> str:
        """Width and number, such as w6-f0."""
        return f"w{self._problem.width}-f{number}"

    def transition_name(self, number: int) -> str:
        """Width and number, such as w6-t0."""
        return f"w{self._problem.width}-t{number}"

    def node(self, family: Family) -> dict[str, Any]:
        """Its weights and spectrum."""
        return {
            "weights": family.weights,
            "eigenvalues": family.point.eigenvalues,
            "is_global": family.is_global,
        }

    def edge(self, transition: Transition) -> dict[str, Any]:
        """Relative permutations, and the weights of the transition state."""
        relabelling = Relabelling.from_images(transition.element, self._problem.sides)
        neurons = unsigned(relabelling.students, self._problem.width)
        record: dict[str, Any] = {
            "permutation": format_cycles(relabelling.students, self._problem.width),
            "teacher_permutation": format_cycles(relabelling.teachers),
        }
        if transition.exact:
            record.update(
                cycle_type=_cycle_text(neurons),
                parity="even" if is_even(neurons) else "odd",
            )
        point: Any = transition.point
        if point is not None:
            record.update(
                outside_span=point.weights.shape[1] > self._problem.rank,
                weights=point.weights,
                eigenvalues=point.eigenvalues,
            )
        return record

    def line(self, line: Line) -> dict[str, Any]:
        """Which neuron was split, if one was."""
        return {"neuron": line.part + 1} if line.part >= 0 else {}


def _cycle_text(permutation: tuple[int, ...]) -> str:
    lengths = sorted(cycle_type(permutation), reverse=True)
    parts = []
    for length in dict.fromkeys(lengths):
        times = lengths.count(length)
        parts.append(str(length) if times == 1 else f"{length}^{times}")
    return " ".join(parts)
