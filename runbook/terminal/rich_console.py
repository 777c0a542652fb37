"""Rich's console. Loaded when something is printed with it, because it makes `hla` start later."""

from rich.console import Console


class PipeConsole(Console):
    """A console that raises BrokenPipeError if nobody reads; rich's own ends the process and stdout with it."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line, which ends quietly."""
        raise BrokenPipeError
