"""What a machine gets out of a package repository: for the simulated management server, its build's behaviours."""

from __future__ import annotations

import asyncio

import aiohttp

from .cloudstack.builds import FILE

TIMEOUT_S = 20.0
LARGEST_BYTES = 1 << 20


class PackageError(Exception):
    """The package manager failed; the text is what it says."""


async def fetch(repository: str, timeout_s: float = TIMEOUT_S) -> str:
    """The build's behaviours, as text.

    Args:
        repository: base URL.
        timeout_s: seconds for all of it.

    Raises:
        PackageError: no answer, no such file, or not a small text.
    """
    url = f"{repository.rstrip('/')}/{FILE}"
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(timeout_s), session.get(url) as reply:
            if reply.status != 200:  # OK
                raise PackageError(f"Failed to fetch {url}  {reply.status}  {reply.reason}")
            content = await reply.content.read(LARGEST_BYTES + 1)
            while len(content) <= LARGEST_BYTES and (more := await reply.content.read(LARGEST_BYTES)):
                content += more
    except TimeoutError as error:
        raise PackageError(f"Failed to fetch {url}  no answer within {timeout_s:g} s") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise PackageError(f"Failed to fetch {url}  {error}") from error
    if len(content) > LARGEST_BYTES:
        raise PackageError(f"Failed to fetch {url}  File has unexpected size")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PackageError(f"Failed to fetch {url}  it is no text") from error
