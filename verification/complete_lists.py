"""Two neurons and two teacher vectors of one length: complete lists, all but the teacher saddles.

    python verification/complete_lists.py [FILE [FIRST LAST]]

For each angle of FIRST to LAST (1 to 179) degrees in d = 2 and in d = 3, which holds for all larger
d, and then for the widest of some intervals around each angle. FILE keeps a line for each list, and
the same command goes on where it was; at the end it says what is proved, what is not, and with how
much of all directions left.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import landtopo as lt

# Half widths in degrees; the first that is proved is the last that is tried.
INTERVALS = (0.02, 0.005, 0.001)


def tasks(first: int, last: int) -> Iterator[tuple[int, int, float]]:
    """Angle, dimension and half width, in degrees."""
    for within in (0.0, *INTERVALS):
        for degrees in range(first, last + 1):
            yield from ((degrees, dim, within) for dim in ((2, 3) if within == 0 else (3,)))


def proved(degrees: float, dim: int, within: float) -> dict[str, Any]:
    """One list, and whether it says that all but the teacher are saddles."""
    began = time.process_time()
    angle = np.deg2rad(degrees)
    teacher = lt.Teacher.from_vectors([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])
    problem = lt.TeacherStudent(teacher, width=2, dim=dim)
    found = lt.complete_list(problem, within=float(np.deg2rad(within)))
    others = [one for one in found.points if one.description != "the teacher itself"]
    alone = len(others) == len(found.points) - 1
    return {
        "degrees": degrees,
        "dim": dim,
        "within": within,
        "proved": found.complete and alone and all(str(one.kind) == "saddle" for one in others),
        "saddles": len(others),
        "undecided": found.volume,
        "boxes": found.boxes,
        "seconds": round(time.process_time() - began, 1),
    }


def main(file: Path, first: int, last: int) -> int:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    # A line that a kill cut off is made again.
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    known = {(one["degrees"], one["dim"], one["within"]): one for one in whole}
    done = set()
    with file.open("a", encoding="utf-8") as out:
        out.write("\n" if lines and len(lines) > len(whole) else "")
        for task in tasks(first, last):
            degrees, within = task[0], task[2]
            if within and degrees in done:
                continue
            if task not in known:
                known[task] = proved(*task)
                out.write(json.dumps(known[task]) + "\n")
                out.flush()
            print(known[task], flush=True)
            if within and known[task]["proved"]:
                done.add(degrees)
    exact = [known[task] for task in tasks(first, last) if task[2] == 0]
    open_ = [one for one in exact if not one["proved"]]
    for one in open_:
        print(
            f"Not proved: {one['degrees']} degrees, d = {one['dim']}, {one['undecided']:.2g} left."
        )
    wide = sum(
        2 * max(w for w in INTERVALS if known.get((a, 3, w), {}).get("proved")) for a in done
    )
    print(f"{len(exact) - len(open_)} of {len(exact)} lists are complete and have saddles alone; ")
    print(f"with intervals around {len(done)} angles, {wide:.3g} degrees wide together.")
    return int(bool(open_))


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default="results/complete-lists.jsonl")
    parser.add_argument("first", nargs="?", type=int, default=1)
    parser.add_argument("last", nargs="?", type=int, default=179)
    given = parser.parse_args()
    sys.exit(main(given.file, given.first, given.last))
