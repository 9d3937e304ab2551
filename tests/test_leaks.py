"""The count around every test really sees what it is there to see."""

import os
import subprocess
import sys
import threading

from leaks import left_over, snapshot


def test_nothing_is_left_by_nothing():
    assert left_over(snapshot(), grace=0) == []


def test_a_thread_is_seen_by_name():
    before, stop = snapshot(), threading.Event()
    thread = threading.Thread(target=stop.wait, args=[10], name="forgotten", daemon=True)
    thread.start()
    assert left_over(before, grace=0.05) == ["thread forgotten"]
    stop.set()
    thread.join()


def test_a_thread_that_is_just_ending_is_waited_for():
    before = snapshot()
    threading.Timer(0.05, lambda: None).start()
    assert left_over(before) == []


def test_a_descriptor_is_seen_even_under_a_number_used_before():
    reader, writer = os.pipe()
    before = snapshot()
    os.close(reader)
    os.close(writer)
    again = os.pipe()
    assert len(left_over(before, grace=0)) == 2
    for descriptor in again:
        os.close(descriptor)


def test_a_child_process_is_seen():
    before = snapshot()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert any("child process" in name for name in left_over(before, grace=0))
    child.communicate()
