"""What counts as zero, parallel and tied of neurons: one number for each question, and why it.

Lengths are relative to the teacher's longest vector or to the longest neuron; `landtopo.tolerances`
has what is asked of any landscape.
"""

from __future__ import annotations

__all__ = ["OUTSIDE", "PARALLEL", "SAME_TEACHER", "TIED_OVERLAPS", "ZERO_NEURON"]

#: A neuron as short as this is zero: Newton's method leaves 1e-13 of one, and no Hessian there
#: means anything.
ZERO_NEURON = 1e-7
#: Neurons at such an angle are parallel: the gradient is quadratic in it, so that |grad| <= 1e-12
#: leaves angles near 1e-6.
PARALLEL = 1e-5
#: A component of this size outside the teacher's span is none.
OUTSIDE = 1e-8
#: Digits up to which overlaps are looked at when neurons are put in order.
TIED_OVERLAPS = 6
#: Gram matrices of one teacher differ between machines by rounding.
SAME_TEACHER = 1e-12
