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


def test_a_child_process_that_has_ended_is_seen_until_it_is_waited_for():
    before = snapshot()
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout.read() == b""  # it has closed its end, or is a zombie by now
    assert any("child process" in name for name in left_over(before, grace=0))
    child.wait()
    child.stdout.close()
    assert left_over(before) == []


def test_a_child_process_that_another_thread_has_started_is_seen():
    before, started = snapshot(), []
    thread = threading.Thread(target=lambda: started.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE)))
    thread.start()
    thread.join()
    assert any("(cat)" in name for name in left_over(before, grace=0))
    started[0].communicate()
