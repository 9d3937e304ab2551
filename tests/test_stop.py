"""The signal that tells a server to return, and what else may wake it."""

import select
import signal
import threading
import time

import pytest

from muxlab.stop import Stop
from muxlab.watch.kernel import asleep_in


def when_the_main_thread_sleeps(work) -> None:
    """Do some work in another thread, as soon as the main thread sleeps in a select."""

    def wait_and_work() -> None:
        end = time.monotonic() + 10
        while asleep_in(threading.main_thread()) != "select" and time.monotonic() < end:
            time.sleep(0.001)
        work()

    threading.Thread(target=wait_and_work).start()


def test_a_signal_that_interrupts_no_call_wakes_the_server_all_the_same() -> None:
    """It arrives in another thread here; one that arrives just before the call has the same effect."""
    stop = Stop()
    began = time.monotonic()
    with stop.woken_by_signals(), pytest.raises(KeyboardInterrupt):
        when_the_main_thread_sleeps(lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
        select.select([stop], [], [], 60)
        select.select([], [], [], 0)  # Python looks for signals, and raises
    assert time.monotonic() - began < 60, "it slept on, although a signal had come"
    stop.close()
    assert signal.set_wakeup_fd(-1) == -1, "the signals still go to the pipe"


def test_stop_can_be_closed_twice_and_set_afterwards() -> None:
    stop = Stop()
    stop.set()
    assert select.select([stop], [], [], 0)[0]
    stop.close()
    stop.close()
    stop.set()
    assert stop.fileno() == -1
