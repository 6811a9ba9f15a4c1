"""The atlas: landscapes and families of minima under permanent labels, as a site of static pages.

Entries say which landscapes there are, graphs are built one by one and kept, labels give every
family the number it had before, pages and the archive are written from graphs alone.
"""
