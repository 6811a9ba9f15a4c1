"""One module a command; each has a `command`, and adding a module is all it takes."""
