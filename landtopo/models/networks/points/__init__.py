"""Critical points of a student: reduced networks, readings, certificates, spectra, searches."""
