"""`python -m local.trino` gets what a node needs, and tells it; exit code 2 and one line when it cannot be had."""

import sys

from local.child import LocalError
from local.trino import download, java


def main() -> None:
    """Find Java, then the server, which may be downloaded."""
    try:
        jvm = java.find()
        print(f"Trino {download.VERSION} in {download.folder()}, with {jvm}")
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
