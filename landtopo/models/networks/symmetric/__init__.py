"""Critical points looked for by their symmetry, group by group."""
