"""Commands for a model that is no network: `--model`, or a study of one, in place of a teacher."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landtopo.wording import UNKNOWN
from landtopo_cli.request import at_work, no_graph_file
from landtopo_cli.tables import loss_text, number, plain_json, table
from landtopo_cli.terminal import progress, report_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from landtopo.landscape.gathered import Kept
    from landtopo.models.parameter import ParameterModels
    from landtopo.models.smooth import FunctionSearch, SmoothModel
    from landtopo.objective import Array
    from landtopo.progress import Progress
    from landtopo.study import Study

__all__ = ["Asked", "flat_table", "path_table", "point_table", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model and the shared options; None where one was given neither now nor before."""

    subject: SmoothModel | ParameterModels
    study: Study | None
    starts: int | None
    seed: int
    jobs: int
    cluster: str | None
    progress: Progress
    as_json: bool
    quiet: bool

    @property
    def model(self) -> SmoothModel:
        """The one model that is asked about."""
        if hasattr(self.subject, "models"):
            raise click.UsageError(
                "Over a parameter points have ids such as v1-min0; say by them at which one value."
            )
        return self.subject

    @property
    def models(self) -> tuple[SmoothModel, ...]:
        """All of them."""
        return getattr(self.subject, "models", None) or (self.model,)

    @property
    def search(self) -> dict[str, Any]:
        """Arguments of every search."""
        return {
            **{"starts": self.starts, "seed": self.seed, "jobs": self.jobs},
            **{"cluster": self.cluster, "progress": self.progress, "journal": self.study},
        }

    def keep(self, aim: str, found: FunctionSearch) -> None:
        """Put every attempt of a search and the points that it found into the study."""
        if self.study is not None:
            source = f"{found.search['method']} from {found.search['init']}"
            if "index" in found.search:
                source += f" to index {found.search['index']}"
            points = (*found.families, *found.others)
            self.study.save_search(aim, source, found.attempts, points, found.search)

    def share(self) -> None:
        """Put what the study knows on its graph, if it has one."""
        from landtopo_cli.shared import share_model

        for news in [] if self.study is None else share_model(self.study, self.kept):
            self.note(news)

    @property
    def kept(self) -> Kept:
        """The model as a graph keeps it."""
        from landtopo.models.kept import kept_model

        return kept_model(self.model)

    def answer(self, record: Callable[[], Any], text: Callable[[], str]) -> None:
        """Print the result on stdout."""
        click.echo(plain_json(record()) if self.as_json else text())

    def note(self, text: str) -> None:
        """Tell a person something on stderr."""
        if not self.quiet:
            click.echo(text, err=True)


def run(command: str, shared: Mapping[str, Any], more: Mapping[str, Any]) -> int | None:
    """A command for a model.

    Parameters
    ----------
    command : str
        Its name.
    shared : mapping
        The options that all commands have; `model` or a study of one is among them, and what
        states a network can be left out.
    more : mapping
        The command's own; those that are for networks must not be given.
    """
    option, others = _stated_by(shared)
    if command not in _COMMANDS:
        raise click.UsageError(f"{option} is for {', '.join(sorted(_COMMANDS))}.")
    of_networks = ("teacher", "activation", "outputs", "width", "widths", "dim")
    for name in of_networks if option == "--model" else ("model", "parameter"):
        if shared.get(name) is not None:
            told = "is for networks; leave it out" if option == "--model" else "does nothing"
            raise click.UsageError(f"--{name} {told} beside {option}.")
    more = dict(more)
    init = more.pop("init", None) if shared.get("trained") else None
    action, known = _COMMANDS[command]
    for name, value in more.items():
        if name not in (*known, "cluster") and value not in (None, (), False):
            raise click.UsageError(
                f"--{name.replace('_', '-')} is for {others}; leave it out beside {option}."
            )
    if shared["quiet"]:
        report_warnings(logging.ERROR)
    listener = progress(shared["quiet"])
    stated = (
        _named(shared["model"], shared.get("parameter"))
        if option == "--model"
        else _students(shared, option, init)
    )
    subject, opened = _subject(stated, shared["study"], shared["seed"])
    if command != "graph":
        subject = _at_value(subject, more)
    with at_work(opened, listener) as study:
        given = {"starts": shared["starts"], **{name: more[name] for name in known}}
        kept = _kept(study, command, given)
        asked = Asked(
            subject=subject,
            study=study,
            starts=kept.pop("starts"),
            seed=shared["seed"] or 0 if study is None else study.seed,
            jobs=shared["jobs"] or 1,
            cluster=more.get("cluster"),
            progress=listener,
            as_json=shared["as_json"],
            quiet=shared["quiet"],
        )
        return action(asked, **kept)


