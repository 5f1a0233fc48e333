"""A local server that speaks OpenRouter's protocol, faults included, for tests.

Each test says what the server answers: a Reply, whose parts are bytes to send, numbers of seconds to
wait, and ABORT to break the connection. It listens on the loopback address only."""
import asyncio
import json
import ssl
import threading
from dataclasses import dataclass, field

from aiohttp import web

ABORT = object()
HANG = object()  # send nothing more and keep the connection, until the client goes


@dataclass
class Reply:
    parts: list
    status: int = 200
    headers: dict = field(default_factory=dict)
    content_type: str = "text/event-stream"
    reason: str | None = None


def event(payload):
    """A payload, or text, as one server-sent event."""
    text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
    return f"data: {text}\n\n".encode()


def chunk(content=None, *, model="acme/large-2024", provider="Acme", finish=None, **delta):
    """A chunk of a streamed completion."""
    if content is not None:
        delta["content"] = content
    return event({"id": "gen-1700000000-abc", "provider": provider, "model": model,
                  "object": "chat.completion.chunk", "created": 1700000000,
                  "choices": [{"index": 0, "delta": delta, "finish_reason": finish,
                               "native_finish_reason": finish, "logprobs": None}]})


def usage(prompt=12, completion=3, cost=0.00042, cached=4, reasoning=1):
    """What a completion's usage looks like."""
    return {"prompt_tokens": prompt, "completion_tokens": completion,
            "total_tokens": prompt + completion, "cost": cost,
            "prompt_tokens_details": {"cached_tokens": cached},
            "completion_tokens_details": {"reasoning_tokens": reasoning}}


def usage_chunk(choices=(), **figures):
    return event({"id": "gen-1700000000-abc", "provider": "Acme", "model": "acme/large-2024",
                  "object": "chat.completion.chunk", "created": 1700000000,
                  "choices": list(choices), "usage": usage(**figures)})


COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = event("[DONE]")


def stream(words=("Hello", " there", "!"), **how):
    """A streamed answer as OpenRouter sends it."""
    parts = [COMMENT, chunk("", role="assistant"), COMMENT]
    parts += [chunk(word) for word in words]
    parts += [chunk("", finish="stop"), usage_chunk(), DONE]
    return Reply(parts, **how)


def completion(text="Hello there!", **more):
    """An answer in one piece."""
    return Reply([json.dumps({
        "id": "gen-1700000000-xyz", "provider": "Acme", "model": "acme/large-2024",
        "object": "chat.completion", "created": 1700000000, "system_fingerprint": None,
        "choices": [{"index": 0, "finish_reason": "stop",
                     "message": {"role": "assistant", "content": text}}],
        "usage": usage(), **more}).encode()], content_type="application/json")


def error(status, message="no", code=None, **headers):
    """An error with its HTTP status."""
    body = {"error": {"code": status if code is None else code, "message": message}}
    return Reply([json.dumps(body).encode()], status=status, content_type="application/json",
                 headers={name.replace("_", "-"): value for name, value in headers.items()})


class OpenRouter:
    """The server, on a thread of its own. `reply` is a Reply, a list of them (one a request, the
    last one for all that follow), or a function of the request's JSON."""

    def __init__(self, reply=None, certificate=None):
        self.reply = reply if reply is not None else stream()
        self.requests = []  # (headers, body) as they came
        self.in_flight = self.most_in_flight = 0
        self._certificate = certificate
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        if not self._ready.wait(20):
            raise RuntimeError("the server does not start")
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _serve(self):
        self._stop = asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/api/v1/chat/completions", self._answer)
        runner = web.AppRunner(app)
        await runner.setup()
        context = None
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
        site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=0.1, ssl_context=context)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}/api/v1"
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def _choose(self, body):
        if callable(self.reply):
            return self.reply(body)
        if isinstance(self.reply, list):
            return self.reply[min(len(self.requests), len(self.reply)) - 1]
        return self.reply

    async def _answer(self, request):
        body = await request.json()
        self.requests.append((request.headers, body))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._send(request, self._choose(body))
        except ConnectionResetError:
            return web.Response()  # the client has gone
        finally:
            self.in_flight -= 1

    async def _send(self, request, reply):
        response = web.StreamResponse(status=reply.status, reason=reply.reason, headers={
            "X-Generation-Id": "gen-1700000000-header", **reply.headers})
        response.content_type = reply.content_type
        if reply.parts[:1] == [HANG]:
            await self._hang(request)
            return response
        await response.prepare(request)
        for part in reply.parts:
            if part is ABORT:
                request.transport.abort()
                return response
            if part is HANG:
                await self._hang(request)
                return response
            if isinstance(part, (int, float)):
                await asyncio.sleep(part)
            elif part:
                await response.write(part)
        await response.write_eof()
        return response

    async def _hang(self, request):
        while request.transport and not request.transport.is_closing():
            await asyncio.sleep(0.02)
