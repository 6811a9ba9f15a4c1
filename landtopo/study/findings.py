"""What the searches and paths of a study have found of one model, always in one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from landtopo.landscape.gathered import SOURCES, Finding
from landtopo.landscape.transitions import ways_of
from landtopo.models.connections import FunctionPath
from landtopo.points.coverage import Coverage, estimate_coverage
from landtopo.points.records import Attempts, Kind
from landtopo.study.store import NamedPath, Study

__all__ = ["StoredSearch", "findings_of", "stored_search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSearch:
    """A search for minima as a study keeps it; see `landtopo.model.Minima`."""

    families: tuple[Any, ...]
    others: tuple[Any, ...]
    attempts: Attempts
    coverage: Coverage
    search: dict[str, Any]


def stored_search(study: Study, stage: int, source: str) -> StoredSearch:
    """A search for minima that a study keeps.

    Parameters
    ----------
    study : Study
    stage : int
        As in `findings_of`.
    source : str
        As in `Study.searches`.
    """
    asked = study.search_options(stage, source)
    families: list[Any] = [*study.families(stage, source)]
    # A search of version 0.2 does not say how often it was looked at.
    coverage = estimate_coverage(
        [family.count for family in families if family.count], looks=asked.get("looks", 0)
    )
    return StoredSearch(
        families=tuple(one for one in families if one.point.kind is Kind.MINIMUM),
        others=tuple(one for one in families if one.point.kind is not Kind.MINIMUM),
        attempts=study.attempts(stage, source),
        coverage=coverage,
        search=asked,
    )


def findings_of(study: Study, stage: int) -> list[Finding]:
    """Everything that searches and paths have found on one rung, always in one order.

    Parameters
    ----------
    study : Study
    stage : int
        The width of networks; the number of coordinates of a model, or of the parameter's value.
    """
    found = []
    for aim, name in zip(("minima", "reachability", "saddles"), SOURCES, strict=False):
        for source in sorted(source for at, source in study.searches(aim) if at == stage):
            families: list[Any] = [*study.families(stage, source)]
            # Starts of a search for minima that end in saddles are told as such.
            passes = [] if aim == "minima" else [one for one in families if _is_pass(one)]
            shown = "weights" if study.model is None else "x"
            found.append(
                Finding(
                    found_by=name,
                    minima=[
                        getattr(one, shown) for one in families if one.point.kind is Kind.MINIMUM
                    ],
                    states=[getattr(one, shown) for one in passes],
                )
            )
    return found + [_of_path(path) for path in study.paths(stage)]


def _of_path(path: NamedPath) -> Finding:
    record: Any = path.record
    if isinstance(record, FunctionPath):
        states = [*(state.x for state in record.transition_states), *record.met]
        return Finding(found_by=SOURCES[-1], states=states)
    return Finding(found_by=SOURCES[-1], states=record.met, ways=ways_of(record))


def _is_pass(family: Any) -> bool:
    point = family.point
    is_corner = getattr(point, "zero_neurons", 0)
    return point.kind is Kind.SADDLE and point.index == 1 and not is_corner
