"""The string method: images follow the gradient across the chain and are spread evenly along it.

The simplified string of E, Ren, Vanden-Eijnden (J. Chem. Phys. 126, 164103 (2007)): no springs and
no uphill tangents; after every move the images are put back at equal distances. The growing string
(Peters, Heyden, Bell, Chakraborty, ibid. 120, 7877 (2004)) begins with a few images at each end
and adds one on each side whenever its frontier is relaxed, so that no image starts high on a bad
first guess.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from landtopo.objective import Array
from landtopo.paths.chain import Chain, Metric, evenly_spaced, spread
from landtopo.paths.optimiser import StepRule
from landtopo.shown import Brief

__all__ = ["StringMethod"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StringMethod(Brief):
    """A string, as a rule for `chain.relax` and `chain.step`.

    Attributes
    ----------
    images : int
        Number of images with the ends, when the string is complete.
    growing : bool
        Whether it starts with two images at each end.
    grow_below : float
        Force on a frontier image below which a new one is added beyond it.
    tolerance : float
        Largest force on an image at which the string counts as relaxed.
    relative_tolerance : float
        The same in units of sqrt(2 h), h the height of the chain above its lower end; the larger
        of both applies.
    max_steps : int
    step_rule : StepRule
    """

    images: int = 15
    growing: bool = False
    grow_below: float = 0.1
    tolerance: float = 1e-3
    relative_tolerance: float = 0.0
    max_steps: int = 500
    step_rule: StepRule = field(default_factory=StepRule)

    def start_images(self, images: Array, metric: Metric) -> Array:
        """Images at equal distances; of a growing string only two at each end."""
        full = spread(images, self.images, metric)
        if not self.growing or self.images < 6:
            return full
        return np.vstack([full[:2], full[-2:]])

    def place(self, images: Array) -> Array:
        """Put the images back at equal distances, on each side of a gap separately."""
        count = images.shape[0]
        if self.complete(count):
            return evenly_spaced(images, count)
        half = count // 2
        return np.vstack([evenly_spaced(images[:half], half), evenly_spaced(images[half:], half)])

    def complete(self, count: int) -> bool:
        """Whether no image is missing in the middle."""
        return not self.growing or count >= self.images

    def climbs(self, residual: float) -> bool:
        """Images of a string never climb."""
        return False

    def force(self, images: Array, values: Array, gradients: Array, climbing: bool) -> Array:
        """The gradient across the string, reversed."""
        along = images[2:] - images[:-2]
        half = images.shape[0] // 2
        if not self.complete(images.shape[0]):
            # A frontier image has a neighbour on one side only.
            along[half - 2] = images[half - 1] - images[half - 2]
            along[half - 1] = images[half + 1] - images[half]
        norm = np.linalg.norm(along, axis=1)
        along = along / np.where(norm > 0, norm, 1.0)[:, None]
        inner = gradients[1:-1]
        return np.asarray(np.einsum("ij,ij->i", inner, along)[:, None] * along - inner)

    def tidy(self, chain: Chain) -> Array | None:
        """Let the string grow on both sides when both frontiers are relaxed."""
        count = chain.images.shape[0]
        half = count // 2
        if (
            self.complete(count)
            or np.linalg.norm(chain.force, axis=1)[half - 2 : half].max() > self.grow_below
        ):
            return None
        y = chain.places
        missing = self.images - count
        gap = (y[half] - y[half - 1]) / (missing + 1)
        added = [y[half - 1] + gap] if missing == 1 else [y[half - 1] + gap, y[half] - gap]
        grown = np.vstack([y[:half], *added, y[half:]])
        if self.complete(grown.shape[0]):
            grown = evenly_spaced(grown, self.images)
        return chain.metric.back(grown)
