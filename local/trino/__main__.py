"""`python -m local.trino` installs what a node needs; exit code 2 and one line if that is not possible."""

import sys

from local.child import LocalError
from local.trino import download, java


def main() -> None:
    """Find Java, then the server, which is downloaded if needed."""
    try:
        jvm = java.find()
        print(f"Trino {download.VERSION} in {download.folder()}, with {jvm}")
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
