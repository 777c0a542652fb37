"""Where things are that tests read."""

from pathlib import Path

PROJECT = Path(__file__).parent.parent.parent
DOCS = PROJECT / "docs"
GOLDEN = PROJECT / "tests" / "golden"
