"""orbus.instrument() with the clients that bots use: what the program sees stays as it was, and each
attempt is a sample."""
import asyncio
import contextvars
import gc
import hashlib
import json
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import SOURCE, run_in_environment  # noqa: E402

run_in_environment()

import aiohttp  # noqa: E402
import httpx  # noqa: E402
import openai  # noqa: E402
import orbus  # noqa: E402
import time  # noqa: E402
import unittest  # noqa: E402
import warnings  # noqa: E402
import weakref  # noqa: E402
import unittest.mock  # noqa: E402
from harness import SANITIZER, BusTest, wait_for  # noqa: E402
from openrouter import COMMENT, DONE, HANG, OpenRouter, Reply, chunk, completion, error, stream  # noqa: E402

KEY = "sk-or-v1-0123456789abcdef"
BODY = {"model": "acme/large", "messages": [{"role": "user", "content": "Say hello."}]}


class ClientTest(BusTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(OpenRouter())
        self.producer = self.enterContext(orbus.Producer("acore", self.bus))

    def tearDown(self):
        self.assertEqual((self.producer.dropped, self.producer.last_error), (0, None))
        super().tearDown()

    def samples(self):
        with orbus.tail(self.bus, follow=False) as tail:
            return list(tail)

    def openai(self, kind=openai.OpenAI, **options):
        return kind(base_url=self.server.url, api_key=KEY, **options)


class OpenAITest(ClientTest):
    def test_the_same_client_and_its_answers(self):
        client = self.openai()
        self.assertIs(orbus.instrument(client, self.producer), client)
        self.server.reply = completion()
        whole = client.chat.completions.create(**BODY)
        self.assertEqual(whole.choices[0].message.content, "Hello there!")
        raw = client.chat.completions.with_raw_response.create(**BODY)
        self.assertEqual(raw.parse().usage.total_tokens, 15)
        self.server.reply = stream()
        words = [c.choices[0].delta.content for c in client.chat.completions.create(
            **BODY, stream=True) if c.choices]
        self.assertEqual("".join(words), "Hello there!")
        with client.chat.completions.with_streaming_response.create(**BODY, stream=True) as answer:
            self.assertIn("data: [DONE]", list(answer.iter_lines()))
        with client.chat.completions.stream(**BODY) as helper:
            self.assertEqual(helper.get_final_completion().choices[0].message.content,
                             "Hello there!")
        self.assertEqual([(s["status"], s["completion_tokens"]) for s in self.samples()],
                         [("ok", 3)] * 5)

    def test_each_attempt_is_a_sample(self):
        client = orbus.instrument(self.openai(max_retries=2), self.producer)
        self.server.reply = [error(429, retry_after_ms="1"), error(503, retry_after_ms="1"),
                             completion()]
        client.chat.completions.create(**BODY)
        self.assertEqual([(s["attempt"], s["status"], s.get("error_type")) for s in self.samples()],
                         [(1, "error", "rate_limited"), (2, "error", "service_unavailable"),
                          (3, "ok", None)])

    def test_exceptions_are_the_clients_own(self):
        client = orbus.instrument(self.openai(max_retries=0, timeout=0.3), self.producer)
        self.server.reply = error(401, f"bad key {KEY}")
        with self.assertRaises(openai.AuthenticationError):
            client.chat.completions.create(**BODY)
        self.server.reply = Reply([HANG])
        with self.assertRaises(openai.APITimeoutError):
            client.chat.completions.create(**BODY, stream=True)
        samples = self.samples()
        self.assertEqual([s["error_type"] for s in samples], ["unauthorized", "timeout_first_token"])
        self.assertNotIn(KEY, str(samples))

    def ask_httpx(self, path="/chat/completions", **how):
        with orbus.instrument(httpx.Client(), self.producer) as client:
            client.post(self.server.url + path, **how)
        return self.samples()[-1]

    def test_no_prompt_and_no_key_enters_the_bus(self):
        withheld = "(text withheld: it repeats the request)"
        self.server.reply = error(400, "no: say  HELLO, please")
        asked = {"messages": [{"role": "user", "content": "Say hello, please."}]}
        self.assertEqual(self.ask_httpx(json=asked)["error_message"], withheld)
        # The body that the binding cannot see, since it is a stream.
        sample = self.ask_httpx(content=iter([json.dumps(asked).encode()]))
        self.assertEqual(sample["error_message"], "(text withheld: the request was not seen)")
        self.server.reply = completion()
        sample = self.ask_httpx(content=iter([json.dumps(asked).encode()]))
        self.assertEqual((sample["model"], sample["status"]), ("acme/large-2024", "ok"))

    def test_each_key_of_a_request_is_hidden(self):
        key = "0123456789-abcdef"
        self.server.reply = error(401, f"bad key {key}")
        hidden = "bad key " + "*" * len(key)
        for how in ({"headers": {"Authorization": f"Bearer {key}"}}, {"headers": {"X-Goog-Api-Key": key}},
                    {"headers": {"Cookie": key}}, {"headers": {"Authorization": key}},
                    {"path": f"/chat/completions?key={key}"}):
            self.assertEqual(self.ask_httpx(json=BODY, **how)["error_message"], hidden, how)
        self.assertEqual(asyncio.run(self.ask_aiohttp(params={"key": key}))["error_message"], hidden)
        self.assertEqual(asyncio.run(self.ask_aiohttp(auth=aiohttp.BasicAuth("me", key)))["error_message"],
                         hidden)

    async def ask_aiohttp(self, **how):
        async with orbus.instrument(aiohttp.ClientSession(), self.producer) as session:
            async with session.post(self.server.url + "/chat/completions", json=BODY, **how) as answer:
                await answer.read()
        return self.samples()[-1]

    def test_a_key_of_asterisks_that_a_server_repeats_ends(self):
        self.server.reply = error(401, "bad key " + "*" * 20)
        sample = self.ask_httpx(json=BODY, headers={"Authorization": "Bearer " + "*" * 20})
        self.assertEqual(sample["error_message"], "bad key " + "*" * 20)

    def test_an_sdks_exception_brings_no_prompt(self):
        """A request that the program times itself, around a client that is not instrumented."""
        for words, wanted in (("no: say hello, PLEASE", "HTTP status 400"), ("no: too long", "no: too long")):
            self.server.reply = error(400, words)
            with self.assertRaises(openai.BadRequestError):
                with self.producer.request("acme/large"):
                    self.openai(max_retries=0).chat.completions.create(
                        model="acme/large", messages=[{"role": "user", "content": "Say hello, please."}])
            self.assertEqual(self.samples()[-1]["error_message"], wanted)

    def test_what_is_no_completion_is_not_measured(self):
        client = orbus.instrument(self.openai(max_retries=0), self.producer)
        with self.assertRaises(openai.NotFoundError):
            client.models.list()
        self.assertEqual(self.samples(), [])

    def test_uninstrument(self):
        client = self.openai()
        before = dict(vars(client._client))
        orbus.instrument(orbus.instrument(client, self.producer), self.producer)
        self.assertIs(orbus.uninstrument(client), client)
        self.assertEqual(vars(client._client), before)
        client.chat.completions.create(**BODY, stream=True).close()
        self.assertEqual(self.samples(), [])

    def test_async_and_cancelled(self):
        async def ask():
            async with orbus.instrument(self.openai(openai.AsyncOpenAI), self.producer) as client:
                async for _ in await client.chat.completions.create(**BODY, stream=True):
                    pass
                self.server.reply = Reply([chunk("x"), HANG])
                task = asyncio.create_task(self.read(client))
                while len(self.server.requests) < 2 or not self.server.in_flight:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.2)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        asyncio.run(ask())
        self.assertEqual([s["status"] for s in self.samples()], ["ok", "cancelled"])

    async def read(self, client):
        async for _ in await client.chat.completions.create(**BODY, stream=True):
            pass

    def test_the_programs_own_producer(self):
        code = ("import orbus, openai, sys; client = orbus.instrument(openai.OpenAI("
                "base_url=sys.argv[1], api_key='x')); client.chat.completions.create(model='m', "
                "messages=[], stream=True).close()")
        for more, samples in ({"ORBUS": self.bus, "ORBUS_BOT": "mine"}, 1), ({"ORBUS": "/"}, 0):
            done = subprocess.run([sys.executable, "-c", code, self.server.url], check=False,
                                  env={**os.environ, **more}, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            if not samples:
                self.assertIn("calls are not measured", done.stderr)
        self.assertEqual([s["bot"] for s in self.samples()], ["mine"])


class HttpTest(ClientTest):
    def test_httpx_streams_are_not_read_ahead(self):
        self.server.reply = Reply([chunk("Hello"), HANG])
        with orbus.instrument(httpx.Client(), self.producer) as client:
            with client.stream("POST", self.server.url + "/chat/completions",
                               json={**BODY, "stream": True}) as response:
                self.assertIn("Hello", next(response.iter_lines()))
        self.assertEqual(self.samples()[0]["status"], "cancelled")

    def test_compressed_answers(self):
        import gzip
        packed = Reply([gzip.compress(completion().parts[0])], content_type="application/json",
                       headers={"Content-Encoding": "gzip"})
        self.server.reply = packed
        with orbus.instrument(httpx.Client(), self.producer) as client:
            answer = client.post(self.server.url + "/chat/completions", json=BODY)
            self.assertEqual(answer.json()["usage"]["total_tokens"], 15)

        async def ask():
            for automatic in (True, False):
                async with aiohttp.ClientSession(auto_decompress=automatic) as session:
                    orbus.instrument(session, self.producer)
                    async with session.post(self.server.url + "/chat/completions",
                                            json=BODY) as response:
                        await response.read()
        asyncio.run(ask())
        self.assertEqual([s["completion_tokens"] for s in self.samples()], [3, 3, 3])

    def test_decoders_that_give_pieces(self):
        """Those of httpx2 return iterators, for brotli and zstd too, which are not installed here."""
        import gzip
        try:
            import httpx2
            from httpx2 import _decoders
        except ImportError:
            self.skipTest("httpx2 is not installed")
        self.server.reply = Reply([gzip.compress(completion().parts[0])], content_type="application/json",
                                  headers={"Content-Encoding": "br"})
        with unittest.mock.patch.dict(_decoders.SUPPORTED_DECODERS, br=_decoders.GZipDecoder):
            with orbus.instrument(httpx2.Client(), self.producer) as client:
                answer = client.post(self.server.url + "/chat/completions", json=BODY)
        self.assertEqual(answer.json()["usage"]["total_tokens"], 15)
        self.assertEqual([(s["status"], s.get("completion_tokens")) for s in self.samples()], [("ok", 3)])

    def test_clients_of_packages_that_build_on_httpx(self):
        kind = type("Client", (httpx.Client,), {"__module__": "httpx_aiohttp.client"})
        with orbus.instrument(kind(), self.producer) as client:
            client.post(self.server.url + "/chat/completions", json=BODY)
        self.assertEqual([s["status"] for s in self.samples()], ["ok"])

    def test_a_response_that_the_transport_has_read_already(self):
        body = completion().parts[0]
        for content in (body, iter([body])):
            transport = httpx.MockTransport(lambda _: httpx.Response(
                200, content=content, headers={"Content-Type": "application/json"}))
            with orbus.instrument(httpx.Client(transport=transport), self.producer) as client:
                answer = client.post("http://x/chat/completions", json=BODY)
                self.assertEqual(self.samples()[-1]["status"], "ok")  # at once
            self.assertEqual(answer.json()["usage"]["total_tokens"], 15)

        async def ask():
            transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
            async with orbus.instrument(httpx.AsyncClient(transport=transport), self.producer) as client:
                await client.post("http://x/chat/completions", json=BODY)
        asyncio.run(ask())
        self.assertEqual([(s["status"], s["completion_tokens"]) for s in self.samples()], [("ok", 3)] * 3)

    def test_a_forked_child_ends_no_call_of_its_parent(self):
        self.server.reply = Reply([chunk("Hello"), HANG])
        with orbus.instrument(httpx.Client(), self.producer) as client:
            with client.stream("POST", self.server.url + "/chat/completions",
                               json={**BODY, "stream": True}) as response:
                lines = response.iter_lines()
                next(lines)
                child = os.fork()
                if child == 0:
                    try:
                        lines.close()
                        response.close()
                    finally:
                        os._exit(0)
                os.waitpid(child, 0)
                self.assertEqual(self.samples(), [])
        self.assertEqual([s["status"] for s in self.samples()], ["cancelled"])

    def test_a_time_out_is_of_what_was_awaited(self):
        self.server.reply = Reply([HANG], content_type="application/json")
        with orbus.instrument(httpx.Client(timeout=0.3), self.producer) as client:
            for stream_wanted in (False, True):
                with self.assertRaises(httpx.ReadTimeout):
                    client.post(self.server.url + "/chat/completions", json={**BODY, "stream": stream_wanted})
        for stream_wanted in (False, True):
            with self.assertRaises(httpx.ReadTimeout):
                with self.producer.request(model="m", stream=stream_wanted):
                    raise httpx.ReadTimeout("too long")
        self.assertEqual([s["error_type"] for s in self.samples()],
                         ["timeout_total", "timeout_first_token"] * 2)

    def test_wrong_arguments_are_told_at_once(self):
        with httpx.Client() as client:
            for arguments, options, says in ((("name",), {}, "bus must be an orbus.Producer"),
                                             ((self.bus,), {"tags": {}}, "orbus.Producer"),
                                             ((self.producer,), {"tags": "x"}, "tags must be a dict"),
                                             ((self.producer,), {"tags": {1: "x"}}, "must be a str")):
                with self.assertRaisesRegex(TypeError, says):
                    orbus.instrument(client, *arguments, **options)
                self.assertNotIn("_transport_for_url", vars(client))
            with self.assertRaisesRegex(ValueError, "17 tags"):
                orbus.instrument(client, self.producer, tags={str(n): n for n in range(17)})

    def test_aiohttp(self):
        async def ask():
            session = aiohttp.ClientSession(self.server.url + "/")
            async with orbus.instrument(session, self.producer):
                async with session.post("chat/completions", json=BODY) as response:
                    self.assertIn("Hello", await response.text())
                self.server.reply = error(429, "slow down")
                with self.assertRaises(aiohttp.ClientResponseError):
                    await session.post("chat/completions", json=BODY, raise_for_status=True)
                self.server.reply = Reply([chunk("x"), HANG])
                limit = aiohttp.ClientTimeout(total=0.4)
                with self.assertRaises(asyncio.TimeoutError):
                    async with session.post("chat/completions", json={**BODY, "stream": True},
                                            timeout=limit) as response:
                        await response.read()
                with self.assertRaises(TypeError):
                    await session.post("chat/completions", json={1, 2})
                orbus.uninstrument(session)
                self.assertNotIn("_request", vars(session))
        asyncio.run(ask())
        samples = self.samples()
        self.assertEqual([s.get("error_type") for s in samples[:3]],
                         [None, "rate_limited", "timeout_total"])
        self.assertEqual(samples[0]["requested_model"], "acme/large")
        self.assertEqual(self.server.requests[0][1], BODY)


class TagsTest(ClientTest):
    """orbus.tags(), and clients that share an httpx client inside."""

    def ask(self, client):
        client.chat.completions.create(**BODY, stream=True).close()
        return self.samples()[-1]

    def test_tags_are_put_on_what_is_called_within(self):
        client = orbus.instrument(self.openai(), self.producer, tags={"env": "prod", "user": "nobody"})
        with orbus.tags(user="ann", channel=7):
            self.assertEqual(self.ask(client)["tags"], {"env": "prod", "user": "ann", "channel": "7"})
            with orbus.tags({"user": "bob", "a-b": 1}):
                with self.producer.request("m", tags={"user": "cid"}):
                    pass
                self.assertEqual(self.samples()[-1]["tags"], {"user": "cid", "channel": "7", "a-b": "1"})
            self.producer.count("n")
            self.producer.publish(model="m")
        self.assertNotIn("tags", self.samples()[-1])
        self.assertEqual(self.ask(client)["tags"], {"env": "prod", "user": "nobody"})
        with orbus.tail(self.bus, follow=False, kind="count") as tail:
            self.assertEqual(next(tail)["tags"], {"user": "ann", "channel": "7"})
        with orbus.tags({str(n): n for n in range(16)}), orbus.tags(x=1):
            self.assertEqual(sorted(self.ask(client)["tags"]), sorted([*map(str, range(15)), "x"]))

    def test_each_task_has_its_own_tags(self):
        async def ask(user):
            with orbus.tags(user=user):
                await asyncio.sleep(0.01)
                async with self.producer.request("m", tags={"asked": user}):
                    await asyncio.sleep(0.01)

        async def ask_all():
            await asyncio.gather(*(ask(n) for n in range(20)))
        asyncio.run(ask_all())
        for sample in self.samples():
            self.assertEqual(sample["tags"]["user"], sample["tags"]["asked"])

    def test_blocks_that_are_left_in_another_context_raise_nothing(self):
        def within():
            with orbus.tags(user="ann"), self.producer.request("m"):
                yield
        for leave in (lambda g: g.close(), lambda g: list(g)):
            generator = within()
            contextvars.copy_context().run(next, generator)
            with orbus.tags(user="bob"):
                leave(generator)
                self.producer.request("n").end()
            self.assertEqual([s["tags"]["user"] for s in self.samples()[-2:]], ["ann", "bob"])
            self.assertNotIn("tags", self.ask(orbus.instrument(self.openai(), self.producer)))

    def test_what_is_no_tag_is_told_at_once(self):
        with self.assertRaisesRegex(TypeError, "must be a str"):
            orbus.tags({1: 2})
        with self.assertRaisesRegex(ValueError, "17 tags"):
            orbus.tags({str(n): n for n in range(17)})

    def test_clients_that_share_an_http_client_keep_their_own_bus_and_tags(self):
        first = orbus.instrument(self.openai(), self.producer, tags={"who": "first"})
        copy = first.with_options(max_retries=0)
        own_copy = orbus.instrument(first.with_options(timeout=9), self.producer, tags={"who": "copy"})
        sharing = orbus.instrument(self.openai(http_client=first._client), self.producer, tags={"who": "sharing"})
        stranger = self.openai(http_client=first._client)
        for _ in range(2):
            for client, who in ((first, "first"), (copy, "first"), (copy.copy(), "first"), (own_copy, "copy"),
                                (sharing, "sharing")):
                self.assertEqual(self.ask(client)["tags"], {"who": who})
        count = len(self.samples())
        self.ask(stranger)  # nobody asked to measure it
        self.assertEqual(len(self.samples()), count)
        for client in (first, copy, own_copy, sharing):
            orbus.uninstrument(client)
        self.ask(first)
        self.assertEqual(len(self.samples()), count)

    def test_async_clients_that_share_an_http_client(self):
        async def ask():
            async with self.openai(openai.AsyncOpenAI) as first:
                orbus.instrument(first, self.producer, tags={"who": "first"})
                second = orbus.instrument(first.with_options(timeout=9), self.producer, tags={"who": "second"})
                await asyncio.gather(*(c.chat.completions.create(**BODY) for c in [first, second] * 5))
        self.server.reply = completion()
        asyncio.run(ask())
        self.assertEqual(sorted(s["tags"]["who"] for s in self.samples()), ["first"] * 5 + ["second"] * 5)

    def test_a_client_that_is_dropped_goes_at_once(self):
        gc.disable()
        try:
            self.assertIsNone(weakref.ref(orbus.instrument(httpx.Client(), self.producer))())

            async def make():
                reference = weakref.ref(orbus.instrument(aiohttp.ClientSession(), self.producer))
                self.assertIsNone(reference())
                pending = orbus.instrument(aiohttp.ClientSession(), self.producer).post(
                    self.server.url + "/chat/completions", json=BODY)
                self.assertEqual((await pending).status, 200)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                asyncio.run(make())
            client = orbus.instrument(self.openai(), self.producer)
            self.ask(client.with_options(timeout=9).copy().with_options(timeout=8))
        finally:
            gc.enable()


class OnceTest(ClientTest):
    """A call is one sample, however many layers are instrumented."""

    def events(self):
        with orbus.tail(self.bus, follow=False, kind=None) as tail:
            return [s["kind"] for s in tail if s["kind"] != "progress"]

    def test_a_request_around_an_instrumented_client(self):
        client = orbus.instrument(self.openai(), self.producer, tags={"env": "prod"})
        with self.producer.request("mine", tags={"user": "ann"}) as r:
            for _ in client.chat.completions.create(**BODY, stream=True):
                pass
        self.assertEqual(self.events(), ["begin", "request"])
        sample, = self.samples()
        self.assertEqual({k: sample.get(k) for k in ("status", "requested_model", "model", "provider", "stream",
                                                     "completion_tokens", "cost_usd", "tags", "http_status",
                                                     "chunks", "operation")},
                         {"status": "ok", "requested_model": "mine", "model": "acme/large-2024", "provider": "Acme",
                          "stream": True, "completion_tokens": 3, "cost_usd": 0.00042, "http_status": 200,
                          "chunks": 3, "operation": None,
                          "tags": {"user": "ann", "env": "prod"}})
        self.assertLessEqual(sample["ttft_ms"], sample["response_ms"])
        self.assertEqual((r.status, r.completion_tokens, r.response_ms), ("ok", 3, sample["response_ms"]))
        self.assertEqual(self.producer.get_performance_stats()["total_requests"], 1)

    def test_a_text_completion_is_one(self):
        def answer(request):
            kind = "chat.completion" if "chat" in request.url.path else "text_completion"
            return httpx.Response(200, json={"object": kind, "choices": [{"text": "a"}]})
        with orbus.instrument(httpx.Client(transport=httpx.MockTransport(answer)), self.producer) as client:
            client.post("http://x/v1/completions", json={"model": "m", "prompt": "Say hello."})
            with self.producer.request():
                client.post("http://x/v1/completions", json={"model": "m", "prompt": ["Say", "hello."]})
            for path in ("completions", "chat/completions"):  # of bodies that cannot be seen
                client.post(f"http://x/v1/{path}", content=iter([b"{}"]))
            client.post("http://x/v1/chat/completions", json=BODY)
        self.assertEqual([s.get("operation") for s in self.samples()], ["text_completion"] * 3 + [None] * 2)

    def test_the_keys_id_is_published_where_it_is_asked_for(self):
        wanted = hashlib.sha256(KEY.encode()).hexdigest()[:8]
        asking = orbus.instrument(self.openai(), self.producer, key_id=True)
        with self.producer.request():
            asking.chat.completions.create(**BODY)
        with orbus.instrument(httpx.Client(), self.producer, key_id=True) as client:
            client.post(self.server.url + "/chat/completions", json=BODY, headers={"x-api-key": KEY})
            client.post(self.server.url + "/chat/completions", json=BODY)
        orbus.instrument(self.openai(), self.producer).chat.completions.create(**BODY)
        self.assertEqual([s.get("key_id") for s in self.samples()], [wanted, wanted, None, None])

    def test_progress_is_told_with_the_first_token_and_every_two_seconds(self):
        async def ask(around):
            async with orbus.instrument(httpx.AsyncClient(), self.producer) as inner:
                async def forward(request):
                    return await inner.send(inner.build_request(
                        "POST", str(request.url), content=request.content), stream=True)
                outer = httpx.AsyncClient(transport=httpx.MockTransport(forward)) if around else inner
                if around:
                    orbus.instrument(outer, self.producer)
                    with self.producer.request():
                        await outer.post(self.server.url + "/chat/completions", json={**BODY, "stream": True})
                else:
                    await outer.post(self.server.url + "/chat/completions", json={**BODY, "stream": True})

        async def ask_all():
            await asyncio.gather(ask(False), ask(True))
        self.server.reply = Reply([COMMENT] + [0.1, chunk("word")] * 44 + [DONE])
        asyncio.run(ask_all())
        with orbus.tail(self.bus, follow=False, kind=None) as tail:
            events = list(tail)
        begins = [s["request_id"] for s in events if s["kind"] == "begin"]
        requests = {s["begin_id"]: s for s in events if s["kind"] == "request"}
        self.assertEqual(sorted(requests), sorted(begins))
        self.assertEqual(len(begins), 2)
        for begun, request in requests.items():
            told = [s for s in events if s["kind"] == "progress" and s["request_id"] == begun]
            self.assertGreaterEqual(len(told), 2)
            self.assertLessEqual(len(told), 1 + request["response_ms"] / 2000)
            self.assertEqual((told[0]["chunks"], {s["ttft_ms"] for s in told}), (1, {request["ttft_ms"]}))
            self.assertEqual(request["chunks"], 44)
            for before, after in zip(told, told[1:]):
                self.assertGreaterEqual(after["ts"] - before["ts"], 1_900_000_000)
                self.assertLess(before["completion_tokens"], after["completion_tokens"])
            self.assertEqual(told[-1]["completion_tokens"], told[-1]["chunks"])
        self.assertEqual(self.producer.get_performance_stats()["total_requests"], 2)
        self.assertEqual(orbus.stats("5m", self.bus)["requests"]["total"], 2)

    def test_what_the_program_says_itself_stays(self):
        client = orbus.instrument(self.openai(), self.producer)
        with self.producer.request() as r:
            client.chat.completions.create(**BODY, stream=True).close()
            r.usage(100, 200)
            r.model = "mine"
            r.error("moderated", "no")
        sample, = self.samples()
        self.assertEqual([sample.get(k) for k in ("status", "error_type", "model", "total_tokens", "requested_model")],
                         ["error", "moderated", "mine", 300, "acme/large"])

    def test_an_async_request_around_an_async_client(self):
        async def ask():
            async with orbus.instrument(self.openai(openai.AsyncOpenAI), self.producer) as client:
                async with self.producer.request():
                    await client.chat.completions.create(**BODY)
                # Beside one another: the first one is the block's, the others are their own.
                async with self.producer.request():
                    await asyncio.gather(*(client.chat.completions.create(**BODY) for _ in range(3)))
        self.server.reply = completion()
        asyncio.run(ask())
        self.assertEqual([s["completion_tokens"] for s in self.samples()], [3] * 4)

    def test_retries_are_attempts(self):
        client = orbus.instrument(self.openai(max_retries=2), self.producer)
        self.server.reply = [error(429, retry_after_ms="1"), error(503, retry_after_ms="1"), completion()]
        with self.producer.request(tags={"user": "ann"}):
            client.chat.completions.create(**BODY)
        self.assertEqual([(s["attempt"], s["status"], s["tags"]) for s in self.samples()],
                         [(1, "error", {"user": "ann"}), (2, "error", {"user": "ann"}), (3, "ok", {"user": "ann"})])

    def test_a_call_that_fails_in_a_block(self):
        client = orbus.instrument(self.openai(max_retries=0), self.producer)
        self.server.reply = error(429, "slow down")
        with self.assertRaises(openai.RateLimitError):
            with self.producer.request():
                client.chat.completions.create(**BODY)
        with self.producer.request():  # and the program has an answer for it
            with self.assertRaises(openai.RateLimitError):
                client.chat.completions.create(**BODY)
        self.server.reply = completion()
        with self.assertRaises(ZeroDivisionError):
            with self.producer.request():
                client.chat.completions.create(**BODY)
                _ = 1 / 0
        self.assertEqual([(s["status"], s.get("error_type"), s.get("error_message")) for s in self.samples()],
                         [("error", "rate_limited", "slow down")] * 2 + [("error", "zero_division_error", None)])
        self.assertEqual(self.samples()[2]["completion_tokens"], 3)

    def test_a_limit_of_asyncio_within_the_block_is_a_timeout(self):
        """The call itself sees that it is cancelled, and not by what."""
        async def ask():
            async with orbus.instrument(httpx.AsyncClient(), self.producer) as client:
                async def read(limit):
                    with self.producer.request():
                        await asyncio.wait_for(client.post(self.server.url + "/chat/completions", json=BODY), limit)
                with self.assertRaises(asyncio.TimeoutError):
                    await read(0.2)
                task = asyncio.ensure_future(read(20))
                await asyncio.sleep(0.2)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
        for reply in (Reply([HANG]), Reply([chunk("Hello"), HANG])):
            self.server.reply = reply
            asyncio.run(ask())
        self.assertEqual([(s["status"], s.get("error_type")) for s in self.samples()],
                         [("timeout", "timeout_total"), ("cancelled", None)] * 2)

    def test_an_answer_that_goes_on_after_the_block(self):
        client = orbus.instrument(self.openai(), self.producer)
        with self.producer.request(tags={"user": "ann"}) as r:
            answer = client.chat.completions.create(**BODY, stream=True)
        self.assertEqual((self.events(), r.status), (["begin"], None))
        for _ in answer:
            pass
        self.assertEqual(self.events(), ["begin", "request"])
        sample, = self.samples()
        with orbus.tail(self.bus, follow=False, kind="begin") as tail:
            self.assertEqual(next(tail)["request_id"], sample["begin_id"])
        self.assertEqual((sample["status"], sample["completion_tokens"], sample["tags"]), ("ok", 3, {"user": "ann"}))

    def test_an_exception_while_the_answer_comes(self):
        client = orbus.instrument(self.openai(), self.producer)
        self.server.reply = Reply([chunk("Hello"), HANG])
        with self.assertRaises(ZeroDivisionError):
            with self.producer.request():
                for _ in client.chat.completions.create(**BODY, stream=True):
                    _ = 1 / 0
        self.assertEqual(self.events(), ["begin", "request"])
        sample, = self.samples()
        self.assertEqual((sample["status"], sample["error_type"], sample["model"], "ttft_ms" in sample),
                         ("error", "zero_division_error", "acme/large-2024", True))
        with orbus.instrument(httpx.Client(), self.producer) as client, self.assertRaises(ZeroDivisionError):
            with self.producer.request():
                with client.stream("POST", self.server.url + "/chat/completions", json={**BODY, "stream": True}):
                    _ = 1 / 0  # behind which the response is closed, before the block is left
        self.assertEqual([(s["status"], s["error_type"]) for s in self.samples()],
                         [("error", "zero_division_error")] * 2)

    def test_a_call_that_is_forgotten_in_a_block(self):
        with orbus.instrument(httpx.Client(), self.producer) as client:
            with self.producer.request():
                client.send(client.build_request("POST", self.server.url + "/chat/completions", json=BODY),
                            stream=True)
                gc.collect()
        self.assertEqual(self.events(), ["begin", "request"])
        self.assertEqual([(s["status"], s["http_status"]) for s in self.samples()], [("cancelled", 200)])

    def test_other_buses_blocks_that_ended_and_forks_are_left_alone(self):
        client = orbus.instrument(self.openai(), self.producer)
        other = self.enterContext(orbus.Producer("other", self.bus + "-2"))
        with other.request("m"):
            client.chat.completions.create(**BODY, stream=True).close()
        with self.producer.request("m") as r:
            r.end()
            client.chat.completions.create(**BODY, stream=True).close()
        self.assertEqual(len(self.samples()), 3)
        with self.producer.request("m"):
            child = os.fork()
            if child == 0:
                client.chat.completions.create(**BODY, stream=True).close()
                os._exit(0)
            os.waitpid(child, 0)
            self.assertEqual(len(self.samples()), 4)
        self.assertEqual(len(self.samples()), 5)

    def test_a_call_that_is_redirected(self):
        hops = []

        def answer(request):
            hops.append(request.url.path)
            if request.url.path != "/there":
                status, name = (307, "/v2/chat/completions") if len(hops) == 1 else (308, "/there")
                return httpx.Response(status, headers={"Location": name}, content=b"moved")
            return httpx.Response(last, headers={"Content-Type": "application/json"})

        async def answer_later(request):
            return answer(request)

        async def ask():
            async with httpx.AsyncClient(transport=httpx.MockTransport(answer_later), follow_redirects=True) as client:
                orbus.instrument(client, self.producer)
                return await client.post("http://x/chat/completions", json=BODY)
        client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True)
        orbus.instrument(client, self.producer)
        for last in (200, 503):
            for how in (lambda: client.post("http://x/chat/completions", json=BODY), lambda: asyncio.run(ask())):
                hops.clear()
                response = how()
                self.assertEqual((response.status_code, len(hops), [r.status_code for r in response.history]),
                                 (last, 3, [307, 308]))
                sample = self.samples()[-1]
                self.assertEqual((sample["http_status"], sample["requested_model"]), (last, "acme/large"))
        self.assertEqual(self.events(), ["begin", "request"] * 4)

    def test_a_redirect_that_leads_nowhere(self):
        """It ends as an error of its own status: too many, one that is not followed, a server that is not there."""
        def answer(request):
            if request.url.path == "/gone":
                raise httpx.ConnectError("no", request=request)
            return httpx.Response(307, headers={"Location": "/gone" if "gone" in str(request.url) else "/x"})
        client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True)
        orbus.instrument(client, self.producer)
        with self.assertRaises(httpx.TooManyRedirects):
            client.post("http://x/chat/completions", json=BODY)
        gc.collect()
        with self.assertRaises(httpx.ConnectError):
            client.post("http://x/chat/completions?gone", json=BODY)
        client.post("http://x/chat/completions", json=BODY, follow_redirects=False)
        gc.collect()
        client.follow_redirects = False
        client.post("http://x/chat/completions", json=BODY)
        self.assertEqual([(s["status"], s.get("error_type"), s.get("http_status")) for s in self.samples()],
                         [("error", "unexpected_status", 307), ("error", "connection_failed", None)] +
                         [("error", "unexpected_status", 307)] * 2)
        self.assertEqual(self.events(), ["begin", "request"] * 4)

    def test_a_transport_that_is_an_instrumented_client_itself(self):
        inner = orbus.instrument(httpx.Client(), self.producer)

        def forward(request):
            answer = inner.post(str(request.url), content=request.content)
            return httpx.Response(answer.status_code, content=answer.content)
        with orbus.instrument(httpx.Client(transport=httpx.MockTransport(forward)), self.producer) as client:
            for _ in range(2):
                client.post(self.server.url + "/chat/completions", json=BODY)
        inner.post(self.server.url + "/chat/completions", json=BODY)
        self.assertEqual(self.events(), ["begin", "request"] * 3)

        async def ask():
            async with orbus.instrument(aiohttp.ClientSession(), self.producer) as session:
                async def forward(request):
                    async with session.post(str(request.url), data=request.content) as answer:
                        return httpx.Response(answer.status, content=await answer.read())
                transport = httpx.MockTransport(forward)
                async with orbus.instrument(httpx.AsyncClient(transport=transport), self.producer) as client:
                    await client.post(self.server.url + "/chat/completions", json=BODY)
        asyncio.run(ask())
        self.assertEqual(self.events(), ["begin", "request"] * 4)


