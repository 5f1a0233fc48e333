"""A measured program behaves as it would alone.

One property over a table: each way to make a call (WAYS) with the answers of the conformance table, run without
and with orbus.instrument(), in a block of bus.request() and of orbus.tags() too. What the program gets (results,
exceptions with all that led to them, warnings, lines in logs, calls of its own callbacks) and what the server
gets are the same. Each way meets the answers of SHORT_LIST, each answer some ways, and chance, by a fixed seed,
chooses more pairs.
"""
import asyncio
import contextlib
import gc
import json
import logging
import os
import random
import re
import signal
import sys
import threading
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "conformance")]
from python_packages import run_in_environment  # noqa: E402

run_in_environment()

import aiohttp  # noqa: E402
import httpx  # noqa: E402
import openai  # noqa: E402
import orbus  # noqa: E402
import unittest  # noqa: E402
from conformance import KEY, UNKNOWN_HOST, calls, reply  # noqa: E402
from harness import SANITIZER, BusTest  # noqa: E402
from openrouter import HANG, OpenRouter, Reply, chunk, completion, stream  # noqa: E402

try:
    import httpx2
except ImportError:
    httpx2 = httpx

# Each client reads all certificates that it trusts, which takes longer than a call.
for library in (httpx, httpx2):
    default = sys.modules[library.__name__ + "._transports.default"]
    if hasattr(default, "create_ssl_context"):
        default.create_ssl_context = lambda *_, context=default.create_ssl_context(), **__: context

PATH = "/chat/completions"
SILENCE_S = 0.4
SEED, RANDOM_PAIRS = 13, 10 if SANITIZER else 150
SHORT_LIST = ("a stream", "an answer in one piece", "HTTP status 429", "a connection that breaks in mid-stream",
              "a refused connection")


class World:
    """What a way has to do with: the client's maker, the address, and what it notes down."""

    def __init__(self, url, call, instrument):
        self.url, self.call, self.instrument, self.log = url, call, instrument, []

    @property
    def body(self):
        return self.call["request"]

    @property
    def leaves(self):
        return "caller" in self.call

    def note(self, *words):
        self.log.append(words)


# --- Ways: httpx and its successor ---------------------------------------------------------------------------

def answer_of(response):
    headers = {k: v for k, v in response.headers.items() if k.lower() not in ("date", "server")}
    return response.status_code, headers, response.content, [r.status_code for r in response.history]


def httpx_client(world, library, **options):
    return world.instrument(library.Client(timeout=SILENCE_S, **options))


def httpx_async_client(world, library, **options):
    return world.instrument(library.AsyncClient(timeout=SILENCE_S, **options))


def httpx_post(world, library=httpx):
    with httpx_client(world, library) as client:
        return answer_of(client.post(world.url + PATH, json=world.body))


def httpx2_post(world):
    return httpx_post(world, httpx2)


def httpx_request(world):
    with httpx_client(world, httpx, base_url=world.url, headers={"Authorization": "Bearer " + KEY}) as client:
        response = client.request("POST", PATH, content=json.dumps(world.body),
                                  headers={"Content-Type": "application/json"})
        response.raise_for_status()
        return answer_of(response), client.get("/models").status_code


def httpx_streams(read, library=httpx):
    def way(world):
        with httpx_client(world, library) as client:
            with client.stream("POST", world.url + PATH, json=world.body) as response:
                return response.status_code, read(world, response)
    return way


def all_bytes(world, response):
    found = b""
    for data in response.iter_bytes():
        found += data
        if world.leaves and b"Hello" in data:
            break
    return found


def closed_early(world, response):
    pieces = response.iter_raw()
    first = next(pieces, None)
    pieces.close()
    return first, response.is_closed, response.is_stream_consumed


def httpx_send(world):
    with httpx_client(world, httpx) as client:
        response = client.send(client.build_request("POST", world.url + PATH, json=world.body), stream=True)
        try:
            return response.read(), list(response.iter_lines()), response.is_closed, str(response), response.num_bytes_downloaded
        finally:
            response.close()


