"""The file formats: every module here defines one, as FORMAT."""
