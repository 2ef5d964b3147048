"""What a run keeps in its folder: the journal, its own log, and that of the suites; none of them holds a secret."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .errors import ConfigError
from .journal import Journal, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def open_journal(folder: Path, redact: Redactor) -> Journal:
    """The run's journal; its folder is made.

    Raises:
        ConfigError: the folder cannot be made.
    """
    make_folder(folder)
    try:
        return Journal(folder / "journal.jsonl", redact)
    except OSError as error:
        raise _unmade(folder, error) from error


def make_folder(folder: Path) -> None:
    """A run's folder.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unmade(folder, error) from error


def _unmade(folder: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"the run's folder cannot be made: {error.strerror}; name another with --qacloud-runs-dir", file=str(folder)
    )


LOGS = {"pytest_qacloud": "run.log", "marvin": "marvin.log"}
"""Loggers and their files in the run's folder: this package's own, and what suites and their API calls say."""


class _RedactingFormatter(logging.Formatter):
    """Formats a record and then replaces the secrets in the whole text, traceback included."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


@contextmanager
def log_files(folder: Path, redact: Redactor) -> Iterator[None]:
    """The logs of a run, in its folder."""
    opened = []
    for name, file_name in LOGS.items():
        logger, handler = logging.getLogger(name), logging.FileHandler(folder / file_name, encoding="utf-8", delay=True)
        handler.setFormatter(_RedactingFormatter(redact))
        opened.append((logger, handler, logger.level))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for logger, handler, level in opened:
            logger.removeHandler(handler)
            logger.setLevel(level)
            handler.close()
