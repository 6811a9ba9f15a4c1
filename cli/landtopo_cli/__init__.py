"""The command line of landtopo."""


def main() -> None:
    """Entry point."""
