"""The Python binding counts calls within layers by the table of nesting.json, with each kind of client inside."""
import asyncio
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_in_environment  # noqa: E402

run_in_environment()

import aiohttp  # noqa: E402
import httpx  # noqa: E402
import orbus  # noqa: E402
import unittest  # noqa: E402

sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from conformance import nesting  # noqa: E402
from harness import BusTest  # noqa: E402
from openrouter import OpenRouter, completion, error  # noqa: E402

TRIES = 5


def response(status, content):
    return httpx.Response(status, content=content, headers={"Content-Type": "application/json"})


class Sync:
    """httpx.Client, all the way down."""

    def run(self, test, program):
        for step in program:
            if "wrap" in step:
                with test.producers[step["wrap"].get("bus", 0)].request(
                        step["wrap"].get("model"), tags=step["wrap"].get("tags")):
                    self.run(test, step["do"])
            else:
                self.ask(test, step, list(zip(step["ask"], step.get("buses", [0] * 9))))

    def ask(self, test, step, layers):
        (tags, bus), *inner = layers

        def forward(request):
            answers = [self.ask(test, step, inner)]
            if step.get("between") == "twice" or step.get("between") == "again" and answers[0].status_code != 200:
                for _ in range(TRIES):
                    answers.append(self.ask(test, step, inner))
                    if step["between"] == "twice" or answers[-1].status_code == 200:
                        break
            return response(answers[-1].status_code, answers[-1].content)
        transport = httpx.MockTransport(forward) if inner else None
        with orbus.instrument(httpx.Client(transport=transport), test.producers[bus], tags=tags) as client:
            return client.post(test.server.url + "/chat/completions", json=test.body(step))


class Async:
    """httpx.AsyncClient, and one of aiohttp or httpx inside."""

    def __init__(self, is_aiohttp):
        self.is_aiohttp = is_aiohttp

    def run(self, test, program):
        asyncio.run(self.run_async(test, program))

    async def run_async(self, test, program):
        for step in program:
            if "wrap" in step:
                async with test.producers[step["wrap"].get("bus", 0)].request(
                        step["wrap"].get("model"), tags=step["wrap"].get("tags")):
                    await self.run_async(test, step["do"])
            else:
                await self.ask(test, step, list(zip(step["ask"], step.get("buses", [0] * 9))))

    async def ask(self, test, step, layers):
        (tags, bus), *inner = layers
        url = test.server.url + "/chat/completions"

        async def forward(request):
            answers = [await self.ask(test, step, inner)]
            if step.get("between") == "twice" or step.get("between") == "again" and answers[0].status_code != 200:
                for _ in range(TRIES):
                    answers.append(await self.ask(test, step, inner))
                    if step["between"] == "twice" or answers[-1].status_code == 200:
                        break
            return response(answers[-1].status_code, answers[-1].content)
        if not inner and self.is_aiohttp:
            async with orbus.instrument(aiohttp.ClientSession(), test.producers[bus], tags=tags) as session:
                async with session.post(url, json=test.body(step)) as answer:
                    return response(answer.status, await answer.read())
        transport = httpx.MockTransport(forward) if inner else None
        client = httpx.AsyncClient(transport=transport)
        async with orbus.instrument(client, test.producers[bus], tags=tags):
            return await client.post(url, json=test.body(step))


class NestingTest(BusTest):
    @classmethod
    def setUpClass(cls):
        # A program instruments its clients before its requests: the first block would know of no client.
        bus = f"orbus-test-{os.getpid()}-first"
        with orbus.Producer("first", bus) as producer:
            orbus.instrument(httpx.Client(), producer).close()
        for name in ("", ".lanes"):
            os.unlink(f"/dev/shm/{bus}{name}")

    def body(self, step):
        return {"model": step.get("model", "acme/large"), "messages": [{"role": "user", "content": "Hi"}]}

    def samples(self, bus):
        """Each of which has its begin, and no begin is left without one."""
        with orbus.tail(bus, follow=False, kind=None) as tail:
            events = list(tail)
        ended = [s for s in events if s["kind"] == "request"]
        self.assertEqual(sorted(s.get("begin_id", s["request_id"]) for s in ended),
                         sorted(s["request_id"] for s in events if s["kind"] == "begin"))
        return ended

    def assert_counts(self, how):
        for number, case in enumerate(nesting()):
            bus, other = f"{self.bus}-{number}", f"{self.bus}-{number}-other"
            with self.subTest(case["name"]), OpenRouter() as self.server, orbus.Producer("a", bus) as producer, \
                    orbus.Producer("b", other) as stranger, orbus.Producer("c", "/" + bus) as beside:
                self.producers = [producer, stranger, beside]
                self.server.reply = [error(503)] * case.get("failures", 0) + [completion()]
                how.run(self, case["program"])
                for name, wanted in ((bus, case["samples"]), (other, case.get("other_bus", []))):
                    found = self.samples(name)
                    self.assertEqual(
                        [{key: sample.get(key) for key in want} for want, sample in zip(wanted, found)], wanted)
                    self.assertEqual(len(found), len(wanted))
                self.assertEqual([p.dropped for p in self.producers], [0, 0, 0])

    def test_httpx(self):
        self.assert_counts(Sync())

    def test_httpx_async(self):
        self.assert_counts(Async(False))

    def test_aiohttp_inside(self):
        self.assert_counts(Async(True))


if __name__ == "__main__":
    unittest.main(verbosity=2)
