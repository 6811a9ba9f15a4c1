"""Partition refinement and symmetry search on complete graphs with integer colours, compiled.

Letters, used in this module only. A graph has n vertices and a symmetric matrix `colours` of
integers, the vertices' own colours on its diagonal. An ordered partition is a pair of arrays:
`order` lists the vertices cell by cell, `size[p]` is the number of vertices in the cell that starts
at position p, and 0 where no cell starts.

*Refinement* splits cells until any two vertices of a cell see every cell with the same multiset of
colours. Rows of colours are compared as sorted lists and never hashed, so the order of the cells
depends only on which colour is the smaller one. The *trace* is a hash of everything seen on the
way; equal graphs have equal traces, and a false agreement costs time and never correctness, because
a map is accepted only when it carries one whole matrix into the other.

*Search*: the first path individualises the first vertex of the first cell that is not a single
vertex, and refines, until all cells are single; the vertices so chosen are a base of the
automorphism group. From the end of the path backwards, each other vertex of the cell is tried as an
image of the base vertex, unless the automorphisms known already carry it to one that was tried. The
generators found are a strong generating set for the base (Sims; McKay, "Practical graph
isomorphism", 1981).
"""

import numpy as np

from landtopo.kernels.compiled import njit
from landtopo.kernels.vectors import write

__all__ = ["automorphisms", "find_map", "first_path", "individualised", "refine"]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@njit(cache=True)
def _mixed(trace, value):
    trace = (trace ^ np.uint64(value + 1)) * _MULTIPLIER
    return trace ^ (trace >> _SHIFT)


@njit(cache=True)
def _sort(row, length):
    # Shell's method: few numbers are nearly always sorted here.
    gap = 1 if length < 24 else 13
    while gap > 0:
        for i in range(gap, length):
            value = row[i]
            j = i - gap
            while j >= 0 and row[j] > value:
                row[j + gap] = row[j]
                j -= gap
            row[j + gap] = value
        gap //= 3


@njit(cache=True)
def _compare(left, right, length):
    for i in range(length):
        if left[i] != right[i]:
            return -1 if left[i] < right[i] else 1
    return 0


@njit(cache=True)
def refine(colours, order, size, first, rows):
    """Refine a partition in place and return its trace.

    Parameters
    ----------
    colours : (n, n) int64
    order, size : (n,) int64
        The partition; changed.
    first : int
        Start of the only cell that can split others, or -1 when every cell can.
    rows : (n, n) int64
        Scratch.

    Returns
    -------
    uint64
    """
    n = len(order)
    trace = np.uint64(n)
    waiting = np.zeros(n, dtype=np.bool_)
    queue = np.empty(n, dtype=np.int64)
    members = np.empty(n, dtype=np.int64)
    index = np.empty(n, dtype=np.int64)
    moved = np.empty(n, dtype=np.int64)
    head = 0
    count = 0
    cells = 0
    start = 0
    while start < n:
        cells += 1
        if first < 0 or start == first:
            queue[count] = start
            count += 1
            waiting[start] = True
        start += size[start]
    while count > 0 and cells < n:
        splitter = queue[head]
        head = (head + 1) % n
        count -= 1
        waiting[splitter] = False
        width = size[splitter]
        for i in range(width):
            members[i] = order[splitter + i]
        trace = _mixed(trace, splitter)
        start = 0
        while start < n:
            length = size[start]
            differs = False
            for i in range(length):
                vertex = order[start + i]
                for j in range(width):
                    rows[i, j] = colours[vertex, members[j]]
                _sort(rows[i], width)
                if i > 0 and not differs:
                    differs = _compare(rows[0], rows[i], width) != 0
            if not differs:
                for j in range(width):
                    trace = _mixed(trace, rows[0, j])
                start += length
                continue
            # Stable insertion: vertices that look alike keep their order, so that the maps found
            # by the search move few vertices.
            for i in range(length):
                j = i - 1
                while j >= 0 and _compare(rows[index[j]], rows[i], width) > 0:
                    index[j + 1] = index[j]
                    j -= 1
                index[j + 1] = i
            for i in range(length):
                moved[i] = order[start + index[i]]
            largest = 0
            largest_at = start
            begin = 0
            for i in range(1, length + 1):
                if i < length and _compare(rows[index[begin]], rows[index[i]], width) == 0:
                    continue
                size[start + begin] = i - begin
                cells += 1
                trace = _mixed(trace, i)
                for j in range(width):
                    trace = _mixed(trace, rows[index[begin], j])
                if i - begin > largest:
                    largest = i - begin
                    largest_at = start + begin
                begin = i
            cells -= 1
            for i in range(length):
                order[start + i] = moved[i]
            # A cell that is waiting as a whole waits in all its parts; otherwise what the largest
            # part sees follows from the whole and the others.
            whole = waiting[start]
            part = start
            while part < start + length:
                if not waiting[part] and (whole or part != largest_at):
                    queue[(head + count) % n] = part
                    count += 1
                    waiting[part] = True
                part += size[part]
            start += length
    return _mixed(trace, cells)