def httpx_read_twice(world):
    with httpx_client(world, httpx) as client:
        with client.stream("POST", world.url + PATH, json=world.body) as response:
            list(response.iter_raw())
            return list(response.iter_raw())


def httpx_content_that_comes(world):
    def content():
        world.note("asked for the body")
        yield json.dumps(world.body).encode()
    with httpx_client(world, httpx) as client:
        return answer_of(client.post(world.url + PATH, content=content(), headers={"Content-Type": "application/json"}))


class Transport(httpx.BaseTransport):
    def __init__(self, world, target=None):
        self.world, self.inner, self.target = world, httpx.HTTPTransport(), target

    def handle_request(self, request):
        self.world.note("transport", request.method, request.url.path, type(request.stream).__name__)
        if self.target and request.url.path.startswith("/start"):
            return httpx.Response(307, headers={"Location": self.target})
        return self.inner.handle_request(request)

    def close(self):
        self.world.note("transport closed")
        self.inner.close()


class Auth(httpx.Auth):
    requires_response_body = True

    def __init__(self, world):
        self.world = world

    def auth_flow(self, request):
        response = yield request
        self.world.note("auth", response.status_code, response.content)
        request.headers["X-Again"] = "1"
        response = yield request
        self.world.note("auth again", response.status_code)


def httpx_hooks_auth_and_mounts(world):
    hooks = {"request": [lambda r: world.note("request", r.method)],
             "response": [lambda r: world.note("response", r.status_code, r.is_closed)]}
    with httpx_client(world, httpx, event_hooks=hooks, auth=Auth(world), trust_env=False,
                      mounts={"all://": Transport(world)}) as client:
        return answer_of(client.post(world.url + PATH, json=world.body))


def httpx_redirects(follow):
    def way(world):
        transport = Transport(world, world.url + PATH)
        with httpx_client(world, httpx, transport=transport, follow_redirects=follow) as client:
            response = client.post("http://localhost/start" + PATH, json=world.body)
            return answer_of(response), response.next_request is None
    return way


def httpx_transport_that_raises(kind):
    def fail(request):
        raise kind("the transport's own")

    def way(world):
        with httpx_client(world, httpx, transport=httpx.MockTransport(fail)) as client:
            client.post(world.url + PATH, json=world.body)
    return way


class Nonsense(httpx.BaseTransport):
    def handle_request(self, request):
        return None


def httpx_transport_of_nonsense(world):
    with httpx_client(world, httpx, transport=Nonsense()) as client:
        client.post(world.url + PATH, json=world.body)


def httpx_hook_that_raises(world):
    def fail(response):
        raise LookupError("the hook's own")
    with httpx_client(world, httpx, event_hooks={"response": [fail]}) as client:
        client.post(world.url + PATH, json=world.body)


def httpx_async(read):
    def way(world):
        async def ask():
            async with httpx_async_client(world, httpx) as client:
                return await read(world, client)
        return asyncio.run(ask())
    return way


async def async_post(world, client):
    return answer_of(await client.post(world.url + PATH, json=world.body))


async def async_stream(world, client):
    found = []
    async with client.stream("POST", world.url + PATH, json=world.body) as response:
        async for line in response.aiter_lines():
            found.append(line)
            if world.leaves and "Hello" in line:
                break
    return found, response.is_closed, response.is_stream_consumed


async def async_timeout(world, client):
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(async_post(world, client), 0.0001)
    return answer_of(await client.post(world.url + PATH, json=world.body))


# --- Ways: openai --------------------------------------------------------------------------------------------

def openai_way(ask, **options):
    def way(world):
        with world.instrument(openai.OpenAI(base_url=world.url, api_key=KEY, timeout=SILENCE_S,
                                            **{"max_retries": 0, **options})) as client:
            return plain(ask(world, client.chat.completions, client))
    return way


def openai_async_way(ask):
    def way(world):
        async def run():
            async with world.instrument(openai.AsyncOpenAI(base_url=world.url, api_key=KEY, timeout=SILENCE_S,
                                                           max_retries=0)) as client:
                return plain(await ask(world, client.chat.completions, client))
        return asyncio.run(run())
    return way


