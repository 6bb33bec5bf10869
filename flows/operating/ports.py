"""Ports of this machine."""

import socket

from storage.errors import InputError


def check_free(port: int, instead: str) -> None:
    """Raises InputError where a program listens at the port; `instead` names what to give in its place."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            said = f"port {port} is taken by another program ({error.strerror})"
            raise InputError(f"{said}; give {instead}") from error
