"""Published numbers, recomputed: one page with a verdict for each.

    python verification/paper.py                    all of them
    python verification/paper.py --only spurious    those whose names begin so

What was found is kept, a file a claim, in results/paper/; a second call goes on where the first
was, and computes again what was found by another version of landtopo or of the claim's module. The
page is results/paper/index.html.
"""

from __future__ import annotations

import hashlib
import html
import importlib
import json
import os
import pkgutil
import time
from dataclasses import asdict
from pathlib import Path

import claims
import click
from claims import OPEN, Claim, Finding

import landtopo as lt
from landtopo.wording import counted

ROOT = Path(__file__).resolve().parent.parent
HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Published numbers, recomputed</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem;
  padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem;
  border-bottom: 1px solid #ddd; }
.scroll { overflow-x: auto; }
code { font-size: .85em; }
.agrees { color: #06623b; } .disagrees { color: #a01818; font-weight: 600; } .open { color: #666; }
</style></head><body>
"""


def all_claims() -> list[Claim]:
    """The claims of all modules of the folder, by module."""
    found: list[Claim] = []
    for module in sorted(pkgutil.iter_modules(claims.__path__), key=lambda one: one.name):
        found += importlib.import_module(f"claims.{module.name}").CLAIMS
    return found


def stamp(claim: Claim) -> str:
    """What a finding depends on besides the claim: the version, and the source that made it."""
    function = getattr(claim.find, "func", claim.find)
    source = Path(function.__code__.co_filename).read_bytes()
    text = f"{lt.__version__}/{claim.name}/{claim.published}/{hashlib.sha256(source).hexdigest()}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def found_before(file: Path, claim: Claim) -> tuple[Finding, float] | None:
    """What is kept of a claim, if it is still of today."""
    try:
        kept = json.loads(file.read_text())
        if kept.pop("stamp") != stamp(claim):
            return None
        seconds = float(kept.pop("seconds"))
        return Finding(**kept), seconds
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(file: Path, claim: Claim, finding: Finding, seconds: float) -> None:
    """Write a finding so that a kill leaves the old file or the new one."""
    record = {**asdict(finding), "seconds": seconds, "stamp": stamp(claim)}
    draft = file.with_suffix(".part")
    with draft.open("w") as stream:
        json.dump(record, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def page(rows: list[tuple[Claim, Finding, float]]) -> str:
    """The table, as a page that needs nothing else."""
    counts: dict[str, int] = {}
    for _, finding, _ in rows:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    told = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    lines = [
        HEAD,
        "<h1>Published numbers, recomputed</h1>",
        f"<p>landtopo {lt.__version__}: {counted(len(rows), 'claim', 'claims')}, {told}. "
        "Shares are compared as two "
        f"binomial samples and agree within {claims.SIGMAS:g} standard errors; a printed number "
        "stands for all that are rounded to it; what is called proved was enclosed by interval "
        "arithmetic.</p>",
        '<div class="scroll"><table><thead><tr>',
        *(
            f"<th>{name}</th>"
            for name in (
                "source",
                "claim",
                "published",
                "here",
                "interval",
                "z",
                "verdict",
                "command",
                "s",
            )
        ),
        "</tr></thead><tbody>",
    ]
    for claim, finding, seconds in rows:
        tone = "open" if finding.verdict == OPEN else finding.verdict
        z = "" if finding.z is None else f"{finding.z:+.1f}"
        verdict = html.escape(finding.verdict)
        if finding.why:
            verdict += f"<br><small>{html.escape(finding.why)}</small>"
        cells = [
            html.escape(claim.source),
            html.escape(claim.says),
            html.escape(claim.published),
            html.escape(finding.ours),
            html.escape(finding.interval),
            z,
            f'<span class="{tone}">{verdict}</span>',
            f"<code>{html.escape(claim.command)}</code>",
            f"{seconds:.1f}",
        ]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    lines.append("</tbody></table></div></body></html>\n")
    return "\n".join(lines)


@click.command(help=__doc__)
@click.option("--only", default="", help="Claims whose names begin so.")
@click.option("--folder", type=Path, default=ROOT / "results" / "paper", show_default=False)
def main(only: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [claim for claim in all_claims() if claim.name.startswith(only)]
    if not wanted:
        raise click.UsageError(f"No claim has a name that begins with {only!r}.")
    rows = []
    for number, claim in enumerate(wanted, 1):
        file = folder / f"{claim.name}.json"
        known = found_before(file, claim)
        if known is None:
            click.echo(f"[{number}/{len(wanted)}] {claim.says} ...", err=True)
            began = time.perf_counter()
            finding = claim.find()
            known = finding, time.perf_counter() - began
            keep(file, claim, *known)
        rows.append((claim, *known))
        finding, seconds = known
        z = "" if finding.z is None else f" (z {finding.z:+.1f})"
        click.echo(
            f"{finding.verdict:12s} {claim.name:28s} published {claim.published}; "
            f"here {finding.ours or '-'}{z}  [{seconds:.1f} s]"
        )
    draft = folder / "index.part"
    draft.write_text(page(rows), encoding="utf-8")
    draft.replace(folder / "index.html")
    click.echo(f"{folder / 'index.html'}", err=True)


if __name__ == "__main__":
    main()
