"""Do one thing for many machines at once: threads, a bound, the first cause kept."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
R = TypeVar("R")

WIDEST = 256
"""Threads at most; one that waits for a machine costs next to nothing."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T, R]):
    """What became of one item: a value or an error."""

    item: T
    value: R | None = None
    error: BaseException | None = None


class _Gate:
    """Counts who is inside, and lets nobody in once it is shut.

    Waiting for the executor's threads is not enough: one whose start was interrupted is not known to it.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._shut = False

    def __enter__(self) -> None:
        with self._changed:
            if self._shut:
                raise CancelledError
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def shut(self) -> None:
        """Let nobody in any more, and wait until nobody is inside."""
        with self._changed:
            self._shut = True
            self._changed.wait_for(lambda: self._inside == 0)


def for_each(
    items: Sequence[T],
    action: Callable[[T], R],
    *,
    check: Callable[[], None] = lambda: None,
    width: int = WIDEST,
) -> list[Outcome[T, R]]:
    """Run `action` for every item, side by side, to the end, whatever fails.

    When the calling thread is interrupted, items that have not begun are dropped, those that have are waited for, and
    the interrupt goes on: whoever interrupts must also make `check`, or what the actions themselves look at, raise.

    Args:
        check: called before every action in its thread; what it raises is that item's error (a lease's check).

    Returns:
        One outcome an item, in the items' order. Exceptions are in there, not raised; `raise_all` raises them.
    """
    if not items:
        return []

    gate = _Gate()

    def guarded(item: T) -> R:
        with gate:
            check()
            return action(item)

    with ThreadPoolExecutor(max_workers=min(width, len(items)), thread_name_prefix="qacloud") as executor:
        try:
            futures = [executor.submit(guarded, item) for item in items]
            pending = set(futures)
            while pending:
                _, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        except BaseException:
            gate.shut()
            raise
    return [
        Outcome(item, error=future.exception()) if future.exception() else Outcome(item, value=future.result())
        for item, future in zip(items, futures, strict=True)
    ]


def raise_all(outcomes: Sequence[Outcome[T, R]], message: str) -> list[R]:
    """The values, when nothing failed.

    Raises:
        BaseException: the error itself, where only one item failed.
        ExceptionGroup: all of them, in the items' order, where several did.
    """
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup(message, errors)
    return [outcome.value for outcome in outcomes]  # type: ignore[misc]  # no error, so a value