class UnreadTest(ClientTest):
    """Bodies that are never read end with what came last, and as what is known of them."""

    def forget(self, reply, read=0):
        """The sample of an answer that the program forgets for half a second and then drops."""
        self.server.reply = reply
        with orbus.instrument(httpx.Client(), self.producer) as client:
            response = client.send(client.build_request("POST", self.server.url + "/chat/completions", json=BODY),
                                   stream=True)
            pieces = response.iter_raw()
            for _ in range(read):
                next(pieces)
            time.sleep(0.5)
            dropped_ns = time.time_ns()
            del pieces, response
            gc.collect()
        sample = self.samples()[-1]
        self.assertLess(sample["response_ms"], 450)
        self.assertLess(sample["ts"], dropped_ns - 400_000_000)
        return sample["status"], sample.get("error_type"), sample["http_status"]

    def test_httpx(self):
        self.assertEqual(self.forget(completion()), ("cancelled", None, 200))
        self.assertEqual(self.forget(error(503)), ("error", "service_unavailable", 503))
        self.assertEqual(self.forget(Reply([chunk("Hello"), HANG]), 1), ("cancelled", None, 200))
        # The whole answer came, but for the end of its iteration.
        self.assertEqual(self.forget(completion(), 1), ("ok", None, 200))

    def test_close_is_when_the_program_ends_it(self):
        self.server.reply = Reply([chunk("Hello"), HANG])
        with orbus.instrument(httpx.Client(), self.producer) as client:
            with client.stream("POST", self.server.url + "/chat/completions", json=BODY):
                time.sleep(0.3)
        self.assertGreater(self.samples()[0]["response_ms"], 300)

    def test_aiohttp(self):
        async def ask():
            async with orbus.instrument(aiohttp.ClientSession(), self.producer) as session:
                response = await session.post(self.server.url + "/chat/completions", json=BODY)
                await asyncio.sleep(0.5)
                del response
                gc.collect()
        self.server.reply = Reply([chunk("Hello"), HANG])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asyncio.run(ask())
            gc.collect()
        sample, = self.samples()
        self.assertEqual((sample["status"], sample["http_status"]), ("cancelled", 200))
        self.assertLess(sample["response_ms"], 450)


