"""Kill `graph`, `minima` and `reach` at random instants, go on, and compare with a quiet run.

    python verification/kills.py RESULT --kills 1000

A study is begun, its process is killed (SIGKILL), the same command goes on and is killed again,
until a run comes to its end. After a kill the study must be absent, empty or sound; at the end,
what it says and what is exported from it must be, byte for byte, what an undisturbed run gives.
A third of the kills comes within 30 ms, while a study is created or opened, the others at any time
of a run, which is short for the first kills of a study.

Runs are forks of this process, which has imported and compiled everything, so that a kill costs
little more than the time until it comes. RESULT is a JSON file; called again with it, the script
goes on where it was, so that the number of kills can be raised.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np
from landtopo_cli.app import landtopo
from landtopo_cli.studies import study_record
from landtopo_cli.tables import plain_json

from landtopo.errors import EmptyStudyError
from landtopo.export import write_bytes, write_graph
from landtopo.study import Study
from landtopo.study.integrity import check_study

COMMANDS = {
    "graph": ("--widths", "2:3", "--starts", "40"),
    "minima": ("--widths", "2:4", "--starts", "1000"),
    "reach": ("--widths", "2:4", "--runs", "300"),
}
FORMATS = (".json", ".graphml", ".gexf", ".csv", ".cyjs", ".dot", ".html", ".md")

# What differs between two runs, and says nothing of the landscape.
PASSING = ("study", "created", "sessions")

# Share of kills that come while a study is created or opened, and how soon these come.
EARLY, SOON = 1 / 3, 0.03
# The first kills of a study are of this kind.
AT_FIRST = 4
# After so many kills of one study the next may come as late as an undisturbed run ends.
MANY = 15


@click.command(help=__doc__)
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--kills", default=1000, show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(result: Path, kills: int, seed: int) -> None:
    tally = json.loads(result.read_text()) if result.exists() else new_tally(seed)
    if tally["seed"] != seed:
        raise click.UsageError(f"'{result}' is of the seed {tally['seed']}.")
    with tempfile.TemporaryDirectory() as folder:
        quiet = {command: quiet_run(command, Path(folder)) for command in COMMANDS}
        while tally["kills"] < kills:
            begun = time.monotonic()
            one_study(tally, quiet, Path(folder), kills)
            tally["seconds"] = round(tally["seconds"] + time.monotonic() - begun, 1)
            write_bytes(result, json.dumps(tally, indent=1).encode())
            click.echo(", ".join(f"{name} {value}" for name, value in tally.items()))
    raise SystemExit(1 if tally["failures"] else 0)


def new_tally(seed: int) -> dict[str, Any]:
    """What is counted: all kills, those that left no study yet, those that left a journal, ..."""
    return {"seed": seed, "kills": 0, "at_creation": 0, "during_a_write": 0,
            "finished": dict.fromkeys(COMMANDS, 0), "seconds": 0.0, "failures": []}  # fmt: skip


def quiet_run(command: str, folder: Path) -> tuple[str, float]:
    """What a run gives that nobody disturbs, and how long it takes."""
    with place_for(command, folder) as study:
        # Here and not in a fork, so that every fork finds the code compiled.
        run(command, study)
    with place_for(command, folder) as study:
        begun = time.monotonic()
        ended = wait(start(command, study))
        seconds = time.monotonic() - begun
        if ended != 0:
            raise click.ClickException(f"'{command}' ended with {ended} undisturbed.")
        return digest(study), seconds


def one_study(
    tally: dict[str, Any], quiet: dict[str, tuple[str, float]], folder: Path, kills: int
) -> None:
    """One study from nothing to its end, with kills on the way."""
    number = sum(tally["finished"].values()) + len(tally["failures"])
    command = tuple(COMMANDS)[number % len(COMMANDS)]
    wanted, seconds = quiet[command]
    rng = np.random.default_rng(np.random.SeedSequence(tally["seed"], spawn_key=(number,)))
    with place_for(command, folder) as study:
        for again in itertools.count(1):
            child = start(command, study)
            # Short times at first, for many kills of a study; then longer ones, so that it ends.
            soon = again <= AT_FIRST or rng.random() < EARLY
            longest = SOON if soon else seconds * min(1.0, again / MANY)
            if tally["kills"] < kills:
                time.sleep(rng.uniform(0, longest))
                os.kill(child, signal.SIGKILL)
            ended = wait(child)
            if ended != -signal.SIGKILL:
                break
            tally["kills"] += 1
            tally["at_creation"] += not study.exists() or study.stat().st_size == 0
            tally["during_a_write"] += study.with_name(f"{study.name}-journal").exists()
            # A study that is not looked at is put right by the run that goes on with it.
            if rng.random() < 0.5:
                check_what_is_there(study)
        fault = f"exit code {ended}" if ended else lost(study, wanted)
    if fault:
        tally["failures"].append(f"study {number}, {command}: {fault}")
    else:
        tally["finished"][command] += 1


def check_what_is_there(study: Path) -> None:
    """Nothing, or something sound."""
    with suppress(EmptyStudyError):
        found = check_study(study)
        if not found.sound:
            raise click.ClickException(f"After a kill {found.faults}.")


def lost(study: Path, wanted: str) -> str:
    """What is wrong with a study that came to its end; nothing if nothing is."""
    if [file.name for file in study.parent.iterdir()] != [study.name]:
        return "files are left beside the study"
    if not check_study(study).sound:
        return "the study is damaged"
    return "" if digest(study) == wanted else "the study says something else"


def digest(path: Path) -> str:
    """A hash of what a study says, and of the files that are exported from it."""
    content = hashlib.sha256()
    with Study.open(path) as study:
        said = study_record(study)
        content.update(plain_json([said[name] for name in said if name not in PASSING]).encode())
        graph = study.graph() if study.has_graph else None
    if graph is not None:
        with tempfile.TemporaryDirectory() as folder:
            for suffix in FORMATS:
                for file in write_graph(graph, Path(folder) / f"graph{suffix}"):
                    content.update(file.read_bytes())
    return content.hexdigest()


@contextmanager
def place_for(command: str, folder: Path) -> Iterator[Path]:
    """A folder of its own for a study."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        yield Path(own) / f"{command}.landtopo"


def start(command: str, study: Path) -> int:
    """A process that runs the command; its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = run(command, study)
        finally:
            os._exit(code)
    return child


def run(command: str, study: Path) -> int:
    """Run the command on a study, without a word; its exit code."""
    quiet = ("--teacher", "orthonormal:2", "--json", "--quiet")
    words = [command, *quiet, "-o", str(study), *COMMANDS[command]]
    with Path(os.devnull).open("w") as nothing:
        before = os.dup(1)
        os.dup2(nothing.fileno(), 1)
        try:
            landtopo.main(words, prog_name="landtopo")
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            os.dup2(before, 1)
            os.close(before)


def wait(child: int) -> int:
    """The exit code of a process, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    main()
