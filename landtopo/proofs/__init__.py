"""Proofs in interval arithmetic: what is certain about points, and about all of them."""
