"""The ports of `make up`: the same each time, so that the environment of a second terminal stays valid."""

import socket

from local.child import LocalError

# Of no service that IANA's registry names, and below the ports that Linux and macOS give to outgoing connections.
AWS, HEROKU, GATEWAY = 29401, 29402, 29403


def check_free(option: str, port: int) -> None:
    """LocalError, with the option to change, if something listens on the port. Port 0, any free one, is always free."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise LocalError(
            f"port {port} is not available ({error.strerror}): stop what uses it, perhaps another `make up`, "
            f"or choose another: make up ARGS='{option} {port + 10}'"
        ) from None
