"""landtopo: the exact topology of two-layer teacher-student loss landscapes.

Everything public is importable from here; modules are loaded when a name is first used, so that
`import landtopo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from landtopo._version import __version__

if TYPE_CHECKING:
    from landtopo import plot as plot
    from landtopo.errors import FileFormatError as FileFormatError
    from landtopo.errors import InvalidArgument as InvalidArgument
    from landtopo.errors import LandtopoError as LandtopoError
    from landtopo.errors import StudyError as StudyError
    from landtopo.export import read_graph as read_graph
    from landtopo.export import write_graph as write_graph
    from landtopo.export import write_sweep as write_sweep
    from landtopo.export.frame import show as show
    from landtopo.journal import Shard as Shard
    from landtopo.journal import ShardFinished as ShardFinished
    from landtopo.landscape.build import landscape_graph as landscape_graph
    from landtopo.landscape.comparison import compare_graphs as compare_graphs
    from landtopo.landscape.explore import ExploreOptions as ExploreOptions
    from landtopo.landscape.metrics import component_counts as component_counts
    from landtopo.landscape.metrics import components as components
    from landtopo.landscape.metrics import independent_cycles as independent_cycles
    from landtopo.landscape.metrics import minimax_matrix as minimax_matrix
    from landtopo.landscape.metrics import neighbourhood as neighbourhood
    from landtopo.landscape.tree import merge_tree as merge_tree
    from landtopo.landscape.tree import minimax_route as minimax_route
    from landtopo.models.connectivity import labelled_connectivity as labelled_connectivity
    from landtopo.models.connectivity import width_table as width_table
    from landtopo.models.critical_points import find_critical_points as find_critical_points
    from landtopo.models.functions import function_model as function_model
    from landtopo.models.networks.atlas.build import build_atlas as build_atlas
    from landtopo.models.networks.atlas.entries import AtlasEntry as AtlasEntry
    from landtopo.models.networks.blocks.family import BlockFamily as BlockFamily
    from landtopo.models.networks.blocks.family import block_family as block_family
    from landtopo.models.networks.constrained import constrained_model as constrained_model
    from landtopo.models.networks.constrained import constrained_models as constrained_models
    from landtopo.models.networks.dynamics.finite_rate import critical_rate as critical_rate
    from landtopo.models.networks.dynamics.finite_rate import follow_rate as follow_rate
    from landtopo.models.networks.dynamics.fixed_points import attraction as attraction
    from landtopo.models.networks.dynamics.fixed_points import is_attractive as is_attractive
    from landtopo.models.networks.dynamics.flow import flow_weights as flow_weights
    from landtopo.models.networks.dynamics.noise import noise_term as noise_term
    from landtopo.models.networks.dynamics.reachability import reachability as reachability
    from landtopo.models.networks.dynamics.sgd import run_sgd as run_sgd
    from landtopo.models.networks.dynamics.statistics_flow import flow_statistics as flow_statistics
    from landtopo.models.networks.dynamics.students import flow_students as flow_students
    from landtopo.models.networks.flat import flat_directions as flat_directions
    from landtopo.models.networks.landscape.across_models import compare_models as compare_models
    from landtopo.models.networks.loss import PopulationLoss as PopulationLoss
    from landtopo.models.networks.paths.connect import ConnectOptions as ConnectOptions
    from landtopo.models.networks.paths.connect import connect as connect
    from landtopo.models.networks.points.certificate import psi_min as psi_min
    from landtopo.models.networks.points.classify import classify as classify
    from landtopo.models.networks.points.corners import find_corners as find_corners
    from landtopo.models.networks.points.identify import identify as identify
    from landtopo.models.networks.points.identify import (
        in_teacher_coordinates as in_teacher_coordinates,
    )
    from landtopo.models.networks.points.reading import read_point as read_point
    from landtopo.models.networks.points.saddles import find_saddles as find_saddles
    from landtopo.models.networks.points.search import find_minima as find_minima
    from landtopo.models.networks.problem import Teacher as Teacher
    from landtopo.models.networks.problem import TeacherStudent as TeacherStudent
    from landtopo.models.networks.statistics import SummaryStatistics as SummaryStatistics
    from landtopo.models.networks.statistics import flow_field as flow_field
    from landtopo.models.networks.statistics import flow_jacobian as flow_jacobian
    from landtopo.models.networks.statistics import summary_statistics as summary_statistics
    from landtopo.models.networks.statistics import (
        weights_from_statistics as weights_from_statistics,
    )
    from landtopo.models.networks.sweeps.curve import TeacherCurve as TeacherCurve
    from landtopo.models.networks.sweeps.result import SweepResult as SweepResult
    from landtopo.models.networks.sweeps.sweep import sweep as sweep
    from landtopo.models.networks.symmetric.search import SymmetrySearch as SymmetrySearch
    from landtopo.models.networks.symmetric.search import symmetry_search as symmetry_search
    from landtopo.models.networks.symmetry import isotropy as isotropy
    from landtopo.models.networks.symmetry import teacher_automorphisms as teacher_automorphisms
    from landtopo.models.networks.trained import trained_model as trained_model
    from landtopo.models.networks.trained import trained_models as trained_models
    from landtopo.models.parameter import ParameterModels as ParameterModels
    from landtopo.models.parameter import parameter_models as parameter_models
    from landtopo.models.population import compare_with_population as compare_with_population
    from landtopo.models.proposed import ProposedSymmetry as ProposedSymmetry
    from landtopo.models.proposed import propose_symmetry as propose_symmetry
    from landtopo.models.samples import gaussian_samples as gaussian_samples
    from landtopo.models.samples import sample_model as sample_model
    from landtopo.objective import Objective as Objective
    from landtopo.objective import SmoothFunction as SmoothFunction
    from landtopo.points.coverage import binomial_interval as binomial_interval
    from landtopo.points.records import CriticalPoint as CriticalPoint
    from landtopo.points.records import Family as Family
    from landtopo.proofs.certificate_file import prove_point as prove_point
    from landtopo.proofs.certification import Certificate as Certificate
    from landtopo.proofs.certification import certify as certify
    from landtopo.proofs.complete import CompleteList as CompleteList
    from landtopo.proofs.complete import complete_list as complete_list
    from landtopo.proofs.connection_file import prove_connection as prove_connection
    from landtopo.proofs.theorem import TheoremList as TheoremList
    from landtopo.proofs.theorem import TheoremPoint as TheoremPoint
    from landtopo.proofs.theorem import theorem_list as theorem_list
    from landtopo.study import Study as Study
    from landtopo.study.merge import merge_studies as merge_studies
    from landtopo.study.verification import verify as verify

_HOMES = {
    "AtlasEntry": "models.networks.atlas.entries",
    "BlockFamily": "models.networks.blocks.family",
    "Certificate": "proofs.certification",
    "CompleteList": "proofs.complete",
    "ConnectOptions": "models.networks.paths.connect",
    "CriticalPoint": "points.records",
    "ExploreOptions": "landscape.explore",
    "Family": "points.records",
    "FileFormatError": "errors",
    "InvalidArgument": "errors",
    "LandtopoError": "errors",
    "Objective": "objective",
    "ParameterModels": "models.parameter",
    "PopulationLoss": "models.networks.loss",
    "Shard": "journal",
    "ShardFinished": "journal",
    "SmoothFunction": "objective",
    "Study": "study",
    "StudyError": "errors",
    "ProposedSymmetry": "models.proposed",
    "SummaryStatistics": "models.networks.statistics",
    "SweepResult": "models.networks.sweeps.result",
    "SymmetrySearch": "models.networks.symmetric.search",
    "Teacher": "models.networks.problem",
    "TeacherCurve": "models.networks.sweeps.curve",
    "TeacherStudent": "models.networks.problem",
    "TheoremList": "proofs.theorem",
    "TheoremPoint": "proofs.theorem",
    "attraction": "models.networks.dynamics.fixed_points",
    "binomial_interval": "points.coverage",
    "block_family": "models.networks.blocks.family",
    "build_atlas": "models.networks.atlas.build",
    "certify": "proofs.certification",
    "classify": "models.networks.points.classify",
    "compare_graphs": "landscape.comparison",
    "compare_models": "models.networks.landscape.across_models",
    "compare_with_population": "models.population",
    "complete_list": "proofs.complete",
    "component_counts": "landscape.metrics",
    "components": "landscape.metrics",
    "connect": "models.networks.paths.connect",
    "critical_rate": "models.networks.dynamics.finite_rate",
    "find_corners": "models.networks.points.corners",
    "find_critical_points": "models.critical_points",
    "find_minima": "models.networks.points.search",
    "find_saddles": "models.networks.points.saddles",
    "flat_directions": "models.networks.flat",
    "flow_field": "models.networks.statistics",
    "flow_jacobian": "models.networks.statistics",
    "flow_statistics": "models.networks.dynamics.statistics_flow",
    "flow_students": "models.networks.dynamics.students",
    "flow_weights": "models.networks.dynamics.flow",
    "follow_rate": "models.networks.dynamics.finite_rate",
    "gaussian_samples": "models.samples",
    "identify": "models.networks.points.identify",
    "in_teacher_coordinates": "models.networks.points.identify",
    "constrained_model": "models.networks.constrained",
    "constrained_models": "models.networks.constrained",
    "function_model": "models.functions",
    "independent_cycles": "landscape.metrics",
    "is_attractive": "models.networks.dynamics.fixed_points",
    "isotropy": "models.networks.symmetry",
    "labelled_connectivity": "models.connectivity",
    "landscape_graph": "landscape.build",
    "merge_studies": "study.merge",
    "merge_tree": "landscape.tree",
    "minimax_matrix": "landscape.metrics",
    "minimax_route": "landscape.tree",
    "neighbourhood": "landscape.metrics",
    "noise_term": "models.networks.dynamics.noise",
    "plot": "plot",
    "propose_symmetry": "models.proposed",
    "prove_connection": "proofs.connection_file",
    "prove_point": "proofs.certificate_file",
    "parameter_models": "models.parameter",
    "psi_min": "models.networks.points.certificate",
    "reachability": "models.networks.dynamics.reachability",
    "read_graph": "export",
    "read_point": "models.networks.points.reading",
    "run_sgd": "models.networks.dynamics.sgd",
    "sample_model": "models.samples",
    "show": "export.frame",
    "summary_statistics": "models.networks.statistics",
    "sweep": "models.networks.sweeps.sweep",
    "symmetry_search": "models.networks.symmetric.search",
    "teacher_automorphisms": "models.networks.symmetry",
    "theorem_list": "proofs.theorem",
    "trained_model": "models.networks.trained",
    "trained_models": "models.networks.trained",
    "verify": "study.verification",
    "weights_from_statistics": "models.networks.statistics",
    "width_table": "models.connectivity",
    "write_graph": "export",
    "write_sweep": "export",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'landtopo' has no attribute {name!r}")
    home = import_module(f"landtopo.{_HOMES[name]}")
    return home if name == "plot" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
