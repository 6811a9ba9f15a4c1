"""`landtopo saddles`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from landtopo.numerals import whole_number
from landtopo_cli.options import cluster_option, init_option, problem_options
from landtopo_cli.request import Request

if TYPE_CHECKING:
    from landtopo.models.networks.points.saddles import SaddleResult
    from landtopo.points.records import Family
    from landtopo.study import Study

__all__ = ["command"]


@click.command(
    "saddles",
    epilog="""\b
Examples
  landtopo saddles --teacher orthonormal:2 --width 2 --dim 3
  landtopo saddles --teacher orthonormal:3 --width 3 --index any --source random --json
""",
)
@problem_options
@cluster_option
@click.option("--index", metavar="N|any", help="Negative eigenvalues wanted.  [default: 1]")
@click.option(
    "--source",
    "sources",
    metavar="SOURCE",
    multiple=True,
    help="Where to start: random, 'soft modes', pairs or bands.  [default: all of them]",
)
@init_option
def command(
    request: Request,
    cluster: str | None,
    index: str | None,
    sources: tuple[str, ...],
    init: str | None,
) -> int | None:
    """Find families of saddles of a given index, in the teacher's span and outside it.

    Points are followed uphill with the exact Hessian until the gradient vanishes, from random
    starts, away from minima along their soft modes, and from the highest points between minima.
    """
    from landtopo.models.networks.points.saddles import find_saddles
    from landtopo_cli.families import saddle_text, search_record
    from landtopo_cli.shared import share

    given: dict[str, Any] = {"index": _index(index), "sources": list(sources) or None, "init": init}
    results = []
    with request.work("saddles", **given) as work:
        for width in work.widths:
            found = find_saddles(
                work.problem(width),
                seed=work.seed,
                journal=work.study,
                progress=work.progress,
                **work.on(cluster).options,
            )
            results.append(found)
            if work.study is not None:
                _save(work.study, found)
                for news in share(work.study, width):
                    request.note(news)
    one = len(results) == 1
    request.answer(
        lambda: search_record(results[0]) if one else [search_record(r) for r in results],
        lambda: "\n\n\n".join(saddle_text(result) for result in results),
    )
    return None


def _save(study: Study, found: SaddleResult) -> None:
    """Store the books of all sources, of which the first one carries the families.

    They count through these: where a longer search stays, all of its books do.
    """
    families: tuple[Family, ...] = (*found.families, *found.others)
    with study.together():
        for book in (found.attempts, *found.books):
            source = f"index {found.index} from {book.source}"
            if not study.save_search("saddles", source, book, families, found.search):
                return
            families = ()


def _index(text: str | None) -> int | str | None:
    if text is None or text == "any":
        return text
    try:
        return whole_number(text)
    except ValueError:
        raise click.BadParameter(
            f"'{text}' is neither a whole number nor any.", param_hint="--index"
        ) from None
