"""The command `hla`, which is also `python -m runbook`."""

import signal
import sys


def main() -> None:
    """Run the command line of this process."""
    # Handle SIGTERM like Ctrl-C, which cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from runbook.cli import run
    except ModuleNotFoundError as missing:
        # Of ours, nothing is missing: this is Python without the packages that we need.
        sys.exit(
            f"error: this Python has no package {missing.name}: install the command with `pipx install .` and run "
            "`hla`, or run `make .venv/.installed` and `.venv/bin/hla`"
        )
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
