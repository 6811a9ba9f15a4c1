"""The theorem of Safran and Shamir, with certificates: local minima that are not global.

    python verification/spurious_minima.py [FOLDER]

For an orthonormal teacher of k vectors and as many students, 6 <= k <= 20, and for one student more
and k = 8, 10, 11, .., 19 (Theorem 1 of Safran and Shamir, 2018; k = 9, which it leaves out, too), a
strict local minimum of positive loss is proved for inputs of all dimensions. One neuron is
anti-aligned with its teacher vector; where there is one student more, it is opposed to the same
vector. landtopo writes a certificate of each, and the checker, which knows nothing of landtopo, has
the last word.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from pathlib import Path

import check_certificates
from flint import ctx

import landtopo as lt

CASES = [(size, None) for size in range(6, 21)] + [(size, "opposed") for size in range(8, 20)]


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    began, failed = time.process_time(), 0
    for size, extra in CASES:
        weights = lt.block_family(1, size=size, extra=extra).weights()
        problem = lt.TeacherStudent(lt.Teacher.orthonormal(size), width=len(weights))
        proof = lt.prove_point(problem, weights)
        told = proof.status.value
        if proof.record is not None:
            proof.write(folder / f"k{size}-n{len(weights)}.json")
            with ctx.workprec(check_certificates.BITS):
                point = check_certificates.Point(proof.record)
            spurious = point.kind == "minimum" and Fraction(proof.record["loss"][0]) > 0
            failed += not spurious
            told = f"{'spurious ' if spurious else ''}{point.told}"
        else:
            failed += 1
        print(f"k = {size}, n = {len(weights)}: {told}", flush=True)
    print(f"{len(CASES) - failed} of {len(CASES)} proved in {time.process_time() - began:.0f} s.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "results/spurious-minima")))
