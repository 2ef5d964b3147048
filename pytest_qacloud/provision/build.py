"""What is tested: a name for the reports, and where it is installed from."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ConfigError
from ..model import Build


def resolve_build(text: str) -> Build:
    """A build out of what the user wrote.

    Args:
        text: the URL of a package repository, which is then installed; anything else is a name for what the pool's
            images and Puppet classes install by themselves.

    Raises:
        ConfigError: a URL that is not HTTP(S), or carries a password; a name with white space.
    """
    if any(character.isspace() for character in text) or not text:
        raise ConfigError(f"--qacloud-build={text!r}: a build is one word: a name, or the URL of a package repository")
    if "://" not in text:
        return Build(name=text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ConfigError(f"--qacloud-build: this is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError("--qacloud-build: a package repository has an http or https URL")
    if parts.password or parts.username:
        raise ConfigError(
            "--qacloud-build: a URL with a password in it would end up in every log; use a repository without"
        )
    return Build(name=text, repository=text)
