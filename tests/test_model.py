"""What a model is: the null objects of a function of which nothing else is known."""

from __future__ import annotations

import numpy as np

from landtopo.model import Smooth, Strata, Symmetry, Trivial


def test_without_symmetry_a_point_has_no_copy_but_itself() -> None:
    symmetry: Symmetry = Trivial(tolerance=1e-6)
    x = np.array([3.0, 4.0])
    # 1 + |x| = 6: the same up to 6e-6.
    assert symmetry.match(x + np.array([4e-6, 0.0]), x) == ()
    assert symmetry.match(x + np.array([8e-6, 0.0]), x) is None
    assert symmetry.match(x, np.array([3.0, 4.0, 0.0])) is None
    assert symmetry.act((), x) is x
    assert symmetry.closest_copy(x, -x) is x
    assert symmetry.distance(x, np.zeros(2)) == 5.0


def test_where_nothing_is_known_descents_are_followed_to_their_end() -> None:
    strata: Strata = Smooth()
    x = np.zeros(2)
    assert strata.settle(x) is None
    assert strata.flat_path(x, x) is None
