"""Stands before the API server and, when told to, does harm between two pages.

A file `armed` says once what happens before the next page but the first of a list:

    compact    etcd forgets the state that the first page shows, so its token is expired
    restart    the API server is killed and starts anew; what is under way breaks off
"""

import http.server
import json
import os
import ssl
import threading
import urllib.error
import urllib.request

PASSED_ON = ("Content-Type", "Content-Encoding", "Retry-After")


class Gate(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, api, etcd, restart):
        super().__init__(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(os.path.join(folder, "server.crt"), os.path.join(folder, "server.key"))
        self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.armed = os.path.join(folder, "armed")
        self.api, self.etcd, self.restart = api, etcd, restart
        self.one = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def harm(self):
        """Does what is told, once; gives what it was."""
        with self.one:
            try:
                with open(self.armed) as f:
                    told = f.read().strip()
                os.remove(self.armed)
            except FileNotFoundError:
                return None
            {"compact": self.compact, "restart": self.restart}[told]()
            return told

    def compact(self):
        # Something has to happen after the first page, or its state is the newest.
        self.api.ask("/apis/coordination.k8s.io/v1/namespaces/default/leases", {
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"generateName": "later-"}})
        now = self.ask_etcd("range", {"key": "AA=="})["header"]["revision"]
        self.ask_etcd("compaction", {"revision": now, "physical": True})

    def ask_etcd(self, what, body):
        with urllib.request.urlopen(f"{self.etcd}/v3/kv/{what}", json.dumps(body).encode(), timeout=30) as answer:
            return json.load(answer)

    def handle_error(self, *_):
        """A client that goes away is nothing to tell."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if "continue=" in self.path and self.server.harm() == "restart":
            self.close_connection = True
            return
        keep = {k: v for k, v in self.headers.items() if k.lower() in ("accept", "accept-encoding")}
        request = urllib.request.Request(self.server.api.base + self.path, headers=keep)
        try:
            with urllib.request.urlopen(request, context=self.server.api.tls, timeout=30) as answer:
                self.answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as refused:
            self.answer(refused.code, refused.headers, refused.read())
        except OSError:
            # No server: no answer either.
            self.close_connection = True

    def answer(self, status, headers, body):
        self.send_response(status)
        for name in PASSED_ON:
            if headers[name]:
                self.send_header(name, headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """What it answers is the client's to tell."""
