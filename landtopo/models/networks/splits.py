"""Neurons that are one neuron split: which they are, in what shares, and where on their flat set.

Neurons of one direction (of the same weights, where s is not homogeneous) act as one whose mass is
the sum of theirs; a neuron has the mass a |w|^h, or a. As long as their masses are shares g_i of
the whole, which sum to 1, the loss does not depend on the g_i. With the second derivatives Psi =
E[(f - f*) s''(w.x) x x^T] of the whole neuron, the curvature of moving the pieces by d_i, across
the direction of the whole and with sum_i g_i d_i = 0, is sum_i g_i d_i^T Psi d_i. On that space the
sum has the signature of the g_i less one positive. So one piece of the sign of the whole and others
of the opposite sign, g_i < 0, are at a minimum where Psi is negative definite: there shares between
0 and 1 make a saddle. Such minima lie on flat sets without bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landtopo.models.networks.activation import Activation
from landtopo.objective import Array
from landtopo.shown import Brief

__all__ = ["NEAR", "Merged", "Split", "canonical_shares", "merged", "splits"]

#: Neurons closer than this may be one that was split: where the curvature that keeps them together
#: vanishes, the gradient falls like the cube of what is between them.
NEAR = 1e-3
# A neuron of less than this part of the largest mass is nothing.
_ZERO = 1e-7
# The part of the largest mass with which a neuron begins to grow to one.
_GROWN = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Brief):
    """Neurons that act as one.

    Attributes
    ----------
    neurons : tuple of int
        The one with the largest mass first.
    signs : ndarray
        1, or -1 for a neuron that is added with its weights turned around.
    parts : ndarray
        Masses, those of neurons that are turned around as they are added.
    """

    neurons: tuple[int, ...]
    signs: Array
    parts: Array

    @property
    def whole(self) -> float:
        """The sum of the masses; 0 where nothing but rounding is left of them."""
        whole, largest = float(self.parts.sum()), float(np.abs(self.parts).max())
        return whole if abs(whole) > _ZERO * len(self.parts) * largest else 0.0

    @property
    def shares(self) -> Array:
        """g_i, which sum to 1; zeros where the whole is nothing."""
        return self.parts / self.whole if self.whole else np.zeros(len(self.parts))

    @property
    def unbounded(self) -> bool:
        """Whether a share is negative, so that the shares can be of any size."""
        return bool(np.any(self.shares < 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged(Brief):
    """The neurons of a point without those that are parts of others.

    Attributes
    ----------
    weights, outputs : ndarray, shapes (m, D) and (m,)
        Of the whole neurons.
    groups : tuple of Split
        The neurons of each, one or more.
    function : Activation
    """

    weights: Array
    outputs: Array
    groups: tuple[Split, ...]
    function: Activation

    def expanded(self, weights: Array, outputs: Array, stretch: float = 1.0) -> tuple[Array, Array]:
        """Other whole neurons in the pieces that stand for all of their flat set.

        Shares of the sign opposite to that of the whole are -1 each, and the others are equal: a
        neuron in two pieces on an unbounded line has the shares 2 and -1.

        Parameters
        ----------
        weights, outputs : ndarray, shapes (m, D) and (m,)
        stretch : float
            What negative shares are in place of -1, in size.

        Returns
        -------
        weights, outputs : ndarray, shapes (K, D) and (K,)
        """
        count = sum(len(group.neurons) for group in self.groups)
        rows, strengths = np.empty((count, weights.shape[1])), np.empty(count)
        for vector, output, group in zip(weights, outputs, self.groups, strict=True):
            shares, places = canonical_shares(group.shares, stretch), list(group.neurons)
            turned = group.signs if self.function.parity == -1 else np.ones(len(shares))
            rows[places] = group.signs[:, None] * vector
            if self.function.degree is None:
                strengths[places] = output * shares * turned
            else:
                rows[places] *= (np.abs(shares) ** (1.0 / self.function.degree))[:, None]
                strengths[places] = output * np.sign(shares) * turned
        return rows, strengths


def masses(weights: Array, outputs: Array, function: Activation) -> Array:
    """What neurons add to a whole: a |w|^h, or a where s is not homogeneous.

    Parameters
    ----------
    weights, outputs : ndarray, shapes (K, D) and (K,)
    function : Activation
    """
    if function.degree is None:
        return np.array(outputs)
    return np.asarray(outputs * np.linalg.norm(weights, axis=1) ** function.degree)


def splits(
    weights: Array, outputs: Array, function: Activation, near: float = NEAR
) -> tuple[Split, ...]:
    """The neurons of a point in groups that act as one, from one neuron on.

    Parameters
    ----------
    weights, outputs : ndarray, shapes (K, D) and (K,)
    function : Activation
    near : float
        How far apart the members of a group are at most: unit vectors, or weights relative to a
        length of one.
    """
    mass = masses(weights, outputs, function)
    places = weights
    if function.degree is not None:
        lengths = np.linalg.norm(weights, axis=1, keepdims=True)
        places = np.divide(weights, lengths, out=np.zeros_like(weights), where=lengths > 0.0)
    reach = near * (1.0 + np.linalg.norm(places, axis=1))
    free = [int(k) for k in np.argsort(-np.abs(mass), kind="stable")]
    found = []
    while free:
        first = free[0]
        signs: dict[int, float] = {first: 1.0}
        for k in free[1:]:
            for sign in (1.0, -1.0) if function.parity else (1.0,):
                if np.linalg.norm(sign * places[k] - places[first]) <= reach[first]:
                    signs.setdefault(k, sign)
        free = [k for k in free if k not in signs]
        turned = np.array(list(signs.values()))
        parts = mass[list(signs)] * (turned if function.parity == -1 else 1.0)
        found.append(Split(neurons=tuple(signs), signs=turned, parts=parts))
    return tuple(found)


def merged(
    weights: Array, outputs: Array, function: Activation, near: float = NEAR, *, zeros: bool = False
) -> Merged | None:
    """The whole neurons of a point; None where neurons vanish, or some cancel each other.

    A neuron without output weight, where s is not homogeneous, is a part of no share.

    Parameters
    ----------
    weights, outputs : ndarray, shapes (K, D) and (K,)
    function : Activation
    near : float
        As in `splits`.
    zeros : bool
        Whether a neuron that is nothing counts as a part of the largest with a share, which is so
        on sets where it can grow to be one.
    """
    groups = list(splits(weights, outputs, function, near))
    largest = max(abs(group.whole) for group in groups)
    nothing = near if zeros else _ZERO
    kept = [group for group in groups if abs(group.whole) > nothing * largest]
    lost = [group for group in groups if abs(group.whole) <= nothing * largest]
    idle = all(np.abs(group.parts).max() <= nothing * largest for group in lost)
    if lost and not zeros and (function.degree is not None or not idle):
        return None
    for group in lost:
        signs = np.where(outputs[list(group.neurons)] < 0.0, -1.0, 1.0)
        kept[0] = Split(
            neurons=(*kept[0].neurons, *group.neurons),
            signs=np.concatenate([kept[0].signs, np.ones(len(signs))]),
            parts=np.concatenate([kept[0].parts, signs * (_GROWN * largest if zeros else 0.0)]),
        )
    vectors, strengths = [], []
    for group in kept:
        vector = weights[group.neurons[0]]
        if function.degree is None:
            strengths.append(group.whole)
        else:
            strengths.append(np.sign(group.whole))
            length = float(np.linalg.norm(vector))
            vector = vector * (abs(group.whole) ** (1.0 / function.degree) / length)
        vectors.append(vector)
    return Merged(
        weights=np.array(vectors),
        outputs=np.array(strengths),
        groups=tuple(kept),
        function=function,
    )


def canonical_shares(shares: Array, stretch: float = 1.0) -> Array:
    """-1 for each negative share, and equal positive ones, so that they sum to 1.

    Parameters
    ----------
    shares : ndarray
        Of sum 1.
    stretch : float
        What negative shares are in place of -1, in size.

    Examples
    --------
    >>> import numpy as np
    >>> from landtopo.models.networks.splits import canonical_shares
    >>> canonical_shares(np.array([3.5, -2.5]))
    array([ 2., -1.])
    """
    negative, positive = shares < -_ZERO, shares > _ZERO
    equal = (1.0 + stretch * negative.sum()) / max(1, int(positive.sum()))
    return np.where(negative, -stretch, np.where(positive, equal, 0.0))
