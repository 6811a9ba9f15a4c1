"""Studies of other activations than ReLU: points and transitions of their graphs."""
