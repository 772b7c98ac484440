"""A step to measure the overhead of an executor: it only writes one character more than it reads."""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Write the texts of all ``--read=PATH`` and one ``.`` to ``--write=PATH``."""
    options = [argument.partition("=")[::2] for argument in arguments]
    text = "".join(Path(path).read_text() for name, path in options if name == "--read")
    for name, path in options:
        if name == "--write":
            Path(path).write_text(text + ".")


if __name__ == "__main__":
    main(sys.argv[1:])
