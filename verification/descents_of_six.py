"""The lowest pass of six neurons, K = M = 6, with a certificate of what it joins.

    python verification/descents_of_six.py [--lower-saddle] [FILE]

The spurious minimum with one anti-aligned neuron, L = 0.0250806, and the global minimum are joined
by a saddle that is only 1.2e-5 higher. landtopo writes tubes around both of its descents, and
`check_connections.py`, which knows nothing of landtopo, has the last word.

With --lower-saddle it is the pass of loss 0.0557029: one of its descents ends in a saddle of index
6, as a symmetry of both demands.
"""

from __future__ import annotations

import sys
from pathlib import Path

import check_connections
import numpy as np

import landtopo as lt

# Four digits; a certificate is made of what Newton's method makes of them.
SADDLE = np.full((6, 6), -0.0443)
np.fill_diagonal(SADDLE, 0.9936)
SADDLE[1:5, 0], SADDLE[1:5, 5] = -0.0572, 0.2885
SADDLE[0] = [0.2884, 0.2098, 0.2098, 0.2098, 0.2098, -0.5989]
SADDLE[5] = [0.9519, -0.0614, -0.0614, -0.0614, -0.0614, 0.3846]

LOWER = np.full((6, 6), 0.3307)
LOWER[[2, 3, 4, 5], [1, 2, 3, 4]] = -0.6618
LOWER[2:, 0], LOWER[2:, 5] = 0.2816, 0.3692
LOWER[0] = [0.5087, 0.2858, 0.2858, 0.2858, 0.2858, -0.6413]
LOWER[1] = [-0.6428, 0.3738, 0.3738, 0.3738, 0.3738, 0.1574]


def main(saddle: np.ndarray, file: Path) -> int:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(6), width=6)
    found = lt.prove_connection(problem, saddle)
    print(found.status.value, found.frusta, flush=True)
    if found.record is None:
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    found.write(file)
    return check_connections.main([str(file)])


if __name__ == "__main__":
    files = [one for one in sys.argv[1:] if one != "--lower-saddle"]
    place = Path(files[0] if files else "results/descents-of-six.json")
    sys.exit(main(LOWER if "--lower-saddle" in sys.argv else SADDLE, place))
