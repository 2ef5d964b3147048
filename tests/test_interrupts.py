"""Signals become a flag for threads and an interrupt for the main thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from pytest_qacloud.errors import LeaseLostError, StoppedError
from pytest_qacloud.interrupts import SIGNALS, Interrupts, all_of


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_the_main_thread_and_tells_the_others(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with Interrupts() as interrupts:
        interrupts.check()
        with pytest.raises(KeyboardInterrupt, match=number.name):
            os.kill(os.getpid(), number)
        with pytest.raises(StoppedError, match="told to stop"):
            interrupts.check()

    assert [signal.getsignal(each) for each in SIGNALS] == before


def test_a_sleeping_thread_wakes_up_with_the_signal() -> None:
    with Interrupts() as interrupts:
        thread = threading.Thread(target=interrupts.sleep, args=(600,))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        thread.join()


def test_without_a_signal_it_is_a_clock() -> None:
    interrupts = Interrupts()
    before_s = interrupts.now()

    interrupts.sleep(0.01)
    interrupts.sleep(-1)

    assert before_s + 0.01 <= interrupts.now() <= time.monotonic()


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    seen: list[object] = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_handler_that_python_does_not_know_becomes_the_default() -> None:
    program = """
import ctypes, signal
from pytest_qacloud.interrupts import Interrupts
libc = ctypes.CDLL(None)
libc.signal.argtypes, libc.signal.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p
libc.signal(signal.SIGTERM, ctypes.cast(libc.abs, ctypes.c_void_p))
faked = signal.signal
signal.signal = lambda number, action: faked(number, action) and None  # as for a handler set in C
with Interrupts():
    pass
print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == "True\n"


def test_several_checks_are_one_in_their_order() -> None:
    called: list[str] = []

    def lost() -> None:
        called.append("lease")
        raise LeaseLostError("rack1", 7, "expired")

    with pytest.raises(LeaseLostError):
        all_of(lambda: called.append("first"), lost, lambda: called.append("never"))()

    assert called == ["first", "lease"]


def test_a_failure_elsewhere_stops_the_threads_without_a_signal() -> None:
    interrupts = Interrupts()
    thread = threading.Thread(target=interrupts.sleep, args=(600,))
    thread.start()

    interrupts.stop()

    thread.join()
    with pytest.raises(StoppedError):
        interrupts.check()


def test_a_thread_that_shares_it_leaves_the_main_threads_signals_alone() -> None:
    with Interrupts() as interrupts:
        taken = signal.getsignal(signal.SIGTERM)

        def share() -> None:
            with interrupts:
                pass

        thread = threading.Thread(target=share)
        thread.start()
        thread.join()
        assert signal.getsignal(signal.SIGTERM) == taken
