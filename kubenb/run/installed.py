"""What is installed in the environment that runs kubenb, as facts.

In: its metadata. Out: `Installed`. Next room: `kubenb.export.image`.
"""

from __future__ import annotations

import sys
from importlib import metadata

from kubenb.export.image import Installed


def installed() -> Installed:
    """Modules, the distributions that hold them, and versions."""
    holders = {module: tuple(sorted(set(names))) for module, names in metadata.packages_distributions().items()}
    versions = {name: metadata.version(name) for names in holders.values() for name in names}
    return Installed(holders, versions, f"{sys.version_info.major}.{sys.version_info.minor}")