def plain(value):
    """An answer of the package as it can be compared."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.model_dump() if hasattr(value, "model_dump") else value


def create(world, completions, _):
    answer = completions.create(**world.body)
    if not world.body["stream"]:
        return answer
    found = []
    for piece in answer:
        found.append(piece)
        if world.leaves and piece.choices and piece.choices[0].delta.content:
            answer.close()
            break
    return found, answer.response.is_closed


def first_piece_only(world, completions, _):
    for piece in completions.create(**{**world.body, "stream": True}):
        return piece


def raw(world, completions, _):
    answer = completions.with_raw_response.create(**world.body)
    parsed = answer.parse()
    return answer.status_code, list(parsed) if world.body["stream"] else parsed


def streaming(world, completions, _):
    with completions.with_streaming_response.create(**world.body) as answer:
        return answer.status_code, list(answer.iter_lines())


def never_read(world, completions, _):
    with completions.with_streaming_response.create(**world.body) as answer:
        return answer.status_code


def helper(world, completions, _):
    with completions.stream(model="m", messages=world.body["messages"]) as events:
        return [event.type for event in events], events.get_final_completion()


def parse(world, completions, _):
    return completions.parse(model="m", messages=world.body["messages"])


def with_options(world, _, client):
    return create(world, client.with_options(timeout=SILENCE_S, max_retries=1).copy().chat.completions, None)


def legacy(world, _, client):
    return client.completions.create(model="m", prompt="Say hello.")


def models(world, _, client):
    return list(client.models.list())


def hostile_request(world, completions, _):
    return completions.create(model="m", messages=[{"role": "user", "content": object()}])


async def async_create(world, completions, _):
    answer = await completions.create(**world.body)
    if not world.body["stream"]:
        return answer
    found = []
    async for piece in answer:
        found.append(piece)
        if world.leaves and piece.choices and piece.choices[0].delta.content:
            await answer.close()
            break
    return found


async def async_raw(world, completions, _):
    answer = await completions.with_raw_response.create(**world.body)
    parsed = answer.parse()
    return [piece async for piece in parsed] if world.body["stream"] else parsed


async def async_streaming(world, completions, _):
    async with completions.with_streaming_response.create(**world.body) as answer:
        return answer.status_code, [line async for line in answer.iter_lines()]


async def async_helper(world, completions, _):
    async with completions.stream(model="m", messages=world.body["messages"]) as events:
        return [event.type async for event in events], await events.get_final_completion()


async def async_with_options(world, _, client):
    return await async_create(world, client.with_options(max_retries=1).chat.completions, None)


# --- Ways: aiohttp -------------------------------------------------------------------------------------------

def aiohttp_way(ask, **options):
    def way(world):
        async def run():
            timeout = aiohttp.ClientTimeout(total=20, sock_read=SILENCE_S)
            made = {name: option(world) for name, option in options.items()}
            async with world.instrument(aiohttp.ClientSession(timeout=timeout, **made)) as session:
                return await ask(world, session)
        return asyncio.run(run())
    return way


async def aio_read(world, session):
    async with session.post(world.url + PATH, json=world.body) as response:
        return response.status, response.content_type, await response.read(), response.method, str(response.url.path)


async def aio_json(world, session):
    response = await session.request("post", world.url + PATH, json=world.body, raise_for_status=True)
    return await response.json()


async def aio_pieces(world, session):
    found = []
    async with session.post(world.url + PATH, data=json.dumps(world.body),
                            headers={"Content-Type": "application/json"}) as response:
        async for data in response.content.iter_any():
            found.append(data)
            if world.leaves and b"Hello" in data:
                break
    return b"".join(found)


async def aio_lines(world, session):
    async with session.post(world.url + PATH, json=world.body) as response:
        return [line async for line in response.content], response.content.at_eof()


async def aio_never_read(world, session):
    async with session.post(world.url + PATH, json=world.body) as response:
        return response.status


async def aio_iterators(world, session):
    """What may be read once only is the client's to read."""
    headers = ((k, v) for k, v in (("X-Own", "1"),))
    async with session.post(world.url + PATH, json=world.body, headers=headers,
                            params=iter([("a", "b")])) as response:
        return response.status, response.request_info.headers.get("X-Own"), str(response.url.query_string)


