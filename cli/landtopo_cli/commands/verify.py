"""`landtopo verify`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import json_option
from landtopo_cli.sources import source_argument

__all__ = ["command"]


@click.command(
    "verify",
    epilog="""\b
Examples
  landtopo verify six.landtopo
  landtopo verify six.landtopo --json
""",
)
@source_argument
@json_option
@click.option("--quiet", is_flag=True, help="No progress.")
def command(source: Path, as_json: bool, quiet: bool) -> int | None:
    """Recompute what a study says by other methods, and list what disagrees.

    Losses, gradients and spectra come from quadrature and differences instead of closed forms, the
    ends of transitions and the fates of families from a standard integration of the gradient flow,
    permutations and numbers of copies from trying renumberings. Words and counts are derived from
    that, and from the attempts that are stored. Of a model, gradients and spectra come from
    differences of its values; its file must be there. Exits with 1 if anything disagrees. Of
    another activation than ReLU the points of the graph are recomputed: losses, gradients,
    curvatures, numbers of copies and ends of transitions, but no words, counts and lineages.

    What is finished is kept in STUDY.verify until all is: called again after a kill, it goes on. It
    begins anew if the study, landtopo or a package that computes has changed.
    """
    from landtopo.errors import StudyError
    from landtopo.study import Study
    from landtopo.study.verification import Pieces, verify
    from landtopo_cli.app import FAILED
    from landtopo_cli.tables import number, plain_json, table
    from landtopo_cli.terminal import TerminalProgress, progress

    with Study.open(source) as study:
        pieces, listener = Pieces(source), progress(quiet)
        try:
            checks = verify(study, journal=pieces, progress=listener)
        except KeyboardInterrupt:
            if isinstance(listener, TerminalProgress):
                listener.clear()
            what = (
                f"what was finished is kept in '{pieces.path}', and the same command goes on from "
                "there."
                if pieces.are_kept
                else "nothing is kept."
            )
            click.echo(f"Interrupted; {what}", err=True)
            raise
        pieces.finish()
    if not checks:
        raise StudyError(f"The study '{source}' has no results yet that could be verified.")
    wrong = [check for check in checks if not check.agrees]
    if as_json:
        click.echo(plain_json([check.record() for check in checks]))
    elif wrong:
        shown = (
            [
                check.subject,
                check.quantity,
                *(
                    value if isinstance(value, str) else number(value, 17)
                    for value in (check.stored, check.recomputed)
                ),
                number(check.tolerance, 2),
            ]
            for check in wrong
        )
        click.echo(table(("where", "what", "stored", "recomputed", "tolerance"), shown))
    if not as_json:
        click.echo(f"{len(checks)} values recomputed, {len(wrong)} disagree.")
    return FAILED if wrong else None