class WorkersTest(ClientTest):
    @unittest.skipIf(SANITIZER, "forks of a large uninstrumented server")
    def test_gunicorn_workers_that_were_forked_after_the_producer_was_made(self):
        app = os.path.join(self.folder, "served.py")
        with open(app, "w", encoding="utf-8") as file:
            file.write(f"import orbus\nbus = orbus.Producer('web', {self.bus!r})\n"
                       "def app(environ, start):\n    bus.count('served')\n"
                       "    start('200 OK', [('Content-Length', '0')])\n    return []\n")
        # Set here: an older gunicorn, which has no such socket, would refuse the option.
        with open(os.path.join(self.folder, "gunicorn.conf.py"), "w", encoding="utf-8") as file:
            file.write("control_socket_disable = True\n")
        socket = os.path.join(self.folder, "socket")
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--preload", "--workers", "3", "--bind",
             f"unix:{socket}", "served:app"],
            cwd=self.folder, stderr=subprocess.PIPE, text=True)
        self.processes.append(server)
        wait_for(lambda: os.path.exists(socket) or server.poll(), "gunicorn")
        self.assertIsNone(server.poll(), server.poll() and server.stderr.read())
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket)) as client:
            for _ in range(30):
                self.assertEqual(client.get("http://web/").status_code, 200)
        with orbus.tail(self.bus, follow=False, kind="count") as tail:
            self.assertEqual(len(list(tail)), 30)
        server.send_signal(signal.SIGTERM)
        server.wait(30)


class CheckerTest(unittest.TestCase):
    @unittest.skipIf(SANITIZER, "once is enough")
    def test_the_package_is_typed(self):
        folder = os.path.join(SOURCE, "bindings", "python")
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", os.path.join(folder, "pyproject.toml"),
             "--cache-dir", os.devnull, os.path.join(folder, "src", "orbus")], check=False,
            capture_output=True, text=True, env={k: v for k, v in os.environ.items()
                                                 if k != "PYTHONPATH"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