async def aio_wrong(world, session):
    found = []
    for how in (lambda: session.post(world.url + PATH, bogus=1), lambda: session.request(None, world.url + PATH),
                lambda: session.post(None), lambda: session.post(world.url + PATH, json={1, 2}),
                lambda: session.post(world.url + PATH, json={}, data=b"x"),
                lambda: session.post(world.url + PATH, headers=5), lambda: session.post(world.url + PATH, params=5)):
        try:
            pending = how()
            found.append("made")
            await pending
        except Exception as failure:
            found.append(describe(failure))
    await session.close()
    try:
        await session.post(world.url + PATH, json={1, 2})
    except Exception as failure:
        found.append(describe(failure))
    return found


def trace(world):
    config = aiohttp.TraceConfig()
    for name in ("on_request_start", "on_request_end", "on_request_exception", "on_response_chunk_received"):
        async def noted(session, context, params, name=name):
            world.note(name, type(params).__name__, getattr(params, "chunk", b""))
        getattr(config, name).append(noted)
    return [config]


def serializer(world):
    def dumps(value):
        world.note("serialised")
        return json.dumps(value)
    return dumps


def bad_serializer(world):
    def dumps(value):
        world.note("serialised")
        raise ArithmeticError("the serializer's own")
    return dumps


WAYS = {
    "httpx.post": httpx_post, "httpx2.post": httpx2_post, "httpx.request": httpx_request,
    "httpx.iter_bytes": httpx_streams(all_bytes), "httpx2.iter_bytes": httpx_streams(all_bytes, httpx2),
    "httpx.iter_text": httpx_streams(lambda _, r: list(r.iter_text(7))),
    "httpx.read": httpx_streams(lambda _, r: (r.read(), r.json())),
    "httpx.closed early": httpx_streams(closed_early), "httpx.never read": httpx_streams(lambda *_: None),
    "httpx.stream": httpx_streams(lambda _, r: type(r.stream).__name__),
    "httpx.send": httpx_send, "httpx.read twice": httpx_read_twice,
    "httpx.content that comes": httpx_content_that_comes, "httpx.hooks": httpx_hooks_auth_and_mounts,
    "httpx.redirects": httpx_redirects(True), "httpx.a redirect": httpx_redirects(False),
    "httpx.nonsense": httpx_transport_of_nonsense, "httpx.hook raises": httpx_hook_that_raises,
    **{f"httpx.{k.__name__}": httpx_transport_that_raises(k) for k in (
        KeyboardInterrupt, SystemExit, GeneratorExit, ValueError, httpx.ReadTimeout, asyncio.CancelledError)},
    "httpx.async post": httpx_async(async_post), "httpx.async stream": httpx_async(async_stream),
    "httpx.async wait_for": httpx_async(async_timeout),
    **{f"openai.{f.__name__}": openai_way(f) for f in (
        create, first_piece_only, raw, streaming, never_read, helper, parse, with_options, legacy, models,
        hostile_request)},
    "openai.retries": openai_way(create, max_retries=1),
    **{f"openai.{f.__name__}": openai_async_way(f) for f in (
        async_create, async_raw, async_streaming, async_helper, async_with_options)},
    **{f"aiohttp.{f.__name__[4:]}": aiohttp_way(f) for f in (
        aio_read, aio_json, aio_pieces, aio_lines, aio_never_read, aio_iterators, aio_wrong)},
    "aiohttp.callbacks": aiohttp_way(aio_read, trace_configs=trace, json_serialize=serializer),
    "aiohttp.bad serializer": aiohttp_way(aio_read, json_serialize=bad_serializer),
    "aiohttp.raw": aiohttp_way(aio_read, auto_decompress=lambda _: False),
}


