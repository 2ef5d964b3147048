"""The base of all responses."""


class baseResponse:
    """A response; its attributes are the fields that the command may answer with."""
