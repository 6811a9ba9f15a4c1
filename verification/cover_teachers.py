"""Two neurons and two teacher vectors of one length: intervals of teachers, end to end.

    python verification/cover_teachers.py [--dim 2|3] [FILE [FIRST LAST]]

From FIRST to LAST (1 to 179) degrees, in d = 2 or in d = 3, which holds for all larger d: complete
lists, in which all but the teacher are saddles, for all angles in pieces of a tenth of a degree at
most. A piece that is not proved is tried again with half the width, down to two thousandths, and
after some in a row that are proved the next has twice their width. FILE keeps a line for each
piece, and the same command goes on where it was; at the end it says which part of all angles is
covered.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from complete_lists import proved

# In thousandths of a degree.
WIDEST, NARROWEST = 100, 2
# Pieces that are proved before a wider one is tried: those that fail take longest.
PATIENCE = 5


def pieces(file: Path, dim: int, first: int, last: int) -> Iterator[dict[str, Any]]:
    """What was shown for each piece that was tried, from the file or anew, in order."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    # A line that a kill cut off is made again.
    whole = [json.loads(line) for line in lines if line.endswith("}")]
    known = {(one["dim"], *one["piece"]): one for one in whole}
    low, end, width, row = 1000 * first, 1000 * last, WIDEST, 0
    with file.open("a", encoding="utf-8") as out:
        out.write("\n" if len(lines) > len(whole) else "")
        while low < end:
            high = min(low + width, end)
            if (dim, low, high) not in known:
                # Ends are rounded to doubles; the search has more room than that.
                answer = proved((low + high) / 2000, dim, (high - low) / 2000)
                known[dim, low, high] = {"piece": [low, high], **answer}
                out.write(json.dumps(known[dim, low, high]) + "\n")
                out.flush()
            one = known[dim, low, high]
            yield one
            if one["proved"] or high - low <= NARROWEST:
                low = high
            row = row + 1 if one["proved"] else 0
            if not one["proved"]:
                width = max(width // 2, NARROWEST)
            elif row % PATIENCE == 0:
                width = min(2 * width, WIDEST)


def main(file: Path, dim: int, first: int, last: int) -> int:
    """Go through all pieces; 1 where one is open."""
    covered, seconds, tried = 0, 0.0, 0
    for one in pieces(file, dim, first, last):
        low, high = one["piece"]
        tried, seconds = tried + 1, seconds + one["seconds"]
        covered += (high - low) * one["proved"]
        if not one["proved"] and high - low <= NARROWEST:
            print(f"Not proved: {low / 1000} to {high / 1000} degrees.", flush=True)
    part = covered / (1000 * (last - first))
    dims = "d = 2" if dim == 2 else "d >= 3"
    print(f"{dims}: {part:.4%} of {first} to {last} degrees are covered,")
    print(f"{tried} pieces were tried in {seconds:.0f} s of processor time.")
    return int(covered < 1000 * (last - first))


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, choices=(2, 3), default=2)
    parser.add_argument("file", nargs="?", type=Path, default="results/cover-teachers.jsonl")
    parser.add_argument("first", nargs="?", type=int, default=1)
    parser.add_argument("last", nargs="?", type=int, default=179)
    given = parser.parse_args()
    sys.exit(main(given.file, given.dim, given.first, given.last))
