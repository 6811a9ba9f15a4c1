"""Teachers and networks whose neurons have very different norms, and zero loss in many ways.

Established here: a grown neuron begins below the point it grows from; verify's second derivatives
are right beside small neurons and for small networks; zero-loss networks that differ by weights
along the same directions are one family of a graph.
"""

from __future__ import annotations

import numpy as np

from landtopo.landscape.catalogue import Catalogue
from landtopo.landscape.rungs import LineageOptions
from landtopo.models.networks.landscape.lineage import grown_neurons
from landtopo.models.networks.loss import PopulationLoss
from landtopo.models.networks.model import NetworkModel
from landtopo.models.networks.points.certificate import psi_min
from landtopo.models.networks.points.search import find_minima
from landtopo.models.networks.problem import Teacher, TeacherStudent
from landtopo.study.verification.quadrature import difference_hessian


def test_grown_neuron_lowers_the_loss() -> None:
    """The mean norm says nothing of how far psi decides: here it is 500 times the small neuron."""
    problem = TeacherStudent(Teacher.from_vectors(np.diag([1e-3, 1.0])), 2)
    minimum = find_minima(problem, starts=300).families[-1]
    assert minimum.loss > 1e-8
    directions = psi_min(problem, minimum.weights).directions
    starts = grown_neurons(problem, minimum.weights, directions, LineageOptions())
    wider = PopulationLoss(problem.with_width(3))
    assert starts
    assert all(float(wider.value(start)) < minimum.loss for start in starts)


def test_differences_beside_a_small_neuron_opposite_to_a_teacher() -> None:
    """The loss has no third derivative there, and what it jumps by grows with the inverse norm."""
    teacher = Teacher.from_vectors(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    weights = np.array([[1.6, 0.4], [0.4, 1.6], [-0.02, -0.02]])
    hessian = PopulationLoss(TeacherStudent(teacher, 3)).hessian(weights)
    # The step, 1e-7 of the norm, over the angle scale of the pair: 1e-7 * |v| / |w| * |H|.
    assert np.abs(difference_hessian(teacher, weights) - hessian).max() < 3e-5
    small = Teacher.from_vectors(teacher.vectors * 1e-3)
    assert np.abs(difference_hessian(small, weights * 1e-3) - hessian).max() < 3e-5


def test_zero_loss_networks_of_the_same_directions_are_one_family() -> None:
    """Three vectors that sum to zero: w_m = t v_m, w'_m = -(1 - t) v_m has zero loss for all t."""
    teacher = Teacher.equicorrelated(3, -0.5)
    catalogue = Catalogue(NetworkModel(TeacherStudent(teacher, 6)))
    copies = [
        catalogue.locate(
            np.vstack([t * teacher.vectors, (t - 1.0) * teacher.vectors]).ravel(), found_by="t"
        )
        for t in (0.3, 0.45, 0.8)
    ]
    assert [copy.family for copy in copies if copy is not None] == [0, 0, 0]
