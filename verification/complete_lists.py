"""Two neurons and two teacher vectors of one length, d = 2, at each angle of 1 to 179 degrees.

    python verification/complete_lists.py

The list of critical points with neurons that are not zero is complete at each of these angles, and
all of them but the teacher itself are saddles.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import landtopo as lt


def main() -> int:
    began, open_ = time.process_time(), []
    counts: dict[int, list[int]] = {}
    for degrees in range(1, 180):
        angle = np.deg2rad(degrees)
        teacher = lt.Teacher.from_vectors([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
        found = lt.complete_list(lt.TeacherStudent(teacher, width=2, dim=2))
        first, *others = found.points
        proved = (
            found.complete
            and first.description == "the teacher itself"
            and all(str(point.kind) == "saddle" for point in others)
        )
        if not proved:
            open_.append(degrees)
        counts.setdefault(len(others), []).append(degrees)
    for saddles, angles in sorted(counts.items()):
        print(f"{saddles} families of saddles: {angles[0]} to {angles[-1]} degrees")
    print(f"Not proved: {open_ or 'none'}; {time.process_time() - began:.0f} s.")
    return int(bool(open_))


if __name__ == "__main__":
    sys.exit(main())
