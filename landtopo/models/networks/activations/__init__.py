"""Activations, a file each; see `landtopo.models.networks.activation`."""
