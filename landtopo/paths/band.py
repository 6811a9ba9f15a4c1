"""The nudged elastic band.

Images feel the part of -grad that is perpendicular to the chain, and springs along it. The tangent
is the one towards the higher neighbour, weighted at extrema (Henkelman, Jonsson, J. Chem. Phys.
113, 9978 (2000)); the climbing image feels no spring and the gradient reversed along the chain
(Henkelman, Uberuaga, Jonsson, ibid. 9901); the doubly nudged band keeps the part of the
perpendicular spring force that does not fight the gradient (Trygubenko, Wales, ibid. 120, 2082
(2004)). Images are added where the chain is badly resolved near its top and removed where it is
resolved too well (in the spirit of Kolsbjerg, Groves, Hammer, ibid. 145, 094107 (2016)).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from landtopo.kernels.band import nudged_force
from landtopo.objective import Array
from landtopo.paths.chain import Chain, Metric, lengths, spread
from landtopo.paths.optimiser import StepRule
from landtopo.shown import Brief

__all__ = ["ElasticBand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticBand(Brief):
    """A nudged elastic band, as a rule for `chain.relax` and `chain.step`.

    Attributes
    ----------
    images : int or None
        Number of images with the ends; None keeps those of the first guess.
    springs : {"even", "energy"}
        Even springs space the images evenly; energy-weighted ones are up to `stiffest` times
        stiffer at the top of the chain, where images then crowd.
    spring : float
        Spring constant, in the coordinates of the metric.
    stiffest : float
        Ratio of the stiffest to the softest spring when they are weighted.
    climbing : bool
        Whether the highest inner image climbs, once the residual is below `climb_below`.
    climb_below : float
    doubly_nudged : bool
    adapt_every : int
        Images are added and removed every so many steps; 0 for never.
    most_images : int
        Limit for adding.
    tolerance : float
        Largest force on an image at which the band counts as relaxed.
    relative_tolerance : float
        The same in units of sqrt(2 h), h the height of the chain above its lower end; the larger
        of both applies.
    max_steps : int
    step_rule : StepRule
    """

    images: int | None = None
    springs: Literal["even", "energy"] = "even"
    spring: float = 1.0
    stiffest: float = 5.0
    climbing: bool = True
    climb_below: float = 0.1
    doubly_nudged: bool = False
    adapt_every: int = 0
    most_images: int = 60
    tolerance: float = 1e-3
    relative_tolerance: float = 0.0
    max_steps: int = 500
    step_rule: StepRule = field(default_factory=StepRule)

    def start_images(self, images: Array, metric: Metric) -> Array:
        """Spread the first guess evenly over the wanted number of images."""
        if self.images is None or self.images == images.shape[0]:
            return images
        return spread(images, self.images, metric)

    def place(self, images: Array) -> Array:
        """Images stay where the force moved them."""
        return images

    def complete(self, count: int) -> bool:
        """No image of a band is ever missing."""
        return True

    def climbs(self, residual: float) -> bool:
        """Whether the band is relaxed enough for its highest image to climb."""
        return self.climbing and residual < self.climb_below

    def force(self, images: Array, values: Array, gradients: Array, climbing: bool) -> Array:
        """Nudged force on the inner images."""
        stiffness = self._stiffness(values)
        force, along, across, slope = nudged_force(images, values, gradients, stiffness)
        if self.doubly_nudged:
            pieces = np.diff(images, axis=0)
            spring = stiffness[1:, None] * pieces[1:] - stiffness[:-1, None] * pieces[:-1]
            spring -= np.einsum("ij,ij->i", spring, along)[:, None] * along
            size = np.einsum("ij,ij->i", across, across)
            share = np.divide(
                np.einsum("ij,ij->i", spring, across), size, out=np.zeros_like(size), where=size > 0
            )
            force += spring - share[:, None] * across
        if climbing:
            top = int(np.argmax(values[1:-1]))
            if values[top + 1] > max(values[0], values[-1]):
                force[top] = across[top] + slope[top] * along[top]
        return np.asarray(force)

    def tidy(self, chain: Chain) -> Array | None:
        """Add an image beside the top where the chain bends in value, remove idle ones."""
        if not self.adapt_every or chain.iteration % self.adapt_every:
            return None
        y = chain.places
        length = lengths(y)
        mean = float(length.mean())
        values = chain.values
        count = y.shape[0]
        height = float(values.max() - values.min())
        if height <= 0:
            return None
        # A cubic through values and slopes differs from the straight chord by about this much.
        pieces = np.diff(y, axis=0)
        gradients = chain.metric.slopes(chain.gradients)
        left = np.einsum("ij,ij->i", gradients[:-1], pieces)
        right = np.einsum("ij,ij->i", gradients[1:], pieces)
        bulge = np.abs(left - right) / 8.0
        weight = (
            bulge / height * (0.2 + (np.maximum(values[:-1], values[1:]) - values.min()) / height)
        )
        images = list(chain.images)
        worst = int(np.argmax(weight))
        changed = False
        if count < self.most_images and weight[worst] > 0.02 and length[worst] > 0.2 * mean:
            images.insert(worst + 1, 0.5 * (chain.images[worst] + chain.images[worst + 1]))
            changed = True
        idle = weight[1:] + weight[:-1]
        least = int(np.argmin(idle))
        close = length[least] + length[least + 1] < mean
        if count > 5 and idle[least] < 1e-3 and close and abs(least - worst) > 1:
            del images[least + 1 + (1 if changed and worst < least else 0)]
            changed = True
        return np.array(images) if changed else None

    def _stiffness(self, values: Array) -> Array:
        """Spring constants of the pieces, shape (n - 1,)."""
        if self.springs == "even":
            return np.full(values.size - 1, self.spring)
        higher = np.maximum(values[:-1], values[1:])
        floor = max(float(values[0]), float(values[-1]))
        span = float(higher.max()) - floor
        if span <= 0:
            return np.full(values.size - 1, self.spring)
        share = np.clip((higher - floor) / span, 0.0, 1.0)
        return np.asarray(self.spring * (1.0 + (self.stiffest - 1.0) * share) / self.stiffest)
