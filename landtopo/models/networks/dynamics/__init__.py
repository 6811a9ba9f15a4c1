"""Training as a dynamical system: gradient flow, one-pass SGD, and where they end."""
