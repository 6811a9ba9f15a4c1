"""Flat directions: from the null space of a Hessian to the shape of the flat set."""