def _stated_by(shared: Mapping[str, Any]) -> tuple[str, str]:
    """The option that states a model, and for what other options are that do nothing beside it."""
    if shared.get("constraint") is not None:
        return "--constraint", "networks without a constraint"
    if shared.get("trained"):
        return "--second-layer trained", "networks whose second layer is fixed"
    return "--model", "networks"


def _subject(
    given: SmoothModel | ParameterModels | None, place: Path | None, seed: int | None
) -> tuple[SmoothModel | ParameterModels, Study | None]:
    """The model, and the study open for writing, which is of that model."""
    from landtopo.errors import EmptyStudyError, LandtopoError
    from landtopo.models.origin import remade
    from landtopo.study import Study

    if place is None:
        assert given is not None
        return given, None
    try:
        study = Study.open(place, write=True)
    except EmptyStudyError:
        no_graph_file(place)
        if given is None:
            raise
        return given, Study.create(place, given, seed=seed or 0)
    try:
        model = remade(study.model) if given is None and study.model is not None else given
        assert model is not None
        study.check(model, dim=study.dim, seed=study.seed if seed is None else seed)
    except LandtopoError:
        study.close()
        raise
    return model, study


def _named(name: str | None, parameter: str | None) -> SmoothModel | ParameterModels | None:
    from landtopo.models.named import named_model, named_over

    if name is None:
        if parameter is not None:
            raise click.UsageError(
                "--parameter is for a model; give --model, or leave it out as well."
            )
        return None
    return named_model(name) if parameter is None else named_over(name, parameter)


def _students(
    shared: Mapping[str, Any], option: str, init: str | None
) -> SmoothModel | ParameterModels:
    """The constrained students, or those with a trained second layer, that the options state."""
    from landtopo.models.networks.constrained import constrained_models
    from landtopo.models.networks.problem import Teacher
    from landtopo.models.networks.trained import trained_models

    if shared["teacher"] is None:
        raise click.UsageError(f"{option} is for students of a teacher; give --teacher as well.")
    if shared["width"] is not None and shared["widths"] is not None:
        raise click.UsageError("Give either --width or --widths.")
    widths = shared["widths"] or shared["width"]
    if widths is None:
        raise click.UsageError("Missing option '--width' or '--widths'.")
    teacher = Teacher.from_spec(shared["teacher"])
    teacher = teacher.with_function(shared["activation"], outputs=shared["outputs"])
    dim = shared["dim"] if isinstance(shared["dim"], int) else None
    if shared.get("trained"):
        given = {"init": init, "init_outputs": shared["init_outputs"]}
        told = {name: value for name, value in given.items() if value is not None}
        found = trained_models(teacher, widths, dim=dim, **told)
    else:
        found = constrained_models(teacher, shared["constraint"], widths, dim=dim)
    return found if len(found.models) > 1 else found.models[0]


def _at_value(
    subject: SmoothModel | ParameterModels, more: Mapping[str, Any]
) -> SmoothModel | ParameterModels:
    """The model at the one value of the parameter that ids of points name."""
    given = [more.get("from_end"), more.get("to_end"), *more.get("names", ())]
    begins = {"-".join([*name.split("-")[:-1], ""]) for name in given if name is not None}
    models: tuple[SmoothModel, ...] = getattr(subject, "models", ())
    meant = [model for model in models if {model.prefix} == begins]
    return meant[0] if meant else subject


