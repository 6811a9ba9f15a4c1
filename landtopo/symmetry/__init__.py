"""Permutation groups: orders, members, searches, and spectra from irreducible blocks."""
