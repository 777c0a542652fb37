"""Runs the Java of a Trino node for as long as its parent lives (local/child.py).

Takes {"command", "log"}: a command line, and the file for what it prints. Says {"pid"}.
"""

import subprocess
from pathlib import Path
from threading import Thread

from local.child import Parent


def main() -> None:
    """Start it, and kill it when the parent is gone: it has nothing to save."""
    parent = Parent()
    with Path(parent.config["log"]).open("wb") as log:
        java = subprocess.Popen(
            parent.config["command"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    # Its end is noticed at once, so that the parent no longer finds the process.
    Thread(target=java.wait, daemon=True).start()
    parent.tell_ready(pid=java.pid)
    for _ in parent.messages():
        pass
    java.kill()
    java.wait()


if __name__ == "__main__":
    main()
