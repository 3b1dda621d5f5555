"""The public HTTP API, as any program of yours would call it."""

from pathlib import Path
from typing import Any

import httpx


class ApiError(Exception):
    """The platform refused; the message is its own sentence."""


class Client:
    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self._http = httpx.Client(base_url=base_url, headers={"X-API-Key": key}, timeout=120)

    def get(self, path: str) -> Any:
        return self._answer(self._http.get(path))

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer(self._http.post(path, json=body))

    def delete(self, path: str) -> None:
        self._answer(self._http.delete(path))

    def upload(self, path: str, file: Path, *, name: str) -> Any:
        with file.open("rb") as content:
            return self._answer(
                self._http.post(path, files={"file": (file.name, content)}, data={"name": name})
            )

    def _answer(self, response: httpx.Response) -> Any:
        if response.is_error:
            raise ApiError(f"{response.request.method} {response.request.url.path}: {response.text}")
        return response.json() if response.content else None
