from __future__ import annotations

from itertools import pairwise

import pytest

from pytest_qacloud.marvin.unavailable import NoDatabase, Unavailable, unavailable


def raised(*errors: BaseException) -> BaseException:
    """The last of errors, each raised while the one before was handled."""
    for error, next_error in pairwise(errors):
        next_error.__context__ = error
    return errors[-1]


def test_the_reason_is_found_however_deep() -> None:
    reason = Unavailable("no database")
    assert unavailable(raised(reason, ValueError("warning"), KeyError("again"))) is reason
    assert unavailable(reason) is reason
    wrapped = RuntimeError("outer")
    wrapped.__cause__ = reason
    assert unavailable(wrapped) is reason


def test_other_errors_have_none() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__context__, second.__context__ = second, first
    assert unavailable(first) is None
    assert unavailable(None) is None


@pytest.mark.parametrize("method", ["execute", "executeSqlFromFile"])
def test_sql_without_a_database_is_unavailable(method: str) -> None:
    with pytest.raises(Unavailable, match="the configuration of zone rack1 names none"):
        getattr(NoDatabase("rack1"), method)("select 1")
