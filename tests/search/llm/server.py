"""A small OpenAI-compatible server on loopback that behaves as a script says."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """A running server: its URL, what was asked of it, and the event that releases whoever stalls."""

    url: str
    owner: str
    script: list[Callable[["Handler", dict[str, Any]], None]]
    models: tuple[str, ...]
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class Handler(BaseHTTPRequestHandler):
    """Serves /v1/models always and /v1/chat/completions by the script; its last behaviour repeats."""

    protocol_version = "HTTP/1.1"
    served: Served

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.served.owner == "absent":
            return self.send(404, {"error": {"message": "no such page"}})
        if self.served.owner == "page":
            return self.send(200, "<html>Welcome</html>")
        if self.served.owner == "number":
            return self.send(200, {"data": 3})
        data = [
            {"id": name, "object": "model", "created": 0, "owned_by": self.served.owner} for name in self.served.models
        ]
        return self.send(200, {"object": "list", "data": data})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        served = self.served
        behaviour = served.script[min(len(served.asked), len(served.script) - 1)]
        served.asked.append(body)
        served.headers.append({name.lower(): value for name, value in self.headers.items()})
        behaviour(self, body)

    def send(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if text.startswith("<") else "application/json"
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(text.encode())),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())


Behaviour = Callable[[Handler, dict[str, Any]], None]


def completion(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny-served",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def says(text: str | None, finish: str = "stop") -> Behaviour:
    return lambda handler, body: handler.send(200, completion({"content": text}, finish))


def calls_tool(text: str) -> Behaviour:
    call = {"id": "c", "type": "custom", "custom": {"name": "answer", "input": text}}
    return lambda handler, body: handler.send(200, completion({"content": None, "tool_calls": [call]}, "tool_calls"))


def embeds(*vector: float) -> Behaviour:
    """Give every text the same vector, at 5 tokens a text."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        texts = body["input"]
        data = [{"object": "embedding", "index": i, "embedding": list(vector)} for i in range(len(texts))]
        usage = {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)}
        handler.send(200, {"object": "list", "model": "tiny-vectors", "data": data, "usage": usage})

    return behave


def fails(status: int, message: str, headers: dict[str, str] | None = None, **details: str) -> Behaviour:
    return lambda handler, body: handler.send(status, {"error": {"message": message, **details}}, headers)


def replies(text: str) -> Behaviour:
    return lambda handler, body: handler.send(200, text)


def stalls(handler: Handler, body: dict[str, Any]) -> None:
    handler.served.released.wait(30)
    handler.close_connection = True


def drips(handler: Handler, body: dict[str, Any]) -> None:
    """Send a byte now and then, so that no time-out between packets ever ends it."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while not handler.served.released.wait(0.05):
        handler.wfile.write(b" ")
        handler.wfile.flush()
    handler.close_connection = True


def truncates(handler: Handler, body: dict[str, Any]) -> None:
    """Send the beginning of an answer, and close the connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.wfile.flush()
    handler.close_connection = True


def hangs_up(handler: Handler, body: dict[str, Any]) -> None:
    handler.close_connection = True


def refuses_with(part: str, message: str, status: int = 400, **details: str) -> Behaviour:
    """Refuse a request that holds ``part``, and answer any other."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        if part in body:
            return fails(status, message, None, **details)(handler, body)
        return says("fine\n")(handler, body)

    return behave


@contextmanager
def serving(*script: Behaviour, owner: str = "someone", models: tuple[str, ...] = ("tiny",)) -> Generator[Served]:
    """Run a server for the length of a with block."""

    class Scripted(Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Scripted) as server:
        server.daemon_threads = True
        server.block_on_close = False
        served = Served(f"http://127.0.0.1:{server.server_address[1]}/v1", owner, list(script), models)
        Scripted.served = served
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.released.set()
            server.shutdown()
            thread.join()
