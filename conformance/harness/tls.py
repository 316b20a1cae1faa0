"""Hosts of AWS that are a local ECS: a proxy for programs that know no other endpoints than Amazon's.

Such a program is told of the proxy (HTTPS_PROXY) and of its authority (AWS_CA_BUNDLE). What it sends to any host is decrypted and passed on
to one plain address, byte for byte.
"""

import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading

HOSTS = "subjectAltName=DNS:*.us-east-1.amazonaws.com,DNS:*.amazonaws.com"


class Proxy:
    """Listens on a port of its own until it is closed."""

    def __init__(self, to):
        self.to = to.removeprefix("http://").split(":")
        self.folder = tempfile.TemporaryDirectory(prefix="longshore-proxy-")
        self.authority = pathlib.Path(self.folder.name, "authority.pem")
        key = pathlib.Path(self.folder.name, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", self.authority,
             "-days", "2", "-subj", "/CN=longshore-conformance", "-addext", HOSTS],
            check=True, capture_output=True,
        )
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.authority, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def environment(self):
        port = self.listener.getsockname()[1]
        return {"HTTPS_PROXY": f"http://127.0.0.1:{port}", "AWS_CA_BUNDLE": str(self.authority), "NO_PROXY": ""}

    def close(self):
        self.listener.close()
        self.folder.cleanup()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += client.recv(4096) or b"\r\n\r\n"
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.tls.wrap_socket(client, server_side=True) as near:
                with socket.create_connection((self.to[0], int(self.to[1]))) as far:
                    back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                    back.start()
                    _copy(near, far)
                    far.shutdown(socket.SHUT_WR)
                    back.join(30)
        except OSError:
            pass


def _copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
