"""One pair of labelled points for all pairs that symmetry makes of it.

Student permutations and teacher automorphisms carry a pair of minima to other pairs that lie alike.
A search from one of them may find what a search from another misses. So each pair is carried to the
same one, told from the same end and with the same last digits, and what is found is carried back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from landtopo.models.networks.paths.copies import NetworkCopies
from landtopo.models.networks.paths.ends import align_outside, relative_permutation
from landtopo.models.networks.paths.record import PathRecord
from landtopo.models.networks.symmetry import CanonicalForm, Relabelling, canonical_form
from landtopo.objective import Array
from landtopo.points.evaluations import Counted
from landtopo.points.polish import polish
from landtopo.tolerances import CRITICAL, same_value

__all__ = ["Pair", "common_pair"]

# The graphs of the two points are laid over each other with this factor between them: sums of
# their values are equal only where both are.
_OVERLAY = 0.5**0.5
# Pairs that lie alike differ by less in their scalar products.
_SAME = 1e-6
# Newton's method from the nearest point of this grid ends in the same digits for all copies.
_GRID = 1e-8
_UNMOVED = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The pair that stands for all that lie alike, and the way back to one of them.

    Attributes
    ----------
    given : tuple of two ndarray, shape (K, D)
        The pair that was asked for.
    start, end : ndarray, shape (K, D)
        The pair that stands for it.
    away : Relabelling
        Carries the given pair to it.
    swapped : bool
        Whether it is told from the other end.
    copies : NetworkCopies
    objective : Counted
    """

    given: tuple[Array, Array]
    start: Array = field(repr=False)
    end: Array = field(repr=False)
    away: Relabelling
    swapped: bool
    copies: NetworkCopies = field(repr=False)
    objective: Counted = field(repr=False)

    def back(self, record: PathRecord) -> PathRecord:
        """A path between the two points of this pair as one between those that were given.

        Parameters
        ----------
        record : PathRecord

        Returns
        -------
        PathRecord
            With the same losses, to the last digit.
        """
        carried = self._carried(record)
        if self.swapped:
            carried = _reversed(carried)
        start, end = self.given
        points = carried.points.copy()
        points[0] = start
        if carried.verified:
            points[-1] = end
        return replace(
            carried,
            start=start,
            end=end,
            points=points,
            minima=(start, *carried.minima[1:-1], end),
            permutation=relative_permutation(
                start,
                end,
                self.copies.setting.rank,
                turned=self.copies.symmetry.turned,
            ),
        )

    def _carried(self, record: PathRecord) -> PathRecord:
        back = self.away.inverse()

        def there(weights: Array) -> Array:
            return self.copies.relabelled(back, weights)

        return replace(
            record,
            points=there(record.points),
            minima=tuple(there(_critical(self.objective, w)) for w in record.minima),
            transition_states=tuple(
                replace(one, weights=there(one.weights)) for one in record.transition_states
            ),
            steps=tuple(
                replace(
                    step,
                    through=tuple(
                        replace(saddle, weights=there(saddle.weights)) for saddle in step.through
                    ),
                )
                for step in record.steps
            ),
            missing=tuple((there(first), there(last)) for first, last in record.missing),
        )


def common_pair(copies: NetworkCopies, objective: Counted, start: Array, end: Array) -> Pair:
    """The pair of minima that stands for all that lie as the given two do.

    Parameters
    ----------
    copies : NetworkCopies
    objective : Counted
    start, end : ndarray, shape (K, D)
    """
    pairs = ((start, end), (end, start))
    forms = [_form(copies, *pair) for pair in pairs]
    swapped = _comes_first(copies, pairs, forms)
    away = forms[swapped].relabelling
    here, there = (
        _settled(objective, copies.relabelled(away, weights)) for weights in pairs[swapped]
    )
    return Pair(
        given=(start, end),
        start=here,
        end=align_outside(there, here, copies.setting.rank),
        away=away,
        swapped=bool(swapped),
        copies=copies,
        objective=objective,
    )


def _form(copies: NetworkCopies, first: Array, second: Array) -> CanonicalForm:
    one, other = (copies.graph(weights) for weights in (first, second))
    return canonical_form(replace(one, gram=one.gram + _OVERLAY * other.gram))


def _comes_first(
    copies: NetworkCopies,
    pairs: tuple[tuple[Array, Array], tuple[Array, Array]],
    forms: list[CanonicalForm],
) -> bool:
    """Whether the pair is told from its other end: from the lower one, if there is one."""
    lower, upper = (float(copies.setting.loss.value(weights)) for weights in pairs[0])
    if abs(lower - upper) > same_value(max(lower, upper)):
        return lower > upper
    apart = (forms[0].gram - forms[1].gram).ravel()
    different = np.flatnonzero(np.abs(apart) > _SAME)
    return bool(different.size and apart[different[0]] < 0)


def _critical(objective: Counted, weights: Array) -> Array:
    """A minimum that a descent ended in, with what Newton's method can still add to it."""
    if not np.all(np.any(weights, axis=1)):
        return weights
    return polish(objective, weights.ravel())[0].reshape(weights.shape)


def _settled(objective: Counted, weights: Array) -> Array:
    """The same minimum in digits that all its copies share, where it is isolated."""
    x, norm = polish(objective, (np.round(weights / _GRID) * _GRID).ravel())
    moved = float(np.abs(x - weights.ravel()).max())
    return x.reshape(weights.shape) if norm <= CRITICAL and moved <= _UNMOVED else weights


def _reversed(record: PathRecord) -> PathRecord:
    """The path from its end to its start."""
    changed: dict[str, Any] = {
        "start": record.end,
        "end": record.start,
        "minima": record.minima[::-1],
        "minima_losses": record.minima_losses[::-1],
        "missing": tuple((last, first) for first, last in record.missing[::-1]),
        "runners_up": tuple(
            replace(other, losses=other.losses[::-1]) for other in record.runners_up
        ),
    }
    if not record.verified:
        return replace(record, losses=record.minima_losses[-1:], **changed)
    length, states = record.positions[-1], len(record.transition_states)
    changed |= {
        "points": record.points[::-1],
        "positions": length - record.positions[::-1],
        "losses": record.losses[::-1],
        "minima_positions": record.minima_positions[-1] - record.minima_positions[::-1],
        "transition_states": record.transition_states[::-1],
        "transition_positions": record.minima_positions[-1] - record.transition_positions[::-1],
        "steps": tuple(
            replace(
                step,
                start=number,
                end=number + 1,
                transition=None if step.transition is None else states - 1 - step.transition,
                through=step.through[::-1],
            )
            for number, step in enumerate(record.steps[::-1])
        ),
    }
    return replace(record, **changed)
