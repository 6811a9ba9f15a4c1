"""Databases of minima and transition states: directories of files that other programs share."""
