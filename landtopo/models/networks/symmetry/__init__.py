"""The group S_K x Aut(T): canonical forms, isotropy, orbit sizes and equivalences of points."""

from landtopo.models.networks.symmetry.blocks import BlockPattern, BlockValue, block_pattern
from landtopo.models.networks.symmetry.canonical import CanonicalForm, canonical_form
from landtopo.models.networks.symmetry.copies import ClosestCopy, closest_copy
from landtopo.models.networks.symmetry.frame import (
    both_signs,
    function_automorphisms,
    mirror_images,
    on_frame,
    point_graph,
    symmetry_frame,
)
from landtopo.models.networks.symmetry.graph import PointGraph
from landtopo.models.networks.symmetry.group_names import GroupFactor, name_group
from landtopo.models.networks.symmetry.matching import (
    EquivalenceClasses,
    GraphMark,
    Reference,
    equivalence,
    equivalence_classes,
    invariants,
)
from landtopo.models.networks.symmetry.point_groups import (
    Isotropy,
    TeacherAutomorphisms,
    isotropy,
    orbit_size,
    teacher_automorphisms,
)
from landtopo.models.networks.symmetry.relabelling import Relabelling, teacher_rotation
from landtopo.models.networks.symmetry.relative import relative_relabellings
from landtopo.symmetry.groups import PermutationGroup
from landtopo.symmetry.permutations import (
    compose,
    cycle_type,
    cycles,
    format_cycles,
    identity,
    inverse,
    is_even,
    parse_cycles,
)

__all__ = [
    "BlockPattern",
    "BlockValue",
    "CanonicalForm",
    "ClosestCopy",
    "EquivalenceClasses",
    "GraphMark",
    "GroupFactor",
    "Isotropy",
    "PermutationGroup",
    "PointGraph",
    "Reference",
    "Relabelling",
    "TeacherAutomorphisms",
    "block_pattern",
    "both_signs",
    "canonical_form",
    "closest_copy",
    "compose",
    "cycle_type",
    "cycles",
    "equivalence",
    "equivalence_classes",
    "format_cycles",
    "function_automorphisms",
    "identity",
    "invariants",
    "inverse",
    "is_even",
    "isotropy",
    "mirror_images",
    "name_group",
    "on_frame",
    "orbit_size",
    "parse_cycles",
    "point_graph",
    "relative_relabellings",
    "symmetry_frame",
    "teacher_automorphisms",
    "teacher_rotation",
]
