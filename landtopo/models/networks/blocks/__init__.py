"""Families of critical points told by a few numbers, at any size of the teacher."""