# --- What is compared ----------------------------------------------------------------------------------------

def steady(text):
    """Without what differs from run to run: ports, addresses of objects, numbers of sockets, and times."""
    text = re.sub(r"0x[0-9a-f]+", "0x", str(text))
    text = re.sub(r"(127\.0\.0\.1'?[:,] ?(port=)?)\d+", r"\1PORT", text)
    return re.sub(r"fd=\d+|\b7f[0-9a-f]{10}\b|'\d+\.\d+ seconds'|\d+\.\d+ seconds|Task-\d+", "N", text)


def describe(error, depth=6):
    """An exception with what led to it."""
    if error is None or depth == 0:
        return None
    return (f"{type(error).__module__}.{type(error).__name__}", steady(error.args), steady(error),
            describe(error.__cause__, depth - 1), describe(error.__context__, depth - 1), error.__suppress_context__)


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.found = []

    def emit(self, record):
        # Not of the server here, nor what orbus says once.
        if record.name.startswith(("httpx", "openai", "aiohttp.client", "asyncio")):
            self.found.append((record.name, record.levelname, steady(record.getMessage())))


def observe(way, world):
    """All that the program and its surroundings notice."""
    lines, root = Lines(), logging.getLogger()
    root.addHandler(lines)
    result = failure = None
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                result = way(world)
            except BaseException as error:
                failure = describe(error)
                error.__traceback__ = None
    finally:
        root.removeHandler(lines)
    return {"result": steady(repr(result)), "exception": failure, "callbacks": steady(repr(world.log)),
            "warnings": sorted((w.category.__name__, steady(w.message)) for w in warned
                               if w.category is not ResourceWarning), "log": lines.found}


