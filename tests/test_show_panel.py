"""What all panels do alike: they end when their cell runs again, and with everything else; they leave a picture."""

import base64
import subprocess
import sys
import threading

import pytest

import muxlab
from muxlab import running
from muxlab.show import crowds, duel, playground, race, stepper
from muxlab.show.panel import Panel

pytestmark = pytest.mark.usefixtures("drawing")

EPOLL, SELECT = muxlab.SERVERS["epoll"], muxlab.SERVERS["select"]
BOUND = 10.0  # seconds, for what takes milliseconds

MAKERS = {
    "playground": lambda: playground(EPOLL, connections=5),
    "race": lambda: race(SELECT, EPOLL, connections=5, active=2),
    "crowds": lambda: crowds(SELECT, EPOLL, connections=5),
    "stepper": lambda: stepper(EPOLL, clients=1),
    "duel": lambda: duel(SELECT, EPOLL),
}


@pytest.fixture(params=MAKERS)
def make(request):
    """Return a function that makes a panel, of each kind in turn."""
    return MAKERS[request.param]


def cell_run(monkeypatch, cell, run):
    monkeypatch.setattr(muxlab.notebook, "current_cell", lambda: (cell, run))


def things():
    """Return what is registered as running."""
    return [thing for thing, _ in running._running]


@pytest.mark.slow
def test_running_a_cell_again_closes_its_old_panels(make, monkeypatch):
    cell_run(monkeypatch, "cell", "first run")
    old, twin = make(), make()
    cell_run(monkeypatch, "other cell", "second run")
    elsewhere = make()
    assert old.comm is not None and twin.comm is not None
    cell_run(monkeypatch, "cell", "third run")
    new = make()
    assert old.comm is None and twin.comm is None
    assert elsewhere.comm is not None and new.comm is not None
    assert [panel for panel in things() if isinstance(panel, Panel)] == Panel._panels == [elsewhere, new]


def test_another_kind_of_panel_from_the_same_cell_closes_the_old_one_too(make, monkeypatch):
    cell_run(monkeypatch, "cell", "first run")
    old = stepper(SELECT)
    cell_run(monkeypatch, "cell", "second run")
    make()
    assert old.comm is None and not old.stepper.alive


def test_a_closed_panel_takes_all_its_widgets_off_the_page(make):
    panel = make()
    parts = [panel]
    for part in parts:
        parts += getattr(part, "children", ())
    panel.close()
    panel.close()
    assert [part for part in parts if part.comm is not None] == []
    assert panel not in things() and panel not in Panel._panels


def test_a_closed_panel_may_be_collected_on_any_thread(make):
    """Garbage is collected wherever memory is asked for: in a swarm's thread too, while this one waits for it."""
    panel = make()
    panel.close()
    collector = threading.Thread(target=panel.__del__)
    with Panel._lock:
        collector.start()
        collector.join(BOUND)
        assert not collector.is_alive()


@pytest.mark.slow
def test_stop_all_stops_every_panel_and_keeps_it_in_sight():
    live, live_race = MAKERS["playground"](), MAKERS["race"]()
    one, two = MAKERS["stepper"](), MAKERS["duel"]()
    live.start()
    live_race.start()
    muxlab.stop_all()
    assert not live.running and not live_race.running
    assert (one.view["status"], two.view["ended"]) == ("stopped", True)
    assert all(panel.comm is not None for panel in (live, live_race, one, two))
    assert live.display.message == live_race.display.message == ""


@pytest.mark.parametrize(
    ("kind", "interrupted"),
    [
        ("playground", "muxlab.show.playground.Recorder.note"),
        ("race", "muxlab.show.race.Lap.look"),
        ("crowds", "muxlab.show.crowds.Watch.look"),
        ("stepper", "muxlab.show.stepper_view.moment"),
        ("duel", "muxlab.stepper.Stepper.run_until_blocked"),
    ],
)
def test_an_interrupt_while_a_panel_is_built_leaves_nothing(kind, interrupted, monkeypatch):
    """What runs and what is open is counted around every test."""

    def interrupt(*arguments):
        raise KeyboardInterrupt

    owner, _, name = interrupted.rpartition(".")
    module, _, thing = owner.rpartition(".")
    target = sys.modules.get(owner) or getattr(sys.modules[module], thing)
    monkeypatch.setattr(target, name, interrupt)
    with pytest.raises(KeyboardInterrupt):
        MAKERS[kind]()
    assert Panel._panels == [] and things() == []


@pytest.mark.slow
def test_a_panel_is_a_picture_where_no_kernel_runs(make):
    bundle = make()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "application/vnd.jupyter.widget-view+json", "image/png"}
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


def test_a_kind_of_panel_has_to_say_how_it_stops():
    class Half(Panel):
        def _begin(self):
            pass

    with pytest.raises(TypeError, match="abstract"):
        Half()


def test_panels_are_called_as_their_modules_even_when_a_module_is_imported_first():
    code = "import muxlab.show.race; import muxlab; print(callable(muxlab.show.race), callable(muxlab.show.predict))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.split() == ["True", "True"]


def test_nothing_heavy_is_imported_before_it_is_used():
    code = "import sys, muxlab; print({'matplotlib', 'ipywidgets', 'anywidget', 'numpy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "set()"
