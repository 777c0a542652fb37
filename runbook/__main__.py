"""`python -m runbook`."""

import signal
import sys

from runbook.cli import run

if __name__ == "__main__":
    # A stop by whatever started us ends it as Ctrl-C does: in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))
