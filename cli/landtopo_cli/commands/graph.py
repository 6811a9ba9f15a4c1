"""`landtopo graph`."""

from __future__ import annotations

from pathlib import Path

import click

from landtopo_cli.options import (
    Whole,
    cluster_option,
    force_option,
    init_option,
    problem_options,
)
from landtopo_cli.request import Request

__all__ = ["command"]


@click.command(
    "graph",
    epilog="""\b
Examples
  landtopo graph --teacher orthonormal:6 --widths 6:7 -o six.landtopo --out-dir out
  landtopo graph -o six.landtopo --starts 20000
  landtopo graph --teacher equicorrelated:4:-0.1 --widths 4:6 --json
  landtopo graph --model lj:7 -o lj7.landtopo
""",
)
@problem_options
@cluster_option
@init_option
@click.option(
    "--blocks",
    metavar="N",
    type=Whole(0, 100),
    help="Most blocks of teacher vectors whose exchanges are searched for families with that "
    "symmetry, which starts may never meet.  [default: 2]",
)
@click.option(
    "--out-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the graph in every format, pictures, and a report of one page.",
)
@force_option
def command(
    request: Request,
    cluster: str | None,
    init: str | None,
    blocks: int | None,
    out_dir: Path | None,
    force: bool,
) -> int | None:
    """Build the graph of families of minima across widths.

    Nodes are families of minima at each width; edges are verified transitions with their barriers,
    and what each family becomes when the student grows by a neuron. With a study, the work goes on
    where it was, whenever it was interrupted.
    """
    from landtopo.landscape.build import landscape_graph
    from landtopo.landscape.explore import ExploreOptions
    from landtopo.landscape.metrics import components
    from landtopo.models.networks.landscape.kept import kept_networks
    from landtopo.processes import begin
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.graphs import graph_record, graph_text
    from landtopo_cli.known import store_search
    from landtopo_cli.outputs import Outputs, check_outputs, write_outputs
    from landtopo_cli.shared import keep_graph, with_counts, with_findings

    outputs = Outputs()
    with request.work("graph", init=init, blocks=blocks) as work:
        if out_dir is not None:
            check_outputs(out_dir, work.widths, work.study, force=force)
        if cluster is None:
            begin(request.jobs)
        options = dict(work.on(cluster).options)
        blocks = options.pop("blocks", None)
        graph = landscape_graph(
            work.teacher,
            work.widths,
            seed=work.seed,
            dim=work.dim,
            journal=work.study,
            progress=work.progress,
            searched=lambda found: store_search(work, found),
            options=None if blocks is None else ExploreOptions(blocks=blocks),
            **options,
        )
        if work.study is not None:
            for width in work.widths:
                graph = with_findings(work.study, graph, width)
                kept = kept_networks(work.problem(width))
                graph, longer = with_counts(work.study, graph, kept)
                for news in longer:
                    request.note(news)
            for news in keep_graph(work.study, graph):
                request.note(news)
        try:
            if out_dir is not None:
                outputs = write_outputs(out_dir, graph, work.widths, work.study, request.jobs)
                request.note(f"{len(outputs.files)} files were written to '{out_dir}'.")
                request.warn(outputs.failed)
        finally:
            # Also when a file cannot be written: without a study this is all that is left.
            request.answer(lambda: graph_record(graph), lambda: graph_text(graph))
    apart = {width: components(graph, width=width) for width in work.widths}
    for width, parts in apart.items():
        if not parts:
            request.note(f"Width {width}: no minimum was found; try more --starts.")
        if len(parts) > 1:
            shown = " and ".join("{" + ", ".join(sorted(part)) + "}" for part in parts)
            request.note(f"Width {width}: no path was found between {shown}.")
    joined = all(len(parts) == 1 for parts in apart.values())
    return None if joined and not outputs.failed else INCOMPLETE
