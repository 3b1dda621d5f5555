"""An OpenID Connect provider that says of whoever comes what the test has told it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

CLIENT, SECRET = "embassy", "client secret that is thirty-two bytes long"


class IdentityProvider:
    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.exchanged: list[dict[str, str]] = []  # what came to the token endpoint
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def settings(self) -> dict[str, Any]:
        app = {
            "provider_id": "oidc",
            "name": "Acme",
            "client_id": CLIENT,
            "secret": SECRET,
            "settings": {"server_url": self.issuer, "oauth_pkce_enabled": True},
        }
        return {"openid_connect": {"APPS": [app]}}

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/token":
            self.exchanged.append(form)
            return {"access_token": "a", "token_type": "Bearer", "id_token": self._id_token()}
        if path == "/userinfo":
            return self.claims
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def _id_token(self) -> str:
        now = int(time.time())
        about = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60}
        return jwt.encode(self.claims | about, SECRET, algorithm="HS256")

    @contextmanager
    def running(self) -> Iterator["IdentityProvider"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            fields = parse_qs(self.rfile.read(length).decode())
            form = {name: values[0] for name, values in fields.items()}
            body = json.dumps(provider.answer(urlsplit(self.path).path, form)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    return Handler
