"""Families of critical points over a parameter of the teacher."""
