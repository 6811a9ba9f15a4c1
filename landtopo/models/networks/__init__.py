"""Two-layer students that learn from a two-layer teacher on Gaussian inputs."""
