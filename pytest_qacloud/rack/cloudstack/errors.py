"""CloudStack's error replies.

Codes are those of its `ApiErrorCode` (which are HTTP statuses as well) and of its `CSExceptionErrorCode`.
"""

from __future__ import annotations

from enum import IntEnum

NOT_SIMULATED = "The simulated management server does not implement"
"""How the text of an error begins that says something about this program, not about CloudStack."""


class Code(IntEnum):
    """`errorcode` of a reply, and its HTTP status."""

    BAD_REQUEST = 400
    UNAUTHORIZED = 401
    METHOD_NOT_ALLOWED = 405
    PARAMETER = 431
    UNSUPPORTED = 432
    UNAVAILABLE = 503
    UNAUTHORIZED_2FA = 511
    INTERNAL = 530
    ACCOUNT = 531
    RESOURCE_LIMIT = 532
    CAPACITY = 533
    RESOURCE_UNAVAILABLE = 534
    RESOURCE_ALLOCATION = 535
    RESOURCE_IN_USE = 536
    RULE_CONFLICT = 537


class ApiError(Exception):
    """An error reply.

    Args:
        code: `errorcode`.
        text: `errortext`.
        cs_code: `cserrorcode`, the number of the Java exception behind it.
    """

    def __init__(self, code: Code, text: str, cs_code: int = 9999) -> None:
        self.code, self.text, self.cs_code = code, text, cs_code
        super().__init__(text)

    def body(self, *, unique: bool = True) -> dict[str, object]:
        """The reply's content; `unique` false leaves `cserrorcode` away, as a failed job's result does."""
        body: dict[str, object] = {"errorcode": int(self.code), "errortext": self.text}
        if unique:
            body = {"uuidList": [], "errorcode": int(self.code), "cserrorcode": self.cs_code, "errortext": self.text}
        return body


def invalid(text: str) -> ApiError:
    """A parameter's value is wrong (431)."""
    return ApiError(Code.PARAMETER, text, 4350)


def malformed(text: str) -> ApiError:
    """A parameter is missing or of the wrong type (431)."""
    return ApiError(Code.PARAMETER, text, 9999)


def failed(text: str) -> ApiError:
    """The work itself failed (530)."""
    return ApiError(Code.INTERNAL, text, 4250)


def denied(text: str) -> ApiError:
    """The caller may not do that to this entity (531)."""
    return ApiError(Code.ACCOUNT, text, 4365)


def limit_exceeded(text: str) -> ApiError:
    """An account's or domain's resource limit is reached (535)."""
    return ApiError(Code.RESOURCE_ALLOCATION, text, 4370)


def no_capacity(text: str) -> ApiError:
    """No host, pool or address is left (533)."""
    return ApiError(Code.CAPACITY, text, 4335)


def unavailable(text: str) -> ApiError:
    """A resource exists and cannot be reached (534)."""
    return ApiError(Code.RESOURCE_UNAVAILABLE, text, 4380)


def in_use(text: str) -> ApiError:
    """Something still depends on the entity (536)."""
    return ApiError(Code.RESOURCE_IN_USE, text, 4375)


def conflict(text: str) -> ApiError:
    """Two network rules contradict (537)."""
    return ApiError(Code.RULE_CONFLICT, text, 4360)


def not_simulated(command: str) -> ApiError:
    """The command exists in CloudStack and not here (530)."""
    return ApiError(Code.INTERNAL, f"{NOT_SIMULATED} the command {command}")


def unverified() -> ApiError:
    """Unknown key, wrong signature or expired request (401)."""
    return ApiError(Code.UNAUTHORIZED, "unable to verify user credentials and/or request signature")
