"""Behave as JupyterLab does towards `muxlab lab`: print, write the file of a running server, answer, end at SIGTERM.

MUXLAB_STAND_IN says what goes wrong: "broken" (an import fails), "endless" (it is never ready), "ends" (it ends as soon
as it is asked for a page, as when it is shut down from the browser), "crashes" (the same, with status 3), "lingers"
(its end takes a second), "late" (it finds the file of another, which was killed, under its own process number).
"""

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

HOW = os.environ.get("MUXLAB_STAND_IN", "")


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = not self.path.startswith("/api/") or self.headers["Authorization"] == "token secret"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"kernels": 0}).encode())
        if HOW in ("ends", "crashes") and not self.path.startswith("/api/"):
            threading.Thread(target=self.server.shutdown).start()

    def log_message(self, *arguments: object) -> None:
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
sys.stdout.reconfigure(errors="backslashreplace")
print("twenty lines of log")
print(*sys.argv[1:], sep="\n", flush=True)
if HOW == "broken":
    import a_module_that_is_missing  # noqa: F401
if HOW == "endless":
    signal.pause()
options = dict(option.lstrip("-").partition("=")[::2] for option in sys.argv[1:])
with HTTPServer(("127.0.0.1", int(options.get("ServerApp.port", 0))), Answer) as server:
    url = f"http://127.0.0.1:{server.server_port}/"
    said = {"url": url, "token": "secret", "pid": os.getpid(), "root_dir": options["ServerApp.root_dir"]}
    file = Path(os.environ["JUPYTER_RUNTIME_DIR"], f"jpserver-{os.getpid()}.json")
    if HOW == "late":
        file.write_text(json.dumps(said | {"url": "http://127.0.0.1:1/", "token": "old"}))
        time.sleep(0.5)
    file.write_text(json.dumps(said))
    try:
        server.serve_forever(0.01)
    finally:
        time.sleep(1 if HOW == "lingers" else 0)
        file.unlink()
sys.exit(3 if HOW == "crashes" else 0)
