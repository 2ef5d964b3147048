"""The base of all commands."""


class baseCmd:
    """A command; its attributes are its parameters."""
