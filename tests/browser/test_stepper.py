"""The stepper and the duel in a real JupyterLab: by mouse and by keyboard, in a narrow window, by light and by dark."""

import pytest
from harness import THEME

pytestmark = pytest.mark.browser

SERVER = """import select
import muxlab

def my_server(listener):
    epoll = select.epoll()
    epoll.register(listener, select.EPOLLIN)
    clients = {}
    while True:
        for fd, event in epoll.poll():
            if fd == listener.fileno():
                client, address = listener.accept()
                clients[client.fileno()] = client
                epoll.register(client, select.EPOLLIN)
            else:
                data = clients[fd].recv(4)
                if data:
                    reply(clients[fd], data)
                else:
                    clients.pop(fd).close()

def reply(client, data):
    client.send(data)
"""
FORGETFUL = SERVER.replace("register(client, select.EPOLLIN)", "register(client, select.EPOLLIN | select.EPOLLET)")
STEPPER = "muxlab.show.stepper(my_server)"
DUEL = 'muxlab.show.duel(muxlab.SERVERS["epoll"], my_server, times=1)'

ANSWERED = "before => document.querySelector('.ms').dataset.answered !== before"
SIDEWAYS = """() => {
    const panel = document.querySelector('.ms'), edge = panel.getBoundingClientRect().right;
    const nodes = [...panel.querySelectorAll('*')];
    return nodes.filter(node => node.getBoundingClientRect().right > edge + 0.5 || ['auto', 'scroll'].includes(
        getComputedStyle(node).overflowX) && node.scrollWidth > node.clientWidth).map(node => node.className);
}"""
FIXED = ".ms-controls button, .ms-source, .ms-code, .ms-status, .ms-new, .ms-lanes, .ms-list"
PLACES = """fixed => [...document.querySelectorAll(fixed)]
    .map(node => node.getBoundingClientRect()).map(box => [box.left, box.top, box.width, box.height].join(' '))
    .concat(document.querySelector('.ms').getBoundingClientRect().height)"""
ANSWER_TIME = """() => new Promise((resolve, reject) => {
    setTimeout(reject, 10000, new Error('no answer'));
    const panel = document.querySelector('.ms'), start = performance.now();
    new MutationObserver((_, observer) => { observer.disconnect(); resolve(performance.now() - start); })
        .observe(panel, { attributes: true, attributeFilter: ['data-answered'] });
    panel.querySelector('.ms-controls button').click();
})"""


class Panel:
    """One panel on a page, by its buttons and what it shows."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page
        self.root = self.page.locator(".ms")

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def after(self, act):
        """Do something and wait for the kernel's answer."""
        before = self.root.get_attribute("data-answered")
        act()
        self.page.wait_for_function(ANSWERED, arg=before)

    def press(self, name):
        self.after(self.button(name).click)

    def status(self):
        return self.root.locator(".ms-status b").first.inner_text()

    def lit(self):
        return self.root.locator(".ms-line.is-lit .ms-text").inner_text()

    def lane(self, name):
        return self.root.get_by_role("group", name=name)

    def said(self):
        return self.root.locator(".ms-words").inner_text()

    def bytes_in(self, name, queue):
        return self.lane(name).locator(f".ms-bar[data-name='{queue}'] .ms-count").inner_text()


@pytest.fixture
def open_panel(lab, open_notebook):
    """Return a function that runs a notebook of these cells and returns its panel."""

    def open_(*cells):
        opened = open_notebook(lab.write("stepper.ipynb", *cells))
        opened.run_all()
        assert opened.cell_errors() == [] and opened.widget_errors() == []
        panel = Panel(opened)
        panel.button("New client").wait_for()
        return panel

    return open_


