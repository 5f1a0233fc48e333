"""The Python binding makes the samples of the conformance table, with each client it instruments."""
import asyncio
import contextlib
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_in_environment  # noqa: E402

run_in_environment()

import aiohttp  # noqa: E402
import httpx  # noqa: E402
import openai  # noqa: E402
import orbus  # noqa: E402
import unittest  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from conformance import KEY, UNKNOWN_HOST, calls, differences, echoes, reply, ring_bytes  # noqa: E402
from harness import SANITIZER, BusTest  # noqa: E402
from openrouter import OpenRouter  # noqa: E402

PATH = "/chat/completions"
NEVER_S = 30


def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def silence_s(call):
    return call.get("limits", {}).get("silence_ms", 1000 * NEVER_S) / 1000


def leaves(call):
    return "caller" in call


class HttpxClient:
    """httpx.Client."""

    def ask(self, bus, url, call):
        with orbus.instrument(httpx.Client(timeout=silence_s(call)), bus) as client:
            with client.stream("POST", url + PATH, json=call["request"]) as response:
                for data in response.iter_bytes():
                    if leaves(call) and b"Hello" in data:
                        break


class AsyncHttpxClient:
    """httpx.AsyncClient."""

    def ask(self, bus, url, call):
        asyncio.run(self.ask_async(bus, url, call))

    async def ask_async(self, bus, url, call):
        async with orbus.instrument(httpx.AsyncClient(timeout=silence_s(call)), bus) as client:
            async with client.stream("POST", url + PATH, json=call["request"]) as response:
                async for data in response.aiter_bytes():
                    if leaves(call) and b"Hello" in data:
                        break


class AiohttpClient:
    """aiohttp.ClientSession."""

    def ask(self, bus, url, call):
        asyncio.run(self.ask_async(bus, url, call))

    async def ask_async(self, bus, url, call):
        timeout = aiohttp.ClientTimeout(total=NEVER_S, sock_read=silence_s(call))
        async with aiohttp.ClientSession(timeout=timeout) as session:
            orbus.instrument(session, bus)
            async with session.post(url + PATH, json=call["request"]) as response:
                async for data in response.content.iter_any():
                    if leaves(call) and b"Hello" in data:
                        break


class OpenAIClient:
    """openai.OpenAI."""

    def ask(self, bus, url, call):
        client = openai.OpenAI(base_url=url, api_key=KEY, max_retries=0,
                               timeout=silence_s(call))
        with orbus.instrument(client, bus):
            answer = client.chat.completions.create(**call["request"])
            if call["request"]["stream"]:
                for chunk in answer:
                    if leaves(call) and chunk.choices and chunk.choices[0].delta.content:
                        answer.close()
                        break


class AsyncOpenAIClient:
    """openai.AsyncOpenAI."""

    def ask(self, bus, url, call):
        asyncio.run(self.ask_async(bus, url, call))

    async def ask_async(self, bus, url, call):
        client = openai.AsyncOpenAI(base_url=url, api_key=KEY, max_retries=0,
                                    timeout=silence_s(call))
        async with orbus.instrument(client, bus):
            answer = await client.chat.completions.create(**call["request"])
            if call["request"]["stream"]:
                async for chunk in answer:
                    if leaves(call) and chunk.choices and chunk.choices[0].delta.content:
                        await answer.close()
                        break


class ConformanceTest(BusTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(OpenRouter())
        self.producer = self.enterContext(orbus.Producer("conformance", self.bus))

    def url(self, call):
        server = call.get("server")
        if server == "unknown":
            return f"http://{UNKNOWN_HOST}/api/v1"
        return f"http://127.0.0.1:{unused_port()}/api/v1" if server else self.server.url

    def assert_conforms(self, client):
        for call in calls():
            with self.subTest(call["name"], client=type(client).__name__):
                if "answer" in call:
                    self.server.reply = reply(call)
                with orbus.tail(self.bus, kind=None, timeout=0) as tail:
                    # What the program sees is its own business: here it is the sample that counts.
                    with contextlib.suppress(Exception):
                        client.ask(self.producer, self.url(call), call)
                    samples = list(tail)
                progress = [s for s in samples if s["kind"] == "progress"]
                begin, request = (s for s in samples if s["kind"] != "progress")
                self.assertEqual((begin["kind"], request["kind"]), ("begin", "request"))
                self.assertEqual(differences(call, request), [])
                # An answer that is whole with its first token has none.
                self.assertEqual([(s["request_id"], s["ttft_ms"]) for s in progress],
                                 [(begin["request_id"], request.get("ttft_ms"))] * len(progress))
                self.assertLessEqual(len(progress), "ttft_ms" in request)
        self.assertEqual((self.producer.dropped, self.producer.last_error), (0, None))
        self.assertEqual(echoes(ring_bytes(self.bus)), [])

    def test_httpx(self):
        self.assert_conforms(HttpxClient())

    def test_httpx_async(self):
        self.assert_conforms(AsyncHttpxClient())

    def test_aiohttp(self):
        self.assert_conforms(AiohttpClient())

    @unittest.skipIf(SANITIZER, "the openai package asks through httpx")
    def test_openai(self):
        self.assert_conforms(OpenAIClient())

    @unittest.skipIf(SANITIZER, "the openai package asks through httpx")
    def test_openai_async(self):
        self.assert_conforms(AsyncOpenAIClient())


if __name__ == "__main__":
    unittest.main(verbosity=2)
