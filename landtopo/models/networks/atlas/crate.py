"""The data of an atlas as one archive that can be cited: an RO-Crate, zipped.

Source: RO-Crate Metadata Specification 1.1 (https://w3id.org/ro/crate/1.1).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from io import BytesIO

from landtopo._version import __version__

__all__ = ["METADATA", "archive", "metadata"]

METADATA = "ro-crate-metadata.json"
_TYPES = {
    ".json": "application/json",
    ".graphml": "application/xml",
    ".csv": "text/csv",
    ".html": "text/html",
}
# Archives hold no time but this, the first that their format knows.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def metadata(files: Sequence[tuple[str, int]], *, date: str, commands: Sequence[str]) -> str:
    """The description of the crate.

    Parameters
    ----------
    files : sequence of (str, int)
        Paths and sizes in bytes.
    date : str
        Of publication, as YYYY-MM-DD.
    commands : sequence of str
        What made the data.
    """
    software = f"https://pypi.org/project/landtopo/{__version__}/"
    parts = [
        {
            "@id": path,
            "@type": "File",
            "contentSize": str(size),
            "encodingFormat": _TYPES.get(path[path.rfind(".") :], "application/octet-stream"),
        }
        for path, size in files
    ]
    graph = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "Atlas of loss landscapes of two-layer networks",
            "description": "Families of minima of population losses, and the passes between them, "
            "under permanent labels.",
            "datePublished": date,
            "license": {"@id": "https://spdx.org/licenses/CC0-1.0"},
            "hasPart": [{"@id": path} for path, _ in files],
            "mentions": [{"@id": f"#run-{number}"} for number in range(len(commands))],
        },
        {
            "@id": software,
            "@type": "SoftwareApplication",
            "name": "landtopo",
            "version": __version__,
        },
        *(
            {
                "@id": f"#run-{number}",
                "@type": "CreateAction",
                "name": command,
                "instrument": {"@id": software},
                "result": {"@id": "./"},
            }
            for number, command in enumerate(commands)
        ),
        *parts,
    ]
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(crate, indent=1) + "\n"


def archive(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip file whose bytes depend on its contents alone."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for path, content in files:
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            # Made on any system, the file says it was made on one.
            entry.create_system = 3
            packed.writestr(entry, content)
    return stream.getvalue()