def test_connect_send_step_close_and_stop(open_panel):
    panel = open_panel(SERVER, STEPPER)
    assert panel.status() == "Paused before line 2" and panel.lit().strip() == "epoll = select.epoll()"
    assert panel.root.locator("img").count() == 0  # the live panel, not the stored picture
    panel.press("New client")
    assert panel.root.locator(".ms-seat.is-taken").all_inner_texts() == ["client 1"]
    panel.press("client 1: send")
    assert panel.bytes_in("client 1, in the queue", "receive queue") == "5 bytes"  # before the server knows of it
    for _ in range(40):
        if "recv" in panel.status():
            break
        panel.press("Next call")
    assert panel.status() == "Paused before recv(client 1, 4)"
    assert panel.lit().split() == ["data", "=", "clients[fd].recv(4)", "recv(client", "1,", "4)"]
    assert panel.bytes_in("client 1, accepted", "receive queue") == "5 bytes"
    panel.press("Next line")
    assert panel.bytes_in("client 1, accepted", "receive queue") == "1 byte"
    assert panel.root.locator(".ms-note", has_text="= b'hell'").is_visible()
    assert "b'hell'" in panel.root.locator(".ms-list li.is-changed", has_text="data").inner_text()
    panel.press("Next line")
    panel.press("Next line")
    assert panel.root.locator(".ms-crumbs").inner_text().split() == ["my_server", "calls", "reply"]
    panel.press("Run until blocked")
    assert panel.status() == "Asleep in epoll.poll(): waiting for an event"
    assert panel.bytes_in("client 1, accepted", "reply waiting") == "5 bytes"
    panel.press("client 1: read")
    assert panel.said() == "client 1 read 5 bytes: b'hello'"
    panel.press("client 1: close")
    panel.press("Run until blocked")
    assert panel.lane("client 1, has left").is_visible()
    panel.press("Stop")
    assert panel.status() == "Stopped"
    panel.press("Start again")
    assert panel.status() == "Paused before line 2"


def test_by_keyboard_and_the_focus_stays(open_panel):
    panel = open_panel(SERVER, STEPPER)
    cells = "() => document.querySelectorAll('.jp-Notebook .jp-Cell').length"
    before = panel.page.evaluate(cells)
    panel.button("Next line").focus()
    for key, status in (("n", "line 3"), ("c", "epoll.register"), ("c", "epoll.poll()"), ("r", "Asleep")):
        panel.after(lambda key=key: panel.page.keyboard.press(key))
        assert status in panel.status()
    focused = "() => document.activeElement.textContent"
    assert panel.page.evaluate(focused) == "Next line"  # although it is off while the server sleeps
    panel.button("New client").focus()
    panel.after(lambda: panel.page.keyboard.press("Enter"))
    panel.after(lambda: panel.page.keyboard.press("Space"))
    assert panel.page.evaluate(focused) == "New client"
    panel.page.keyboard.press("Tab")
    panel.page.keyboard.press("ControlOrMeta+a")
    panel.page.keyboard.type("no crash")  # letters that are keys of the panel, and of JupyterLab
    assert panel.root.locator(".ms-textbox").input_value() == "no crash"
    panel.after(panel.button("client 2: send").click)
    assert panel.said() == "client 2 sent 8 bytes: b'no crash'"
    panel.root.locator(".ms-top").click(position={"x": 4, "y": 4})  # no button: the keys are still the panel's
    panel.after(lambda: panel.page.keyboard.press("n"))
    for key in ("x", "m", "d", "d"):  # in JupyterLab: cut this cell, make it text, delete it
        panel.page.keyboard.press(key)
    assert panel.page.evaluate(cells) == before and panel.button("New client").is_visible()


@pytest.mark.parametrize("last", [STEPPER, DUEL])
def test_nothing_jumps_and_nothing_is_wider_than_the_panel(open_panel, last):
    panel = open_panel(SERVER, last)
    for width in (1280, 1000):
        panel.notebook.look(".ms", width, height=1300)
        panel.page.evaluate("() => document.querySelector('.ms').scrollIntoView()")
        before = panel.page.evaluate(PLACES, FIXED)
        for _ in range(8):
            panel.press("New client")
        assert panel.page.evaluate(PLACES, FIXED) == before
        assert panel.page.evaluate(SIDEWAYS) == []
        panel.press("client 1: send")
        if last == STEPPER:
            panel.press("Run until blocked")
        panel.press("client 2: reset")
        assert panel.page.evaluate(PLACES, FIXED) == before
        assert panel.page.evaluate(SIDEWAYS) == []
        panel.press("Stop")
        panel.press("Start again")


