"""A real browser, and sites that mean harm: pages that call what runs on the machine of who opens them.

A page says what came of each attempt by posting it to the site that it is from. Names below `.example` are this machine, as far
as the browser knows.
"""

import functools
import http.server
import json
import shutil
import socket
import subprocess
import tempfile
import threading

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TOLD_WITHIN_S = 45
STARTS_WITHIN_S = 60


@functools.cache
def program():
    """The browser of this machine, or None. Some distributions have a script of that name that only says where to get it."""
    return next((found for name in PROGRAMS if (found := shutil.which(name)) and _runs(found)), None)


def _runs(path):
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=STARTS_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


class Browser:
    """One run of the browser, with a profile that is thrown away; it ends with the `with` block."""

    def __init__(self, url):
        self.profile = tempfile.TemporaryDirectory(prefix="longshore-browser-")
        self.log = tempfile.TemporaryFile("w+")
        command = [
            program(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync",
            "--disable-component-update", "--disable-default-apps",
            # What newer browsers do of their own to keep pages from local networks is not what is tested.
            "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
            "--host-resolver-rules=MAP *.example 127.0.0.1",
            "--remote-debugging-port=0", f"--user-data-dir={self.profile.name}", url,
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # The helpers of the browser may write to the profile for a moment longer.
        shutil.rmtree(self.profile.name, ignore_errors=True)
        self.profile._finalizer.detach()

    def said(self):
        self.log.seek(0)
        return self.log.read()[-4000:]


class Site:
    """A site that serves one page under every name, and hears what it reports."""

    def __init__(self, page, port=0):
        site = self
        self.told, self._news = None, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = page.encode() if self.path.startswith("/page") else b""
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(204)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()
                site.told = json.loads(body)
                site._news.set()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, host, path="/page"):
        return f"http://{host}:{self.port}{path}"

    def wait(self, browser):
        """What the page reported: the outcome of each attempt by its name."""
        if not self._news.wait(TOLD_WITHIN_S):
            raise AssertionError(f"the page did not report; the browser said: {browser.said()}")
        return self.told

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Naive:
    """A server that answers everything to everybody, and keeps what it was asked."""

    def __init__(self):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                asked.append(f"{self.command} {self.path} {body}")
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Access-Control-Allow-Headers", "*")
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"open")

            do_GET = do_POST = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Rebinding:
    """A name whose address changes: at first a site of its own answers, then another port of this machine.

    To the browser it is one origin all along. That is what a DNS server of the attacker's does, with addresses instead of ports.
    """

    def __init__(self, page, port):
        self._page, self._to, self._switched = page.encode(), port, threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            if self._switched.is_set():
                self._pipe(client)
                return
            request = client.recv(65536)
            if not request:
                return
            body = self._page if request.startswith(b"GET /page") else b""
            if request.startswith(b"GET /switch"):
                self._switched.set()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)

    def _pipe(self, client):
        with socket.create_connection(("127.0.0.1", self._to)) as server:
            def copy(source, sink):
                try:
                    while data := source.recv(65536):
                        sink.sendall(data)
                except OSError:
                    pass
                for end in (source, sink):
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass

            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            copy(client, server)
            back.join(10)

    def url(self, host):
        return f"http://{host}:{self.port}/page"

    def close(self):
        self._listener.close()