class AloneTest(BusTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(OpenRouter())
        self.producer = self.enterContext(orbus.Producer("alone", self.bus))
        self.calls = {call["name"]: call for call in calls()}
        self.dead = "http://127.0.0.1:9/api/v1"  # the port "discard": nothing listens there
        self.addCleanup(gc.collect)

    def run_way(self, way, call, instrument):
        self.server.requests.clear()
        if "answer" in call:
            self.server.reply = reply(call)
        url = self.server.url
        if "server" in call:
            url = f"http://{UNKNOWN_HOST}/api/v1" if call["server"] == "unknown" else self.dead
        seen = observe(way, World(url, call, instrument))
        seen["server"] = [(sorted((k, v) for k, v in headers.items() if k not in ("Host", "User-Agent")), body)
                          for headers, body in self.server.requests]
        return seen

    def assert_same(self, name, call, in_block):
        """Without and with orbus, by itself or in blocks of a request and of tags."""
        def in_blocks(world):
            with orbus.tags(user="ann"), self.producer.request("m"):
                return WAYS[name](world)
        alone = self.run_way(WAYS[name], call, lambda client: client)
        way = in_blocks if in_block else WAYS[name]
        measured = self.run_way(way, call, lambda client: orbus.instrument(client, self.producer))
        self.assertEqual(measured, alone)

    def assert_nothing_is_left(self):
        gc.collect()
        self.assertEqual(orbus._aiohttp._measurements if "orbus._aiohttp" in sys.modules else {}, {})
        left = [o for o in gc.get_objects() if str(type(o).__module__).startswith("orbus") and
                type(o).__name__ in ("Measurement", "_Stream", "_AsyncStream", "Hook")]
        self.assertEqual(left, [])
        with orbus.tail(self.bus, kind=None, follow=False) as tail:
            kinds = [(s["kind"], s.get("begin_id") or s.get("request_id")) for s in tail]
        begun = {id for kind, id in kinds if kind == "begin"}
        self.assertEqual(begun - {id for kind, id in kinds if kind == "request"}, set())

    def pairs(self):
        chance = random.Random(SEED)
        names, others = sorted(WAYS), sorted(self.calls)
        for name in names:
            for call in SHORT_LIST[:2] if SANITIZER else SHORT_LIST:
                yield name, call
        for call in others:
            for name in chance.sample(names, 1 if SANITIZER else 2):
                yield name, call
        for _ in range(RANDOM_PAIRS):
            yield chance.choice(names), chance.choice(others)

    def test_the_same_with_and_without(self):
        seen = set()
        for name, call in self.pairs():
            if (name, call) not in seen:
                seen.add((name, call))
                with self.subTest(name, answer=call):
                    self.assert_same(name, self.calls[call], in_block=len(seen) % 2 == 0)
        self.assert_nothing_is_left()
        self.assertGreater(len(seen), 100)

    # --- Exceptions in flight --------------------------------------------------------------------------------

    def interrupted(self, handler, number, ask, instrument):
        """What a signal while an answer hangs becomes, and whether the client is good for a next call."""
        self.server.reply = Reply([chunk("Hello"), HANG])
        before = signal.signal(number, handler)
        found = []
        try:
            with instrument(httpx.Client(timeout=20)) as client:
                try:
                    ask(client, lambda: threading.Timer(0.05, os.kill, (os.getpid(), number)).start())
                except BaseException as failure:
                    found.append(describe(failure))
                self.server.reply = completion()
                found.append(client.post(self.server.url + PATH, json={}).json())
        finally:
            signal.signal(number, before)
        return found

    def test_signals_while_an_answer_comes(self):
        def exits(*_):
            raise SystemExit("the program's own")

        def read(client, arm):
            with client.stream("POST", self.server.url + PATH, json={"stream": True}) as response:
                for _ in response.iter_bytes():
                    arm()

        def post(client, arm):
            arm()
            client.post(self.server.url + PATH, json={"stream": True})
        for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, exits)):
            for ask in (read, post):
                alone = self.interrupted(handler, number, ask, lambda client: client)
                with self.producer.request("m"):
                    pass
                measured = self.interrupted(handler, number, ask, lambda c: orbus.instrument(c, self.producer))
                self.assertEqual(measured, alone)
        self.assert_nothing_is_left()

    @unittest.skipUnless(hasattr(asyncio, "timeout"), "asyncio.timeout came with Python 3.11")
    def test_a_timeout_of_asyncio(self):
        async def ask(instrument):
            async with instrument(httpx.AsyncClient()) as client:
                try:
                    async with asyncio.timeout(0.1):
                        await client.post(self.server.url + PATH, json={})
                except BaseException as failure:
                    return describe(failure), asyncio.current_task().cancelling()
        self.server.reply = Reply([HANG])
        alone = asyncio.run(ask(lambda client: client))
        self.assertEqual(asyncio.run(ask(lambda client: orbus.instrument(client, self.producer))), alone)
        self.assert_nothing_is_left()

    def test_a_task_that_is_cancelled(self):
        async def ask(instrument):
            async with instrument(httpx.AsyncClient()) as client:
                read = asyncio.Event()

                async def lines():
                    async with client.stream("POST", self.server.url + PATH, json={}) as response:
                        async for _ in response.aiter_lines():
                            read.set()
                task = asyncio.ensure_future(lines())
                await read.wait()
                task.cancel("the program's own words")
                done, = await asyncio.gather(task, return_exceptions=True)
                return describe(done)
        self.server.reply = Reply([chunk("Hello"), HANG])
        alone = asyncio.run(ask(lambda client: client))
        self.assertEqual(asyncio.run(ask(lambda client: orbus.instrument(client, self.producer))), alone)
        self.assert_nothing_is_left()

    # --- What a program hands over ---------------------------------------------------------------------------

    def test_what_cannot_be_read_is_left_out_counted_and_hurts_nobody(self):
        class Hostile(dict):
            def __getattribute__(self, name):
                raise ZeroDivisionError(name)
            __str__ = __repr__ = __hash__ = __bool__ = __len__ = __iter__ = __getitem__ = __eq__ = __index__ = \
                __float__ = lambda self, *_: 1 / 0

        class HostileText(str):
            __str__ = __repr__ = __len__ = __iter__ = __getitem__ = encode = lambda self, *_: 1 / 0

        class Endless(Exception):
            @property
            def exceptions(self):
                while True:
                    yield self
        tags = {"bad": Hostile(), "worse": HostileText("x"), "good": 1}
        with self.producer.request(HostileText("m"), tags=tags) as r:
            r.usage(Hostile())
            r.usage({"prompt_tokens": Hostile(), "completion_tokens": "12", "total_tokens": -1, "cost": "x",
                     "prompt_tokens_details": 5})
        self.producer.count("n", tags=tags)
        client = orbus.instrument(httpx.Client(transport=httpx.MockTransport(
            lambda _: httpx.Response(200, content=completion().parts[0]))), self.producer, tags=tags)
        self.assertEqual(client.post("http://x" + PATH, json={}).status_code, 200)
        for failure in (Endless(), type("APIError", (Exception,), {"response": Hostile(), "body": Hostile()})()):
            with self.assertRaises(type(failure)) as raised:
                with self.producer.request("m"):
                    raise failure
            self.assertIs(raised.exception, failure)
        with orbus.tail(self.bus, follow=False) as tail:
            found = list(tail)
        self.assertEqual([s.get("tags") for s in found], [{"good": "1"}, {"good": "1"}, None, None])
        self.assertEqual([s["status"] for s in found], ["ok", "ok", "error", "error"])
        self.assertGreaterEqual(self.producer.dropped, 9)
        self.assertIn("could not be read", self.producer.last_error)

    def test_an_interrupt_while_something_is_read_is_the_programs(self):
        class Interrupting:
            def __str__(self):
                raise KeyboardInterrupt

            def __index__(self):
                raise KeyboardInterrupt
        for what in (lambda: self.producer.request("m", tags={"a": Interrupting()}),
                     lambda: self.producer.request("m").usage(Interrupting(), 1),
                     lambda: self.producer.request("m").usage({"prompt_tokens": Interrupting()})):
            with self.assertRaises(KeyboardInterrupt):
                what()

    def test_a_call_that_cannot_be_measured_is_counted_and_said_once(self):
        with self.assertLogs("orbus", logging.WARNING) as logs:
            orbus._instrument._is_told = False
            for _ in range(3):
                client = orbus.instrument(httpx.Client(transport=Nonsense()), self.producer)
                with self.assertRaises(AttributeError):
                    client.post("http://x" + PATH, json={})
        self.assertEqual((len(logs.output), self.producer.dropped), (1, 3))
        self.assertIn("a call is not measured", logs.output[0])

    def test_an_inflated_answer_takes_no_more_memory(self):
        """64 MB in 64 KB, which the program itself does not inflate."""
        import gzip
        import tracemalloc
        bomb = gzip.compress(bytes(64 << 20))

        def ask(instrument):
            client = instrument(httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(
                200, content=iter([bomb]), headers={"Content-Encoding": "gzip"}))))
            tracemalloc.start()
            with client.stream("POST", "http://x" + PATH, json={}) as response:
                self.assertEqual(sum(len(data) for data in response.iter_raw()), len(bomb))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return peak
        ask(lambda client: orbus.instrument(client, self.producer))
        alone = ask(lambda client: client)
        self.assertLess(ask(lambda client: orbus.instrument(client, self.producer)), alone + (1 << 20))

    def test_memory_stays_what_it_is(self):
        self.server.reply = stream()
        client = orbus.instrument(openai.OpenAI(base_url=self.server.url, api_key=KEY), self.producer)
        counts = []
        for _ in range(6):
            for _ in range(25):
                with orbus.tags(n=1), self.producer.request("m"):
                    client.with_options(timeout=9).chat.completions.create(model="m", messages=[], stream=True).close()
            self.server.requests.clear()
            gc.collect()
            counts.append(len(gc.get_objects()))
        # The server, in a thread of this process, may still hold what the last call left.
        self.assertLess(min(counts[3:]) - counts[1], 40, counts)


if __name__ == "__main__":
    unittest.main(verbosity=2)
