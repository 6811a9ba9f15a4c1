"""A landscape graph in sentences: what was found at each width, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landtopo.export.prepare import Prepared, Record
from landtopo.export.tables import Copies, families_of, transitions_of
from landtopo.export.unresolved import Unresolved
from landtopo.landscape.labelled import FamilyLevel
from landtopo.landscape.schema import MODEL
from landtopo.landscape.widths import WidthRow, WidthStep
from landtopo.points.coverage import Coverage
from landtopo.wording import counted, exact, listed, number, percent

__all__ = [
    "evidence",
    "found_otherwise",
    "in_short",
    "search_evidence",
    "start_evidence",
    "title_of",
]

# A sentence has room for so many levels.
_STEPS = 4
# Kinds of search beside the starts: those for passes that climb, and the others.
_RANDOM = "random starts"
_CLIMBS = (_RANDOM, "soft modes", "lines")
_BANDS = "bands"
_MIRRORS = "mirrors"


def title_of(prepared: Prepared) -> str:
    """What pages about a graph are called."""
    attributes = prepared.attributes
    subject = f"a {attributes[MODEL]}" if MODEL in attributes else attributes.get("teacher")
    return f"Landscape of {subject or 'a teacher'}"


def in_short(row: WidthRow, copies: Copies | None, entry: Unresolved) -> str:
    """What was found at one width, in a few sentences.

    Parameters
    ----------
    row : WidthRow
    copies : Copies or None
        Of its lowest family.
    entry : Unresolved
        What the width leaves open.
    """
    found = [f"{counted(row.families, 'family', 'families')} of minima{_isolated_or_flat(row)}."]
    if not row.global_families:
        found.append("No minimum of zero loss was found.")
    elif row.global_share is not None:
        found.append(
            f"{percent(row.global_share)} of {row.starts} starts end at zero loss (95 % interval "
            f"{100 * (row.global_low or 0.0):.2f} to {100 * (row.global_high or 0.0):.2f} %)."
        )
    astray = sum(end.count for end in entry.ends)
    if astray:
        found.append(f"{counted(astray, 'start')} ended in no minimum, or in none for sure.")
    if copies is not None:
        found.append(_joining(copies))
    if row.largest_spurious_loss is not None and row.families > 1:
        found.append(f"The highest minimum has loss {number(row.largest_spurious_loss)}.")
    found += _escapes(row)
    if row.step is not None:
        found.append(_step(row.step))
    return " ".join(found)


def _isolated_or_flat(row: WidthRow) -> str:
    kinds = [
        (count, name)
        for count, name in (
            (row.isolated, "isolated"),
            (row.flat, "flat"),
            (row.undecided, "not known whether flat"),
        )
        if count
    ]
    if len(kinds) == 1:
        return f", {'all ' if row.families > 1 else ''}{kinds[0][1]}"
    return f" ({listed([f'{count} {name}' for count, name in kinds])})"


def _escapes(row: WidthRow) -> list[str]:
    known = [
        (escape.barrier, escape.family) for escape in row.escapes if escape.barrier is not None
    ]
    if not known:
        return []
    (low, easiest), (high, hardest) = min(known), max(known)
    text = f"The barrier to a lower minimum is {number(low, 3)} from {easiest}"
    if easiest == hardest:
        return [text + "."]
    return [f"{text} at least and {number(high, 3)} from {hardest} at most."]


def _joining(copies: Copies) -> str:
    """How the labelled copies of a family are joined, level by level."""
    first, *others = copies.levels
    at = "zero loss" if first.level < 1e-20 else f"its loss {number(first.level)}"
    if first.components == 1:
        if first.copies == 1 and first.permutations.order == 1:
            return f"There is one copy of {copies.family}."
        return f"All labelled copies of {copies.family} lie on one connected set at {at}."
    steps = [f"from {number(event.level)} on {_joined(event)}" for event in others]
    if len(steps) > _STEPS:
        steps = [*steps[: _STEPS - 1], steps[-1]]
    if copies.levels[-1].components > 1:
        steps.append("no known pass joins the rest" if steps else "no known pass joins them")
    pieces = exact(first.components)
    return f"The labelled copies of {copies.family} are {pieces} pieces at {at}; {listed(steps)}."


def _joined(event: FamilyLevel) -> str:
    """What is joined from a level on."""
    if event.components == 1:
        return "all copies are joined"
    left = f"{exact(event.components)} pieces are left"
    # Of two neurons, the even permutation is no permutation.
    if event.permutations.kind == "even" and event.permutations.order > 1:
        return f"even permutations of neurons are joined ({left})"
    return left


def _step(step: WidthStep) -> str:
    parts = []
    if step.stay:
        parts.append(f"{listed(step.stay, 4)} {_verb(step.stay, 'stays a minimum', 'stay minima')}")
    if step.turn:
        into = sorted({line.descendant for line in step.lines if line.family in step.turn})
        verb = _verb(step.turn, "becomes a saddle and flows", "become saddles and flow")
        parts.append(f"{listed(step.turn, 4)} {verb} into {listed(into, 4)}")
    if step.untraced:
        parts.append(f"nothing is known of {listed(step.untraced, 4)}")
    if step.appear:
        parts.append(f"{listed(step.appear, 4)} {_verb(step.appear, 'is', 'are')} new")
    return f"Against width {step.width}: " + "; ".join(parts) + "." if parts else ""


def _verb(names: tuple[str, ...], one: str, many: str) -> str:
    return one if len(names) == 1 else many


def evidence(prepared: Prepared, width: int) -> list[str]:
    """What was searched at one width, and what that says of what was not found."""
    return search_evidence(
        prepared.attributes,
        str(width),
        families_of(prepared, width),
        transitions_of(prepared, width),
    )


def search_evidence(
    attributes: Record, key: str, nodes: Sequence[Record], passes: Sequence[Record]
) -> list[str]:
    """What was searched on one rung, and what that says of what was not found.

    Parameters
    ----------
    attributes : dict
        Of the graph.
    key : str
        The rung, as the attributes name it: a width, or the number of coordinates.
    nodes, passes : sequence of dict
        Families and transitions of the rung.
    """
    found = _start_evidence(attributes, key, nodes)
    ways = attributes.get("transition_search", {}).get(key)
    if ways:
        found += _transition_evidence(ways, passes)
    return found


def start_evidence(prepared: Prepared, width: int) -> list[str]:
    """What the starts at one width were, and what they say of families that were not met."""
    return _start_evidence(prepared.attributes, str(width), families_of(prepared, width))


def _start_evidence(attributes: Record, key: str, nodes: Sequence[Record]) -> list[str]:
    search = attributes.get("start_search", {}).get(key, {})
    starts = attributes.get("starts", {}).get(key)
    found = []
    if starts is not None:
        known = {"init", "method"} <= search.keys()
        how = f" from {search['init']}, followed by {search['method']}" if known else ""
        found.append(f"{counted(int(starts), 'start')}{how}.")
    others = found_otherwise(
        [(node["id"], node.get("count"), node.get("found_by", "")) for node in nodes]
    )
    coverage = _coverage(attributes.get("coverage", {}).get(key))
    if coverage is not None:
        met = "critical point" if search.get("others") or MODEL in attributes else "family"
        others = f"{coverage.sentence(family=met)} {others}".rstrip()
    return [*found, *filter(None, [others])]


def found_otherwise(families: Sequence[tuple[str, int | None, str]]) -> str:
    """Which of the families listed were met by no start, and by what they were found.

    Parameters
    ----------
    families : sequence of (str, int or None, str)
        Name, number of independent starts that met it (if known), and what found it first.

    Returns
    -------
    str
        One sentence; empty where starts met all of them.
    """
    unmet = [(name, source) for name, count, source in families if count == 0]
    if not unmet:
        return ""
    names = listed([f"{name} ({_search(source)})" for name, source in unmet], 6)
    return (
        f"{len(unmet)} of the {len(families)} listed {'was' if len(unmet) == 1 else 'were'} met by "
        f"no start, but by other searches: {names}."
    )


def _search(source: str) -> str:
    if not source:
        return "not said how"
    if source == _MIRRORS:
        return "mirrored copies of the lowest family"
    return f"climbs from {source}" if source in _CLIMBS else source


def _transition_evidence(ways: Mapping[str, Any], listed_ones: Sequence[Record]) -> list[str]:
    outcomes = ways.get("outcomes", {})
    climbs = [
        f"{sum(ends.values())} from {source}"
        for source, ends in outcomes.items()
        if source in _CLIMBS
    ]
    text = [str(sentence) for sentence in ways.get("told", ())]
    mirrors = outcomes.get(_MIRRORS, {})
    if mirrors:
        tried, found = sum(mirrors.values()), mirrors.get("minimum", 0)
        text.append(
            f"Searches from mirrored copies of the lowest family: {tried} tried, {found} ended in "
            "a minimum."
        )
    if climbs:
        text.append(f"Climbs to passes: {listed(climbs)}. {ways.get('stopped', '')}".rstrip())
    coverage = _coverage(ways.get("coverage"))
    if coverage is not None and coverage.starts:
        others = len(listed_ones) - coverage.families
        sources = {str(edge.get("found_by", "")) for edge in listed_ones} - {_RANDOM, ""}
        met = coverage.sentence(start="climb", family="transition")
        text.append(
            f"{met} {others} of the {len(listed_ones)} listed come from other searches alone: "
            f"{listed(sorted(sources))}."
            if others > 0 and sources
            else met
        )
    bands = outcomes.get(_BANDS, {})
    if bands:
        tried, joined = sum(bands.values()), bands.get("joined", 0)
        text.append(f"Bands between copies: {tried} tried, {joined} joined both ends.")
    return text


def _coverage(record: Mapping[str, Any] | None) -> Coverage | None:
    """The estimate that a file holds; None where it is not there or not whole."""
    if not record:
        return None
    try:
        return Coverage.from_record(record)
    except (KeyError, TypeError):
        return None
