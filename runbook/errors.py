"""What can keep a command from an answer. Each is shown as one line on stderr, and the exit code is 2."""


class RunbookError(Exception):
    """Why there is no answer, in one line that says what to do."""


class Denied(RunbookError):
    """The credentials in use lack a right: nothing is known of what was asked for."""
