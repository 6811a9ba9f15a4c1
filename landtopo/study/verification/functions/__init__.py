"""The same for studies of models: each number from values of the function, or by an integrator."""
