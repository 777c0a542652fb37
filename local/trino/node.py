"""Runs the Java process of a Trino node as long as its parent lives (local/child.py).

Its configuration is {"command", "log"}: a command line, and the file for its output. When ready it reports {"pid"}.
"""

import subprocess
from pathlib import Path
from threading import Thread

from local.child import Parent


def main() -> None:
    """Start Java, and kill it when the parent is gone: it has nothing to save."""
    parent = Parent()
    with Path(parent.config["log"]).open("wb") as log:
        java = subprocess.Popen(
            parent.config["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    # Reap the process as soon as it ends, so that the parent sees that it is gone.
    Thread(target=java.wait, daemon=True).start()
    parent.tell_ready(pid=java.pid)
    parent.wait()
    java.kill()
    java.wait()


if __name__ == "__main__":
    main()
