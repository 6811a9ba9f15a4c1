"""The formulas of an activation behind an address, so that loops are compiled once for all of them.

A loop that knows the type of a tag is compiled for each activation, with all that it calls. Here
`_pairs` alone knows it. Loops hold the address of its code, and the tag as words of memory. All
rows of a table are one call, which costs nothing beside the pairs in them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.errors import TypingError
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from landtopo.kernels.compiled import njit
from landtopo.kernels.formula import first, own, second, table, table_size

__all__ = ["FIRST", "SECOND", "SIZE", "TABLES", "Formula", "formula_of", "formula_pairs"]

SIZE, TABLES, FIRST, SECOND = range(4)
_WORD = ir.IntType(64)
_NUMBERS = types.int64, types.int64, types.int64
_ARRAYS = tuple(types.Array(types.float64, ndim, "C") for ndim in (1, 2, 2, 2, 3, 2))


class Formula(NamedTuple):
    """An activation, as loops hold it.

    Attributes
    ----------
    address : int
        Of the code of `_pairs` for the type of the tag, in this process.
    words : ndarray of int64
        The tag: a word for a number; for an array its address and its shape.
    """

    address: int
    words: Any

    def __reduce__(self) -> Any:
        raise TypeError("Addresses hold in one process only; send the activation itself.")


class _Kept:
    """What numpy calls the base of an array: it keeps the tag alive as long as its words."""

    def __init__(self, tag: Any) -> None:
        words: list[int] = []
        for one in tag:
            if isinstance(one, np.ndarray):
                words += [one.ctypes.data, *one.shape]
            else:
                words.append(int(np.float64(one).view(np.int64)))
        self._tag = tag
        self._words = np.array(words, dtype=np.int64)
        self.__array_interface__ = self._words.__array_interface__


def formula_of(tag: Any) -> Formula:
    """An activation, as loops hold it.

    Parameters
    ----------
    tag : named tuple of float and of ndarray of float64

    Returns
    -------
    Formula
    """
    kind = numba.typeof(tag)
    arguments = (types.CPointer(kind), *_NUMBERS, *_ARRAYS)
    _pairs.compile(arguments)
    code = _pairs.overloads[arguments]
    address = code.library.get_pointer_to_function(code.fndesc.llvm_cfunc_wrapper_name)
    return Formula(address, np.asarray(_Kept(tag)))


@intrinsic
def _held(typing_context, pointer):
    """The tag that words stand for."""
    kind = pointer.dtype
    for one in kind.types:
        fits = isinstance(one, types.Array) and one.dtype == types.float64 and one.layout == "C"
        if not fits and one != types.float64:
            raise TypingError(f"The tag {kind} may hold numbers and arrays of float64 only.")

    def lower(context, builder, signature, arguments):
        words = builder.bitcast(arguments[0], _WORD.as_pointer())
        place = 0

        def word():
            nonlocal place
            place += 1
            return builder.load(builder.gep(words, [_WORD(place - 1)]))

        parts = []
        for one in kind.types:
            if one == types.float64:
                parts.append(builder.bitcast(word(), ir.DoubleType()))
                continue
            array = context.make_array(one)(context, builder)
            data = builder.inttoptr(word(), array.data.type)
            shape = [word() for _ in range(one.ndim)]
            strides, size = [], _WORD(8)
            for length in reversed(shape):
                strides.insert(0, size)
                size = builder.mul(size, length)
            populate_array(array, data, shape, strides, _WORD(8), None)
            parts.append(array._getvalue())
        return context.make_tuple(builder, kind, parts)

    return kind(pointer), lower


@intrinsic
def formula_pairs(
    typing_context,
    formula,
    wanted,
    start,
    stop,
    squares,
    products,
    wedges,
    tables,
    out,
    selves,
):
    """What a formula says of students, and of all pairs that they are in (in compiled code).

    Parameters
    ----------
    formula : Formula
    wanted : int
        SIZE: how many numbers a neuron's table has, the result. TABLES: the tables of columns
        start..stop. FIRST: (G, G_p, G_c) of rows start..stop, and of the students themselves.
        SECOND: (G_pp, G_pc, G_qc, G_cc).
    start, stop : int
    squares : ndarray, shape (N,)
    products, wedges : ndarray, shape (K, N)
    tables : ndarray, shape (N, size)
    out : ndarray, shape (3, K, N) or (4, K, N)
    selves : ndarray, shape (K, 3)
        phi, phi' and phi''.
    """
    numbers, arrays = (wanted, start, stop), (squares, products, wedges, tables, out, selves)
    whole = all(isinstance(one, types.Integer) for one in numbers)
    if formula.instance_class is not Formula or not whole or arrays != _ARRAYS:
        raise TypingError(f"Formulas are not called with {numbers} and {arrays}.")

    def lower(context, builder, signature, arguments):
        address, words = (builder.extract_value(arguments[0], i) for i in range(2))
        memory = context.make_array(formula.types[1])(context, builder, words).data
        kinds = [memory.type, *(one.type for one in arguments[1:])]
        code = builder.inttoptr(address, ir.FunctionType(_WORD, kinds).as_pointer())
        return builder.call(code, [memory, *arguments[1:]])

    return types.int64(formula, *_NUMBERS, *_ARRAYS), lower


@njit(cache=True, error_model="numpy", no_cfunc_wrapper=False)
def _pairs(pointer, wanted, start, stop, squares, products, wedges, tables, out, selves):
    tag = _held(pointer)
    if wanted == SIZE:
        return table_size(tag)
    for k in range(start, stop):
        if wanted == TABLES:
            table(tag, squares[k], tables, k)
        elif wanted == FIRST:
            _first_row(
                tag,
                k,
                squares,
                products[k],
                wedges[k],
                tables,
                out[0, k],
                out[1, k],
                out[2, k],
            )
            selves[k, 0], selves[k, 1], selves[k, 2] = own(tag, squares[k], tables, k)
        else:
            _second_row(
                tag,
                k,
                squares,
                products[k],
                wedges[k],
                tables,
                out[0, k],
                out[1, k],
                out[2, k],
                out[3, k],
            )
    return 0


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _first_row(tag, k, squares, c, wedges, tables, g, g_p, g_c):
    p = squares[k]
    for j in range(squares.shape[0]):
        g[j], g_p[j], g_c[j] = first(tag, p, squares[j], c[j], wedges[j], tables, k, j)
    g[k], g_p[k], g_c[k] = 0.0, 0.0, 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract", "nsz"})
def _second_row(tag, k, squares, c, wedges, tables, g_pp, g_pc, g_qc, g_cc):
    p = squares[k]
    for j in range(squares.shape[0]):
        g_pp[j], g_pc[j], g_qc[j], g_cc[j] = second(
            tag, p, squares[j], c[j], wedges[j], tables, k, j
        )
    g_pp[k], g_pc[k], g_qc[k], g_cc[k] = 0.0, 0.0, 0.0, 0.0
