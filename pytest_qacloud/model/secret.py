"""Where a secret is kept, and how it is read; never the secret itself in a pool, a log or a repr."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ConfigError

LONGEST_SECRET = 16 * 1024
"""Bytes; a private key fits, a file named by mistake does not."""


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A secret's place: an environment variable or a file.

    Args:
        kind: `env` or `file`.
        name: the variable's name, or the file's absolute path.
    """

    kind: Literal["env", "file"]
    name: str

    def read(self) -> str:
        """The secret, without the newline that ends a file.

        Raises:
            ConfigError: it is unset, empty, unreadable, too long, or a file that everybody may read.
        """
        if self.kind == "env":
            value = os.environ.get(self.name, "")
            if not value:
                raise ConfigError(f"the environment variable {self.name} is not set; export it and try again")
            return value
        path = Path(self.name)
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError("the secret is not a regular file", file=self.name)
            if status.st_mode & stat.S_IROTH:
                raise ConfigError(f"everybody may read this secret; run: chmod o-rwx {path}", file=self.name)
            if status.st_size > LONGEST_SECRET:
                raise ConfigError(f"a secret is at most {LONGEST_SECRET} bytes long", file=self.name)
            value = path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise ConfigError(f"cannot read the secret: {error.strerror}", file=self.name) from error
        except UnicodeDecodeError as error:
            raise ConfigError("the secret is not UTF-8 text", file=self.name) from error
        if not value:
            raise ConfigError("the secret is empty", file=self.name)
        return value

    def __str__(self) -> str:
        """The place, as pool files write it."""
        return f'{{{self.kind} = "{self.name}"}}'
