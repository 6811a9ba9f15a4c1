"""Landscapes that the rest of the library works on, one module or folder each."""
