"""The lowest pass of six neurons, K = M = 6, with a certificate of what it joins.

    python verification/descents_of_six.py [FILE]

The spurious minimum with one anti-aligned neuron, L = 0.0250806, and the global minimum are joined
by a saddle that is only 1.2e-5 higher. landtopo writes tubes around both of its descents, and
`check_connections.py`, which knows nothing of landtopo, has the last word.
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


def main(file: Path) -> int:
    problem = lt.TeacherStudent(lt.Teacher.orthonormal(6), width=6)
    found = lt.prove_connection(problem, SADDLE)
    print(found.status.value, found.frusta, flush=True)
    if found.record is None:
        return 1
    file.parent.mkdir(parents=True, exist_ok=True)
    found.write(file)
    return check_connections.main([str(file)])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/descents-of-six.json")))