def test_a_crash_is_shown_on_its_line_by_light_and_dark(open_panel):
    panel = open_panel(SERVER.replace("client.send(data)", "client.send(dta)"), STEPPER)
    panel.press("New client")
    panel.press("client 1: send")
    panel.press("Run until blocked")
    assert panel.status() == "Crashed at line 2 of reply"
    assert panel.root.locator(".ms-detail").inner_text().startswith("NameError: name 'dta' is not defined")
    assert panel.lit().split("\n")[0].strip() == "client.send(dta)"
    tint = "() => getComputedStyle(document.querySelector('.ms-line.is-lit')).borderLeftColor"
    panel.notebook.look(".ms-line.is-lit", 1280, "JupyterLab Light")
    light = panel.page.evaluate(tint)
    panel.page.evaluate(THEME, "JupyterLab Dark")
    panel.page.wait_for_function(f"light => ({tint})() !== light", arg=light)  # its style sheet comes a little later


def test_what_a_server_says_is_text_and_never_html(open_panel):
    source = "def my_server(listener):\n    trap = '<img src=x id=trap>'\n    raise ValueError(trap)"
    panel = open_panel("import muxlab\n" + source, STEPPER)
    panel.press("Run until blocked")
    assert "<img src=x id=trap>" in panel.root.locator(".ms-detail").inner_text()
    assert panel.page.locator("#trap").count() == 0


def test_messages_wait_while_a_cell_runs(open_panel):
    """The gate is opened by a thread: until then the kernel's main thread answers nobody."""
    block = (
        "import threading\n"
        "gate = threading.Event()\n"
        "def block():\n"
        "    threading.Timer(1.5, gate.set).start()\n"
        "    gate.wait(30)\n"
    )
    panel = open_panel(block + SERVER, STEPPER, "'a cell to run'")
    editor = panel.page.locator(".jp-InputArea-editor", has_text="a cell to run")
    editor.click()
    panel.page.keyboard.press("ControlOrMeta+a")
    panel.page.keyboard.type("block()")
    panel.page.keyboard.press("ControlOrMeta+Enter")
    panel.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'busy'"
    )
    before = panel.root.get_attribute("data-answered")
    panel.button("Next line").click()
    panel.page.wait_for_function("() => document.querySelector('.ms').dataset.busy === 'yes'")
    assert panel.root.locator(".ms-busy").is_visible()
    panel.button("Next line").click()  # once is enough: what is pressed while nobody answers is not saved up
    panel.page.wait_for_function(ANSWERED, arg=before)
    assert panel.status() == "Paused before line 3"
    assert not panel.root.locator(".ms-busy").is_visible()


def test_the_same_bytes_for_both(open_panel):
    panel = open_panel(FORGETFUL, DUEL)
    panel.press("client 1: send")
    halves = panel.lane("client 1").locator(".ms-half")
    queues = halves.locator(".ms-bar[data-name='receive queue'] .ms-count").all_inner_texts()
    assert queues == ["0 bytes", "1 byte"]
    statuses = panel.root.locator(".ms-status b").all_inner_texts()
    assert statuses == ["Asleep in epoll.poll(): waiting for an event", "Asleep in epoll.poll() with 1 byte waiting"]
    assert halves.locator("xpath=self::*[contains(@class, 'is-left')]").count() == 1
    panel.press("client 1: read")
    assert panel.said() == "client 1 · epoll: read 5 bytes: b'hello' · my_server: read 4 bytes: b'hell'"
    panel.press("Stop")
    assert panel.root.locator(".ms-status b").all_inner_texts() == ["Stopped", "Stopped"]


def test_a_click_is_answered_soon(open_panel):
    """How soon is printed, not asserted: a machine with other work takes as long as it takes."""
    panel = open_panel("import muxlab", 'muxlab.show.stepper(muxlab.SERVERS["nonblocking"], clients=3)')
    times = sorted(panel.page.evaluate(ANSWER_TIME) for _ in range(30))
    print(f"click to answer: half within {times[15]:.0f} ms, all within {times[-1]:.0f} ms")
    assert len(times) == 30
