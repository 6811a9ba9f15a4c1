"""The compiled room: pair integrals, their derivatives, and the loops that call them most."""
