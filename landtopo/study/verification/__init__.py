"""Recompute what a study says, each number and each word by another route than the search's.

Every stored record (`stored.py`) meets the checkers that cover its kind (`checkers.py`). They work
from the weights and the teacher's vectors alone: quadrature and differences for losses, gradients
and spectra (`evidence.py`), a standard integrator for flows (`descents.py`), trial of renumberings
for symmetries (`labelled.py`). Words are made from the numbers that were recomputed.
What is finished is kept in a file beside the study (`pieces.py`) until all is.
"""

from landtopo.study.verification.checks import Check
from landtopo.study.verification.evidence import Memory
from landtopo.study.verification.known import Known
from landtopo.study.verification.pieces import Pieces
from landtopo.study.verification.run import checks_of, form_only, uncovered, verify
from landtopo.study.verification.stored import Record, records_of, stored_fields

__all__ = [
    "Check",
    "Known",
    "Memory",
    "Pieces",
    "Record",
    "checks_of",
    "form_only",
    "records_of",
    "stored_fields",
    "uncovered",
    "verify",
]
