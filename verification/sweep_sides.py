"""Whether the graphs on both sides of every event of a sweep differ by just that event.

For the teachers a little below and above each event, minima and passes are searched for anew, with
starts of their own, and each pass is followed down on both sides. What is found has to be what the
sweep tells there: nothing else, and from one side to the other the families that the event names,
no more and no less. What the searches do not meet is solved for at that teacher, and marked. The
minima that a pass joins can also change between two events, where the way down from it passes
through another pass; such changes are told.

Next to each event Newton's method starts at two fixed teachers from random points around the family
that ends or begins there, with no use of its symmetries or null directions. Whatever critical point
is that close has to be among what the event says branches off: its side, its index, its copies.

    python verification/sweep_sides.py [--teacher equicorrelated:6:-0.19..0.95] [--width 6]
        [--events FIRST:LAST]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import landtopo as lt
from landtopo.journal import Prefixed
from landtopo.models.networks.landscape.mirrors import mirrored_minima
from landtopo.models.networks.loss import WeightObjective
from landtopo.models.networks.sweeps.branch import solved
from landtopo.models.networks.symmetry import equivalence, isotropy, point_graph
from landtopo.paths.descent import descend_both
from landtopo.paths.onward import onward

SEED = 17
# Of the range, and of the way to the next event.
ASIDE, OF_GAP = 1e-3, 0.25
MIRRORED = 64
# Of the range, from an event, or further where Newton's method does not come back to the family so
# close to it; and of weights, from the family there.
NEAR, FURTHER, AROUND, SAME = 2e-5, (1, 10, 100), 0.05, 1e-6


@dataclass
class Side:
    """What is known at one teacher: families by name, and what contradicts the sweep."""

    value: float
    met: set[str] = field(default_factory=set)
    solved: set[str] = field(default_factory=set)
    strangers: list[str] = field(default_factory=list)
    joins: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def known(self) -> set[str]:
        """Families that exist, by either way."""
        return self.met | self.solved


def point_of(found, family, value):
    """A family's point at a parameter, by Newton's method on all coordinates; or None."""
    place = int(np.clip(np.searchsorted(family.values, value), 1, len(family.values) - 1))
    low, high = family.values[place - 1 : place + 1]
    share = (value - low) / (high - low)
    first, last = family.weights[place - 1 : place + 1]
    problem = lt.TeacherStudent(found.curve.teacher(value), found.width)
    for bent in (share, np.sqrt(share), 1.0 - np.sqrt(1.0 - share)):
        weights = solved(found.curve, first + bent * (last - first), value)
        if weights is not None and lt.classify(problem, weights).index == family.index:
            return weights
    return None


def searched(problem, starts, jobs, journal):
    """Minima and saddles of index 1, from random starts, mirrored copies and climbs."""
    asked = {"seed": SEED, "jobs": jobs, "journal": journal}
    minima = lt.find_minima(problem, starts=starts, **asked)
    points = [family.point for family in minima.families]
    for weights in mirrored_minima(problem, minima.families[0].weights, SEED, MIRRORED)["ends"]:
        points.append(lt.classify(problem, weights))
    saddles = lt.find_saddles(problem, index=1, starts=starts, known=points, **asked)
    points += [family.point for family in saddles.families]
    return [one for one in points if one.index in (0, 1) and one.nullity == 0]


def joined_by(problem, weights, minima):
    """The families of minima below a pass, or what its descents end in."""
    wide = np.hstack([weights, np.zeros((len(weights), 1))])
    objective = WeightObjective(lt.PopulationLoss(problem), columns=wide.shape[1])
    hessian = objective.hessian(wide.ravel())
    unstable = np.linalg.eigh(hessian)[1][:, 0]
    ends = []
    for side in descend_both(objective, wide.ravel(), unstable):
        end, _ = onward(objective, side)
        there = lt.classify(problem, end.x.reshape(wide.shape))
        graph = point_graph(problem.teacher, there.weights)
        names = [n for n, one in minima.items() if equivalence(one, graph, tolerance=1e-6)]
        ends.append(names[0] if names else f"index {there.index} at {there.loss:.9g}")
    return tuple(sorted(ends))


def side_of(found, value, starts, jobs, journal) -> Side:
    """Search at one teacher, and compare with the sweep."""
    problem = lt.TeacherStudent(found.curve.teacher(value), found.width)
    here = Prefixed(journal, problem.teacher.title)
    points, side = {}, Side(value)
    for family in found.at(value):
        weights = point_of(found, family, value)
        if weights is not None:
            points[family.id] = family, weights, point_graph(problem.teacher, weights)
    side.solved = set(points)
    for point in searched(problem, starts, jobs, here):
        if len(point.weights) < found.width:
            continue
        graph = point_graph(problem.teacher, point.weights)
        names = [
            name
            for name, (family, _, own) in points.items()
            if family.index == point.index and equivalence(own, graph, tolerance=1e-6)
        ]
        if names:
            side.met.update(names)
        else:
            side.strangers.append(f"index {point.index} at {point.loss:.9g}")
    minima = {n: graph for n, (family, _, graph) in points.items() if family.index == 0}
    side.joins = {
        name: joined_by(problem, weights, minima)
        for name, (family, weights, _) in points.items()
        if family.index == 1
    }
    return side


def sides_of(found, number):
    """Parameters below and above an event."""
    values = [found.curve.low, *(event.value for event in found.events), found.curve.high]
    here = values[number + 1]
    reach = ASIDE * (found.curve.high - found.curve.low)
    return tuple(
        here + way * min(reach, OF_GAP * abs(values[number + 1 + way] - here)) for way in (-1, 1)
    )


def differences(event, below: Side, above: Side) -> list[str]:
    """How the two sides differ from what the event says, as sentences."""
    told = []
    gone, new = below.known - above.known, above.known - below.known
    if gone != set(event.before) or new != set(event.after):
        told.append(f"gone are {sorted(gone)}, new are {sorted(new)}")
    for side in (below, above):
        told += [f"{one} at {side.value:.9g} is not in the sweep" for one in side.strangers]
    return told


def around(found, event, tries):
    """Kinds of critical points near an event, by their sides, and those that it does not tell.

    The third list has the sides on which Newton's method does not come back to the family itself,
    so that nothing was looked at.
    """
    families = [one for one in found.families if one.id in (*event.before, *event.after)]
    if event.branching is None or not families:
        return [], [], []
    host = max(families, key=lambda one: one.isotropy_order)
    end = host.weights[-1 if host.id in event.before else 0]
    order = max(host.isotropy_order, 1) * (2 if event.outside else 1)
    if event.outside:
        end = np.pad(end, ((0, 0), (0, 1)))
    told = {(one.side, one.index, one.copies) for one in event.branching.found}
    random, met, strangers, missed = np.random.default_rng(SEED), set(), set(), []
    others = [abs(one.value - event.value) for one in found.events if one is not event]
    room = OF_GAP * min([*others, event.value - found.curve.low, found.curve.high - event.value])
    for side in (-1, 1):
        steps = [near * NEAR * (found.curve.high - found.curve.low) for near in FURTHER]
        tried = [event.value + side * step for step in steps if step < room]
        back = [(value, solved(found.curve, end, value)) for value in tried]
        value, own = next((one for one in back if one[1] is not None), (event.value, None))
        if own is None or np.linalg.norm(own - end) > AROUND:
            missed.append(side)
            continue
        problem = lt.TeacherStudent(found.curve.teacher(value), found.width)
        for _ in range(tries):
            step = random.standard_normal(own.shape)
            step *= AROUND * random.random() / np.linalg.norm(step)
            there = solved(found.curve, own + step, value)
            if there is None or not SAME < np.linalg.norm(there - own) < AROUND:
                continue
            point = lt.classify(problem, there)
            group = isotropy(point_graph(problem.teacher, there), tolerance=SAME)
            kind = side, point.index, order // group.order
            (met if kind in told else strangers).add(kind)
    return sorted(met), sorted(strangers), missed


def compared(found, chosen, starts, jobs, journal) -> int:
    """Go through chosen events, by their numbers; how many contradict."""
    wrong, last = 0, None
    for number in chosen:
        event = found.events[number]
        below, above = (
            side_of(found, value, starts, jobs, journal) for value in sides_of(found, number)
        )
        told = differences(event, below, above)
        met, strangers, missed = around(found, event, 10 * starts)
        told += [f"{kind} (side, index, copies) is not told to branch off" for kind in strangers]
        told += [event.account] if event.balanced is False else []
        wrong += bool(told)
        answer = "; ".join(told) or "as the sweep tells"
        print(f"{number + 1}. {event.value:.10g} {event.kind}: {answer}")
        kinds = len(event.branching.found) if event.branching else 0
        print(f"    branching off: Newton's method met {len(met)} kinds, {kinds} families are told")
        for side in missed:
            print(f"    nothing was looked at {'below' if side < 0 else 'above'} it")
        for side in (below, above):
            unmet = sorted(side.known - side.met)
            print(f"    at {side.value:.9g}: met {sorted(side.met)}, solved for {unmet or 'none'}")
        for before, after, where in ((last, below, "before it"), (below, above, "at it")):
            for name in sorted(after.joins if before else ()):
                ends = before.joins.get(name, after.joins[name])
                if ends != after.joins[name]:
                    print(f"    {where} {name} joined {ends}, then {after.joins[name]}")
        for name in sorted(set(above.joins) - set(below.joins)):
            print(f"    new {name} joins {above.joins[name]}")
        for name in sorted(set(below.joins) - set(above.joins)):
            print(f"    {name} joined {below.joins[name]}")
        sys.stdout.flush()
        last = above
    return wrong


def main() -> int:
    """Sweep, or take the sweep that is kept, and compare; 1 where something contradicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", default="equicorrelated:6:-0.19..0.95")
    parser.add_argument("--width", type=int, default=6)
    parser.add_argument("--events", default=":", metavar="FIRST:LAST", help="from 1, both included")
    parser.add_argument("--starts", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    curve = lt.TeacherCurve.from_spec(options.teacher)
    name = f"sweep-sides-{curve.parameter.name.lower()}-{curve.size}-{options.width}.landtopo"
    with lt.Study.resume(options.folder / name, curve.teacher(curve.low), seed=SEED) as study:
        study.begin("sweep", {"teacher": options.teacher, "width": options.width})
        found = lt.sweep(curve, options.width, jobs=options.jobs, journal=study)
        first, _, last = options.events.partition(":")
        chosen = range(len(found.events))[int(first or 1) - 1 : int(last or len(found.events))]
        wrong = compared(found, chosen, options.starts, options.jobs, study)
    print(f"{len(chosen)} of {len(found.events)} events, {wrong} contradicted.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