def _kept(study: Study | None, command: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options, those that were not given as the same command had them in the study before."""
    if study is None:
        return given
    sessions = [entry.options for entry in study.sessions() if entry.command == command]
    before = sessions[-1] if sessions else {}
    kept = {name: before.get(name) if given[name] is None else given[name] for name in _STORED
            if name in given}  # fmt: skip
    study.intend(command, {name: value for name, value in kept.items() if value is not None})
    return {**given, **kept}


def _graph(asked: Asked, out_dir: Path | None, force: bool) -> int | None:
    from landtopo.landscape.build import landscape_graph
    from landtopo.landscape.gathered import gathered
    from landtopo.landscape.metrics import components
    from landtopo.models.kept import kept_model
    from landtopo.study.findings import findings_of
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.graphs import graph_record, graph_text
    from landtopo_cli.outputs import Outputs, check_outputs, write_outputs
    from landtopo_cli.shared import keep_model_graph, with_counts

    outputs = Outputs()
    if out_dir is not None:
        check_outputs(out_dir, (), asked.study, force=force)
    graph = landscape_graph(asked.subject, searched=partial(asked.keep, "minima"), **asked.search)
    if asked.study is not None:
        kept = [kept_model(model) for model in asked.models]
        for one in kept:
            graph = gathered(graph, one, findings_of(asked.study, one.model.stage))
            graph, longer = with_counts(asked.study, graph, one)
            for news in longer:
                asked.note(news)
        for news in keep_model_graph(asked.study, graph, kept):
            asked.note(news)
    try:
        if out_dir is not None:
            outputs = write_outputs(out_dir, graph, (), asked.study, asked.jobs)
            asked.note(f"{len(outputs.files)} files were written to '{out_dir}'.")
    finally:
        # Also when a file cannot be written: without a study this is all that is left.
        asked.answer(lambda: graph_record(graph), lambda: graph_text(graph))
    for sentence in outputs.failed:
        click.echo(sentence, err=True)
    if not graph:
        asked.note("No minimum was found; try more --starts.")
    rungs = (model.width for model in asked.models)
    joined = graph and all(len(components(graph, width=rung)) == 1 for rung in rungs)
    return None if joined and not outputs.failed else INCOMPLETE


def _minima(asked: Asked, propose_symmetry: bool) -> int | None:
    from landtopo.models.searches import find_minima
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.shared import count_starts, longer_kept

    if propose_symmetry:
        # What cannot be proposed for is refused before the search.
        from landtopo.models.proposed import box_of

        box_of(asked.model)
    found = find_minima(asked.model, **asked.search)
    asked.keep("minima", found)
    asked.share()
    if asked.study is not None:
        stage, starts = asked.model.stage, len(found.attempts)
        for news in longer_kept(asked.study, found.search, stage, starts):
            asked.note(news)
        count_starts(asked.study, asked.kept)
    if propose_symmetry:
        asked.answer(*_with_proposal(asked, found))
    else:
        asked.answer(partial(_search_record, found), partial(_search_text, found))
    return None if found.families else INCOMPLETE


def _with_proposal(
    asked: Asked, found: FunctionSearch
) -> tuple[Callable[[], dict[str, Any]], Callable[[], str]]:
    """What a search has found, with the symmetry that its minima suggest."""
    from landtopo.models.proposed import propose_symmetry

    proposed = propose_symmetry(asked.model, found, seed=asked.seed)
    names = ("generators", "classes", "copies", "order", "points")
    record = {name: getattr(proposed, name) for name in names}
    lines = [proposed.sentence()]
    for words, groups in (
        ("Alike in value and spectrum", proposed.classes),
        ("Copies by what is proposed", proposed.copies),
    ):
        lines += [f"{words}: {', '.join(ids)}." for ids in groups]
    lines.append("Nothing above is merged because of it.")
    return (
        lambda: {**_search_record(found), "proposed_symmetry": record},
        lambda: "\n\n".join([_search_text(found), "\n".join(lines)]),
    )


def _saddles(asked: Asked, index: str | None) -> int | None:
    from landtopo.models.searches import find_saddles
    from landtopo.numerals import whole_number

    try:
        wanted = whole_number(index or "1")
    except ValueError:
        raise click.BadParameter(
            f"'{index}' must be a whole number for a model.", param_hint="--index"
        ) from None
    found = find_saddles(asked.model, index=wanted, **asked.search)
    asked.keep("saddles", found)
    asked.share()
    asked.answer(partial(_search_record, found), partial(_search_text, found))
    return None


def _path(asked: Asked, from_end: str, to_end: str) -> int | None:
    from landtopo.models.connections import connect
    from landtopo_cli.app import INCOMPLETE
    from landtopo_cli.shared import known_states

    points, study = _points(asked, (from_end, to_end)), asked.study
    path = connect(
        asked.model,
        points[from_end],
        points[to_end],
        seed=asked.seed,
        known=[] if study is None else known_states(study, asked.model.stage),
        graph=study.graph() if study is not None and study.has_graph else None,
        progress=asked.progress,
    )
    if study is not None:
        study.save_path(path, from_end, to_end)
        asked.share()
    asked.answer(
        lambda: {"from": from_end, "to": to_end, **path.as_dict()},
        lambda: "\n\n".join(
            [
                f"{asked.model.name}, from {from_end} to {to_end}: {path.status}",
                path_table([(from_end, to_end, path)]),
            ]
        ),
    )
    return None if path.verified else INCOMPLETE


def path_table(paths: Iterable[tuple[str, str, Any]]) -> str:
    """Paths between minima of a model, with their ends, one a row."""
    return table(
        ("from", "to", "highest", "barrier from", "barrier to", "steps", "verified"),
        [
            (
                start,
                end,
                loss_text(path.highest_loss) if path.verified else UNKNOWN,
                number(path.barrier_from if path.verified else None),
                number(path.barrier_to if path.verified else None),
                str(len(path.transition_states)),
                "yes" if path.verified else "no",
            )
            for start, end, path in paths
        ],
    )


def _flat(asked: Asked, names: tuple[str, ...], files: tuple[Path, ...]) -> int | None:
    wanted = (*names, *map(str, files))
    points = _points(asked, wanted) if wanted else _all(asked)
    asked.progress.begin(f"{asked.model.label}: null spaces", len(points))
    rows = []
    for name, x in points.items():
        rows.append({"id": name, **_flat_record(asked, x)})
        asked.progress.advance()
    asked.progress.end()
    asked.answer(lambda: rows, lambda: flat_table(rows))
    return None


def _flat_record(asked: Asked, x: Array) -> dict[str, Any]:
    """What the null directions of a point are; the study may know."""
    from hashlib import sha256

    from landtopo.models.flat import flat_directions

    study, place = asked.study, sha256(x.tobytes()).hexdigest()[:32]
    key = f"flat/{asked.model.stage}/{place}"
    kept: dict[str, Any] | None = None if study is None else study.recall(key)
    if kept is not None:
        return kept
    record = flat_directions(asked.model, x).record()
    if study is not None:
        study.remember(key, record)
    return record


def flat_table(rows: Iterable[Mapping[str, Any]]) -> str:
    """What the null directions of points are, a point a row."""
    return table(
        ("point", "value", "flat", "null", "gauge"),
        [
            (
                row["id"],
                loss_text(row["loss"]),
                *(str(row[name]) for name in ("flat_dimension", "nullity", "gauge")),
            )
            for row in rows
        ],
    )


def _all(asked: Asked) -> dict[str, Array]:
    """Points by their ids: those of the graph of the study, or else of a search for minima."""
    from landtopo.models.searches import find_minima

    if asked.study is not None and asked.study.has_graph:
        graph = asked.study.graph()
        rows = [*graph.nodes.values(), *graph.edges.values()]
        begins = asked.model.prefix
        return {row["id"]: row["coordinates"] for row in rows if row["id"].startswith(begins)}
    found = find_minima(asked.model, **asked.search)
    asked.keep("minima", found)
    return {family.id: family.x for family in (*found.families, *found.others)}


def _points(asked: Asked, names: tuple[str, ...]) -> dict[str, Array]:
    """Points by the id of what the study or a search has found, or by the name of a file."""
    from landtopo.errors import InvalidArgument
    from landtopo.models.networks.teacher_files import matrix_from_file

    found: dict[str, Array] = {}
    waiting = []
    for name in names:
        if Path(name).suffix in (".npy", ".csv", ".json"):
            found[name] = matrix_from_file(name, keys=("coordinates",))
        else:
            waiting.append(name)
    if waiting:
        known = _all(asked)
        first = f"{asked.model.prefix}min0"
        known |= {"lowest": known[first]} if first in known else {}
        for name in waiting:
            if name not in known:
                raise InvalidArgument(
                    f"'{name}' is none of the points that were found: {', '.join(known)}."
                )
            found[name] = known[name]
    return found


def _search_record(found: FunctionSearch) -> dict[str, Any]:
    statuses = [status.name.lower() for status in found.attempts.status]
    return {
        "model": found.model,
        "search": {
            **found.search,
            "attempts": {name: statuses.count(name) for name in dict.fromkeys(statuses)},
            "coverage": found.coverage.record(),
        },
        "families": [family.record() for family in found.families],
        "others": [family.record() for family in found.others],
    }


def _search_text(found: FunctionSearch) -> str:
    points = (*found.families, *found.others)
    parts = [f"{found.model}", found.coverage.sentence(family="critical point")]
    if "derivatives" in found.search:
        parts[1] += f" Derivatives are made of {found.search['derivatives']}."
    return "\n\n".join([parts[0], *([point_table(points)] if points else []), parts[1]])


def point_table(families: Iterable[Any]) -> str:
    """Critical points of a function that a search found, one a row."""
    rows = [
        (
            family.id,
            loss_text(family.loss),
            number(float(family.point.eigenvalues[0])),
            str(family.point.index),
            str(family.point.nullity),
            str(family.count),
            str(family.orbit_size),
            family.description,
        )
        for family in families
    ]
    header = ("id", "value", "smallest eigenvalue", "index", "null", "count", "copies", "what")
    return table(header, rows)


def _reach(asked: Asked, **options: Any) -> int | None:
    from landtopo_cli.student_runs import reach

    return reach(asked, **options)


def _flow(asked: Asked, **options: Any) -> int | None:
    from landtopo_cli.student_runs import flow

    return flow(asked, **options)


#: What a command does for a model, and which of its own options it has there.
_COMMANDS: dict[str, tuple[Callable[..., int | None], tuple[str, ...]]] = {
    "graph": (_graph, ("out_dir", "force")),
    "minima": (_minima, ("propose_symmetry",)),
    "saddles": (_saddles, ("index",)),
    "path": (_path, ("from_end", "to_end")),
    "flat": (_flat, ("names", "files")),
    "reach": (_reach, ("runs", "method", "step")),
    "flow": (_flow, ("run", "longest")),
}
# Options that a study keeps for the next time.
_STORED = ("starts", "index")
