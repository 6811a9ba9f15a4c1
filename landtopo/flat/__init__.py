"""Flat directions of any function: null spaces, what is in them, and curves along them."""
