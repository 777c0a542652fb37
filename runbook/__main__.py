"""`python -m runbook`."""

import signal
import sys

from runbook.cli import run

if __name__ == "__main__":
    # Handle SIGTERM like Ctrl-C, which cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))
