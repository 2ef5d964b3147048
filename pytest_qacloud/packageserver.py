"""Serves a build's packages to the machines that install them, for as long as they may need them."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from .errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

log = logging.getLogger(__name__)


class _Files(SimpleHTTPRequestHandler):
    """GET and HEAD of files; nothing else, and no listings."""

    timeout = 60

    def list_directory(self, _path: object) -> None:
        """Folders have no page."""
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        log.debug("packages: %s %s", self.client_address[0], format % args)


@contextmanager
def serve(folder: Path, address: str) -> Iterator[str]:
    """Serve a folder's files on a port that the kernel picks; its URL.

    Args:
        address: of this machine, which the others can reach.

    Raises:
        ConfigError: nothing can listen there.
    """
    try:
        server = ThreadingHTTPServer((address, 0), partial(_Files, directory=str(folder)))
    except OSError as error:
        raise ConfigError(
            f"builds cannot be served on {address}: {error.strerror}; correct listen in [gate] of qacloud.toml"
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05), name="packages", daemon=True)
    thread.start()
    try:
        yield f"http://{address}:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
