"""One run of the flusher in a process of its own, which `benchmarks.flusher` starts.

Prints JSON to stderr: the CPU seconds of the run, those of INIT, and the peak of the process's memory in MB.
"""

import json
import re
import sys
import time
from pathlib import Path


def main() -> None:
    """Flush, and print; the exit status is the flusher's."""
    begin = time.process_time()
    from receiver.flusher.__main__ import main as flush

    ready = time.process_time()
    status = flush()
    ended = time.process_time()
    # Not getrusage's ru_maxrss, which begins with the parent's.
    [peak_kb] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    print(json.dumps({"run": ended - ready, "INIT": ready - begin, "MB": int(peak_kb) / 1024}), file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
