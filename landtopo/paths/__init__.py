"""Paths between minima: chains, transition states, descents, and complete connections."""