@njit(cache=True)
def _individualise(order, size, cell, at):
    """Make the vertex at position cell + at a cell of its own, before the rest of its cell."""
    chosen = order[cell + at]
    order[cell + at] = order[cell]
    order[cell] = chosen
    size[cell + 1] = size[cell] - 1
    size[cell] = 1


@njit(cache=True)
def individualised(order, size, cell, at):
    """A copy of a partition with the vertex at position cell + at in a cell of its own, first."""
    order = order.copy()
    size = size.copy()
    _individualise(order, size, cell, at)
    return order, size


@njit(cache=True)
def _first_open(size):
    start = 0
    while start < len(size):
        if size[start] > 1:
            return start
        start += size[start]
    return -1


@njit(cache=True)
def first_path(colours, order, size):
    """Refine a partition, then individualise and refine along the first path to the end.

    Returns
    -------
    cells : (k,) int64
        Start of the cell that is opened at each level.
    traces : (k + 1,) uint64
    orders, sizes : (k + 1, n) int64
        Partition at each level, before a vertex is individualised there.
    """
    n = len(order)
    rows = np.empty((n, n), dtype=np.int64)
    orders = np.empty((n + 1, n), dtype=np.int64)
    sizes = np.empty((n + 1, n), dtype=np.int64)
    cells = np.empty(n, dtype=np.int64)
    traces = np.empty(n + 1, dtype=np.uint64)
    write(orders[0], order)
    write(sizes[0], size)
    traces[0] = refine(colours, orders[0], sizes[0], np.int64(-1), rows)
    level = 0
    while True:
        cell = _first_open(sizes[level])
        if cell < 0:
            break
        cells[level] = cell
        orders[level + 1] = orders[level]
        sizes[level + 1] = sizes[level]
        _individualise(orders[level + 1], sizes[level + 1], cell, 0)
        traces[level + 1] = refine(colours, orders[level + 1], sizes[level + 1], cell, rows)
        level += 1
    return (
        cells[:level].copy(),
        traces[: level + 1].copy(),
        orders[: level + 1].copy(),
        sizes[: level + 1].copy(),
    )


@njit(cache=True)
def _agrees(colours_a, colours_b, image):
    n = len(image)
    for i in range(n):
        for j in range(i + 1):
            if colours_a[i, j] != colours_b[image[i], image[j]]:
                return False
    return True


