"""The graph of families: built, measured and compared."""