@njit(cache=True)
def find_map(colours_a, leaf, cells, traces, colours_b, orders, sizes, first, forced, limit, image):
    """Look for a vertex map that carries graph a into graph b, along the first path of a.

    Parameters
    ----------
    colours_a, colours_b : (n, n) int64
    leaf, cells, traces
        Last order, cells and traces of the first path of a.
    orders, sizes : (k + 1, n) int64
        Scratch; row `first` holds the partition of b at that level.
    first : int
        Level at which the search starts.
    forced : int
        Place in the cell of the only vertex to try at level `first`, or -1 for all.
    limit : int
        Number of refinements after which the search gives up.
    image : (n,) int64
        Result: vertex i of a goes to vertex image[i] of b.

    Returns
    -------
    int
        1 found, 0 there is none, -1 gave up.
    """
    n = len(leaf)
    depth = len(cells)
    rows = np.empty((n, n), dtype=np.int64)
    tried = np.zeros(depth + 1, dtype=np.int64)
    steps = 0
    level = first
    while level >= first:
        if level == depth:
            for i in range(n):
                image[leaf[i]] = orders[depth, i]
            if _agrees(colours_a, colours_b, image):
                return 1
            level -= 1
            continue
        cell = cells[level]
        at = tried[level]
        tried[level] += 1
        if at == sizes[level, cell] or (level == first and forced >= 0 and at > 0):
            level -= 1
            continue
        if level == first and forced >= 0:
            at = forced
        if steps == limit:
            return -1
        steps += 1
        orders[level + 1] = orders[level]
        sizes[level + 1] = sizes[level]
        _individualise(orders[level + 1], sizes[level + 1], cell, at)
        trace = refine(colours_b, orders[level + 1], sizes[level + 1], cell, rows)
        if trace == traces[level + 1]:
            level += 1
            tried[level] = 0
    return 0


@njit(cache=True)
def _root(parent, vertex):
    while parent[vertex] != vertex:
        parent[vertex] = parent[parent[vertex]]
        vertex = parent[vertex]
    return vertex


@njit(cache=True)
def automorphisms(colours, order, size, limit):
    """Automorphism group of a graph with a partition: a strong generating set and its orbits.

    Parameters
    ----------
    colours : (n, n) int64
    order, size : (n,) int64
        Partition whose cells the group preserves.
    limit : int
        Number of refinements after which one search for a map gives up.

    Returns
    -------
    complete : bool
        False when a search gave up.
    base : (k,) int64
        Base vertices.
    lengths : (k,) int64
        Orbit of base vertex i under the stabiliser of those before it; the order is the product.
    generators : (g, n) int64
    levels : (g,) int64
        Generator j fixes the first levels[j] base vertices.
    cells, orders, sizes
        The first path.
    """
    n = len(order)
    cells, traces, orders, sizes = first_path(colours, order, size)
    depth = len(cells)
    leaf = orders[depth]
    base = np.empty(depth, dtype=np.int64)
    lengths = np.ones(depth, dtype=np.int64)
    # Every generator joins two orbits of those before it, so there are fewer than n.
    generators = np.empty((max(n - 1, 1), n), dtype=np.int64)
    levels = np.empty(max(n - 1, 1), dtype=np.int64)
    found = 0
    parent = np.arange(n)
    failed = np.empty(n, dtype=np.int64)
    scratch_orders = np.empty_like(orders)
    scratch_sizes = np.empty_like(sizes)
    complete = True
    for level in range(depth - 1, -1, -1):
        cell = cells[level]
        length = sizes[level, cell]
        chosen = orders[level, cell]
        base[level] = chosen
        failures = 0
        for at in range(1, length):
            vertex = orders[level, cell + at]
            root = _root(parent, vertex)
            if root == _root(parent, chosen):
                continue
            known = False
            for i in range(failures):
                if _root(parent, failed[i]) == root:
                    known = True
                    break
            if known:
                continue
            write(scratch_orders[level], orders[level])
            write(scratch_sizes[level], sizes[level])
            outcome = find_map(
                colours,
                leaf,
                cells,
                traces,
                colours,
                scratch_orders,
                scratch_sizes,
                level,
                at,
                limit,
                generators[found],
            )
            if outcome == 1:
                levels[found] = level
                for i in range(n):
                    left = _root(parent, i)
                    right = _root(parent, generators[found, i])
                    if left != right:
                        parent[right] = left
                found += 1
            else:
                complete = complete and outcome == 0
                failed[failures] = vertex
                failures += 1
        root = _root(parent, chosen)
        for at in range(1, length):
            if _root(parent, orders[level, cell + at]) == root:
                lengths[level] += 1
    return (
        complete,
        base,
        lengths,
        generators[:found].copy(),
        levels[:found].copy(),
        cells,
        orders,
        sizes,
    )
