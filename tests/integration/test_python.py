"""The Python package by itself: what it publishes, reads, and survives."""
import asyncio
import contextlib
import gc
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_with_package  # noqa: E402

if __name__ == "__main__":
    run_with_package()

import orbus  # noqa: E402
from harness import SANITIZER, BusTest, wait_for  # noqa: E402
from orbus.metrics import MetricsService  # noqa: E402


def publish_many(bus, n):
    """In another process: n counts, by a producer of its own."""
    with orbus.Producer("worker", bus) as producer:
        for _ in range(n):
            producer.count("work")
        assert producer.dropped == 0, producer.last_error


class PythonTest(BusTest):
    def setUp(self):
        super().setUp()
        self.producer = self.enterContext(orbus.Producer("acore", self.bus))

    def samples(self, kind="request"):
        with orbus.tail(self.bus, follow=False, kind=kind) as tail:
            return list(tail)

    def assert_sample(self, sample, **wanted):
        self.assertEqual({key: sample.get(key) for key in wanted}, wanted, sample)


class RequestTest(PythonTest):
    def test_a_block_is_a_begin_and_a_request(self):
        with self.producer.request(model="m/x", stream=True, tags={"user": 7}) as r:
            r.first_token()
            r.usage(prompt_tokens=225, completion_tokens=287, cost_usd=0.5)
            r.model = "m/x-2024"
        begin, end = self.samples(None)
        self.assert_sample(begin, kind="begin", requested_model="m/x", stream=True, bot="acore")
        self.assert_sample(end, kind="request", status="ok", model="m/x-2024", requested_model="m/x",
                           total_tokens=512, cost_usd=0.5, tags={"user": "7"},
                           request_id=begin["request_id"])
        self.assertLessEqual(end["ttft_ms"], end["response_ms"])
        self.assertEqual((r.status, r.response_ms), ("ok", end["response_ms"]))

    def test_usage_of_an_api(self):
        with self.producer.request("m") as r:
            r.usage({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "cost": 0.25,
                     "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2},
                     "completion_tokens_details": None})
            self.assertEqual((r.operation, r.tool_calls, r.max_gap_ms), (None, None, None))
            r.operation, r.tool_calls, r.chunks, r.max_gap_ms, r.retry_after_s = "embeddings", 2, 5, 12.5, 3
        self.assert_sample(self.samples()[0], prompt_tokens=3, completion_tokens=4, total_tokens=7,
                           cost_usd=0.25, cached_tokens=1, reasoning_tokens=None, cache_write_tokens=2,
                           operation="embeddings", tool_calls=2, chunks=5, max_gap_ms=12.5, retry_after_s=3)

    def test_a_whole_sample_has_the_keys_of_later_versions(self):
        keys = {"operation": "embeddings", "cache_write_tokens": 1, "tool_calls": 2, "max_gap_ms": 3.5, "chunks": 4,
                "cost_estimated": True, "retry_after_s": 5.0, "key_id": "0123abcd"}
        self.producer.publish(**keys)
        self.assert_sample(self.samples()[0], **keys)

    def test_exceptions_are_recorded_and_go_on(self):
        class QuotaError(Exception):
            status_code, body = 429, {"message": "slow down, sk-abcdefghijkl"}

        class AskedError(QuotaError):
            class request:
                _content = b'{"messages": [{"content": "something else"}]}'
                headers, url = {}, "http://localhost/"

        class EchoError(AskedError):
            body = {"message": "bad prompt: Something  else"}
        for error, wanted in (
                (ValueError("the prompt"), ("error", "value_error", None, None)),
                (ConnectionRefusedError(111, "refused"),
                 ("error", "connection_refused", "refused", None)),
                (QuotaError(), ("error", "rate_limited", "HTTP status 429", 429)),
                (AskedError(), ("error", "rate_limited", "slow down, ***************", 429)),
                (EchoError(), ("error", "rate_limited", "HTTP status 429", 429)),
                (TimeoutError(), ("timeout", "timeout_total", None, None)),
                (asyncio.TimeoutError(), ("timeout", "timeout_total", None, None)),
                (asyncio.CancelledError(), ("cancelled", None, None, None)),
                (KeyboardInterrupt(), ("cancelled", None, None, None)),
                (GeneratorExit(), ("cancelled", None, None, None))):
            with self.assertRaises(type(error)) as raised:
                with self.producer.request("m"):
                    raise error
            self.assertIs(raised.exception, error)
            sample = self.samples()[-1]
            self.assertEqual(tuple(sample.get(key) for key in (
                "status", "error_type", "error_message", "http_status")), wanted)

    def test_the_bots_own_exception_stays_what_it_was_when_a_request_is_dropped(self):
        """With a logger the end of a request calls Python, while the exception is in flight."""
        producer = self.enterContext(orbus.Producer("acore", self.bus, logger="openrouter"))

        def fail(kind):
            raise kind("the bot's own")
        for kind in (ValueError, KeyboardInterrupt, SystemExit):
            for begin in (lambda: producer.request("m"), lambda: orbus._orbus.Call(producer, b"{}")):
                with self.assertRaises(kind) as raised:
                    # The first of the two is dropped on the way out of the second one.
                    (begin(), fail(kind))
                self.assertEqual(raised.exception.args, ("the bot's own",))
        self.assertEqual([s["status"] for s in self.samples()], ["cancelled"] * 6)

    def test_interrupts_are_not_swallowed(self):
        for kind in (KeyboardInterrupt, SystemExit):
            class Interrupting:
                def __getattr__(self, name):
                    raise kind

                def log(self, *_):
                    raise kind
            with self.assertRaises(kind):
                self.producer.request("m").usage(Interrupting())
            producer = self.enterContext(orbus.Producer("acore", self.bus, logger=Interrupting()))
            with self.assertRaises(kind):
                producer.request("m").end()
            with self.assertRaises(kind):
                with producer.request("m"):
                    pass
            with self.assertRaises(kind):
                producer.publish(model="m", status="ok", response_ms=1)

    def test_async_with(self):
        async def bot():
            async with self.producer.request("m") as r:
                r.usage(1, 2)
            async with self.producer.request("m"):
                await asyncio.wait_for(asyncio.sleep(20), 0.01)
        with self.assertRaises(asyncio.TimeoutError):
            asyncio.run(bot())
        self.assertEqual([s["status"] for s in self.samples()], ["ok", "timeout"])

    def test_verdicts_by_hand(self):
        with self.producer.request("m") as r:
            r.error("moderated", "no", http_status=403)
        self.producer.request("m").end("timeout")
        self.producer.request("m")  # and dropped
        self.assertEqual([(s["status"], s.get("error_type")) for s in self.samples()],
                         [("error", "moderated"), ("timeout", None), ("cancelled", None)])

    def test_a_nul_in_a_text_hides_nothing_behind_it(self):
        self.producer.publish(model="a\0b", error_message="\0", tags={"k\0": "v\0w"})
        sample, = self.samples()
        self.assertEqual((sample["model"], sample["error_message"], sample["tags"]),
                         ("a\ufffdb", "\ufffd", {"k\ufffd": "v\ufffdw"}))

    def test_arguments_of_the_wrong_type_are_told(self):
        for call, error, words in (
                (lambda: self.producer.request(5), TypeError, "model must be a str"),
                (lambda: self.producer.request(modell="x"), TypeError, "modell"),
                (lambda: self.producer.request("m").usage(-1), ValueError, "prompt_tokens is -1"),
                (lambda: self.producer.request("m").end("fine"), ValueError, "status is 'fine'"),
                (lambda: self.producer.publish(model=1), TypeError, "model"),
                (lambda: self.producer.count(None, tags=[1]), TypeError, "tags must be a dict"),
                (lambda: type(self.producer.request("m"))(), TypeError, "Request"),
                (lambda: orbus.Producer(""), ValueError, "1 to 64 bytes"),
                (lambda: orbus.Producer("a\0b", self.bus), ValueError, "no NUL"),
                (lambda: orbus.Producer("a", self.bus + "\0b"), ValueError, "no NUL"),
                (lambda: orbus.stats("2m", self.bus), ValueError, "give 1m"),
                (lambda: orbus.Producer("a", "/"), orbus.BusError, "no bus name")):
            with self.assertRaises(error) as raised:
                call()
            self.assertIn(words, str(raised.exception))

    def test_text_that_utf8_cannot_hold(self):
        with self.producer.request("m\ud800"):
            pass
        self.assert_sample(self.samples()[0], requested_model="m?")
        self.assertEqual(self.producer.dropped, 0)


class ProducerTest(PythonTest):
    def test_what_is_no_figure_is_dropped_and_counted(self):
        for value in (float("nan"), float("inf"), float("-inf")):
            self.producer.gauge("discord_latency_ms", value)
        self.producer.gauge("discord_latency_ms", 45.2)
        self.producer.gauge("outside", -40.5)
        self.producer.count("messages_processed")
        self.assertEqual(self.producer.dropped, 3)
        self.assertIn("not a number", self.producer.last_error)
        self.assertEqual([(s["kind"], s["name"], s["value"]) for s in self.samples(None)],
                         [("gauge", "discord_latency_ms", 45.2), ("gauge", "outside", -40.5),
                          ("count", "messages_processed", 1.0)])

    def test_a_closed_producer_drops(self):
        r = self.producer.request("m")
        self.producer.close()
        self.producer.count("x")
        r.end()
        self.producer.request("m").end()
        self.assertEqual(self.producer.last_error, "the producer is closed")
        self.assertEqual(self.samples(), [])

    def test_performance_stats_of_the_seed(self):
        self.assertEqual(self.producer.get_performance_stats()["average_response_time_ms"], 0.0)
        self.producer.publish(model="openai/gpt-4", response_ms=3456.78, completion_tokens=287)
        self.producer.publish(model="openai/gpt-4", response_ms=1000, completion_tokens=13,
                              stream=True, ttft_ms=870.04)
        self.producer.publish(status="timeout", response_ms=180000)
        self.assertEqual(self.producer.get_performance_stats(), {
            "last_response_time_seconds": 1.0, "last_response_time_ms": 1000.0, "last_tps": 13.0,
            "average_response_time_seconds": 2.23, "average_response_time_ms": 2228.4,
            "total_requests": 2, "total_tokens_generated": 300, "model": "openai/gpt-4",
            "last_ttft_seconds": 0.87, "last_ttft_ms": 870.0, "average_ttft_seconds": 0.87,
            "average_ttft_ms": 870.0})

    def test_the_log_speaks_as_ortail_does(self):
        logger = logging.getLogger(self.bus)
        with self.assertLogs(logger, logging.DEBUG) as logs:
            bot = orbus.Producer("logged", self.bus, logger=self.bus)
            bot.publish(response_ms=3450, completion_tokens=287, total_tokens=512)
            bot.publish(stream=True, response_ms=8210, ttft_ms=870, completion_tokens=345,
                        tokens_estimated=True)
            bot.publish(status="timeout", stream=True, response_ms=180300)
            bot.publish(status="timeout", response_ms=180300)
        done = self.run_tool("ortail", "--bus", self.bus, "-1")
        self.assertEqual([f"{r.levelname} - {r.getMessage()}" for r in logs.records],
                         done.stdout.splitlines())
        self.assertIn("INFO - OpenRouter response: 3.45s | Tokens: 287 | TPS: 83.2 | Total: 512",
                      done.stdout)
        self.assertIn("ERROR - OpenRouter timeout after 180.3s", done.stdout)


class ReadingTest(PythonTest):
    def test_stats_are_orstats(self):
        self.producer.publish(model="m", response_ms=100, completion_tokens=5)
        mine = orbus.stats("5m", self.bus)
        self.assertEqual((mine["source"], mine["agent"], mine["requests"]["ok"]), ("ring", None, 1))
        agent = self.start_agent()
        wait_for(lambda: orbus.stats("5m", self.bus)["source"] == "agent", "the board")
        mine = wait_for(lambda: (lambda s: s["requests"]["ok"] and s)(orbus.stats("5m", self.bus)),
                        "the request on the board")
        self.assertEqual(mine["agent"]["pid"], agent.pid)
        self.stop_agent(agent)

    def test_files_are_loaded_and_merged(self):
        for n in range(100):
            self.producer.publish(model="m", response_ms=100 + n, completion_tokens=5)
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        path = self.path(self.files("hourly_*")[0])
        hour = orbus.load(path)
        self.assertEqual(hour["response_times"]["count"], 100)
        twice = orbus.merge([path, hour])
        self.assertEqual(twice["requests"]["total"], 200)
        for figure in ("avg", "min", "max", "p50", "p95", "p99"):
            self.assertAlmostEqual(twice["response_times"][figure], hour["response_times"][figure])
        self.assertEqual(orbus.merge([twice])["by_model"]["m"]["requests"], 200)
        broken = os.path.join(self.folder, "broken.json")
        with open(broken, "w", encoding="utf-8") as file:
            file.write('{"period": {}}')
        with self.assertRaisesRegex(ValueError, "broken.json: not a file"):
            orbus.merge([path, broken])

    def test_tail_follows_in_both_ways(self):
        with orbus.tail(self.bus, timeout=20) as tail:
            timer = threading.Timer(0.2, self.producer.publish, kwargs={"model": "late"})
            timer.start()
            self.assertEqual(next(tail)["model"], "late")
            timer.join()

        async def read():
            async with orbus.tail(self.bus, last=1, timeout=20) as samples:
                self.assertEqual((await samples.__anext__())["model"], "late")
                asyncio.get_running_loop().call_later(0.1, self.publish_model, "openai/x")
                async for sample in samples:
                    return sample["model"]
        self.assertEqual(asyncio.run(read()), "openai/x")
        with orbus.tail(self.bus, follow=False, model="openai/*") as tail:
            self.assertEqual(len(list(tail)), 1)
        with self.assertRaises(orbus.BusError) as raised:
            orbus.tail(self.bus + "-none")
        self.assertIn("no such bus", str(raised.exception))

    def publish_model(self, model):
        self.producer.publish(model=model)

    def test_close_ends_a_tail_that_waits(self):
        tail, found = orbus.tail(self.bus), []
        thread = threading.Thread(target=lambda: found.extend(tail))
        thread.start()
        tail.close()
        thread.join(20)
        self.assertFalse(thread.is_alive())


class ProcessTest(PythonTest):
    def test_threads_share_a_producer(self):
        threads = [threading.Thread(target=lambda: [self.producer.count("n") for _ in range(500)])
                   for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.samples("count")), 4000)

    def test_a_request_ends_in_another_thread(self):
        with self.producer.request("m") as r:
            thread = threading.Thread(target=r.end)
            thread.start()
            thread.join()
        begin, end = self.samples(None)
        self.assertEqual(begin["request_id"], end["request_id"])

    def test_a_forked_child_goes_on_and_leaves_its_parents_requests_alone(self):
        open_request = self.producer.request("parents")
        other = self.producer.request("parents")
        tail = orbus.tail(self.bus)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                self.producer.publish(model="childs")
                del open_request
                with other:
                    pass
                other.end()
                try:
                    next(tail)
                except ValueError:
                    status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        self.assertEqual([s.get("model") for s in self.samples()], ["childs"])
        open_request.end()
        other.end()
        self.assertEqual(len(self.samples()), 3)
        tail.close()

    def test_multiprocessing(self):
        for way in ("fork", "spawn"):
            context = multiprocessing.get_context(way)
            workers = [context.Process(target=publish_many, args=(self.bus, 50)) for _ in range(3)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join(60)
                self.assertEqual(worker.exitcode, 0)
        self.assertEqual(len(self.samples("count")), 300)

    def test_importing_does_nothing(self):
        code = ("import threading, sys, orbus; assert threading.active_count() == 1; "
                "assert not {'openai', 'httpx', 'aiohttp', 'orbus._httpx', 'asyncio', 'logging', 'ssl', "
                "'socket'} & set(sys.modules)")
        subprocess.run([sys.executable, "-c", code], check=True)

    @unittest.skipIf(SANITIZER, "it takes long")
    def test_eight_processes_and_the_books(self):
        agent = self.start_agent()
        n = 100_000
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=publish_many, args=(self.bus, n)) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
            self.assertEqual(worker.exitcode, 0)
        self.stop_agent(agent)
        day = self.load(self.files("daily_*")[0])
        counted = day["service_metrics"]["work"] + day["lost_samples"]
        self.assertEqual((counted, day["rejected_samples"]), (8 * n, 0))


class NewBusTest(PythonTest):
    def test_a_new_bus_that_looks_like_a_typo_is_logged(self):
        bus = "acore" + "".join(chr(ord("a") + int(c, 16)) for c in self.bus[-8:])
        typo = bus.replace("core", "ocre")
        for name in (bus, typo):
            for end in ("", ".lanes"):
                self.addCleanup(lambda path=f"/dev/shm/{name}{end}": os.path.exists(path) and os.unlink(path))
        with self.assertNoLogs("orbus") if hasattr(self, "assertNoLogs") else contextlib.nullcontext():
            orbus.Producer("acore", bus).close()
        with self.assertLogs("orbus", logging.WARNING) as logs:
            orbus.Producer("acore", typo).close()
        self.assertEqual([r.getMessage() for r in logs.records],
                         [f"made the new bus '{typo}'; there is '{bus}'"])


class MetricsServiceTest(PythonTest):
    def test_what_it_records_is_in_the_agents_files(self):
        metrics = MetricsService(self.data, bot="acore", bus=self.bus)
        metrics.record_response_time(1234.5, {"model": "m", "user": "x"})
        metrics.record_token_usage(800, 450, "openai/gpt-4")
        metrics.record_error("APIError", "boom")
        for user in (1, 2, 2):
            metrics.record_message(user, 9)
        metrics.record_command("help")
        metrics.record_cache_hit("history")
        metrics.record_cache_miss("rag")
        metrics.record_service_event("tts", "generation")
        metrics.record_service_event("vision")
        summary = metrics.get_summary()
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        for document in (summary, self.load(self.files("hourly_*")[0])):
            self.assertEqual(document["response_times"]["count"], 1)
            self.assertEqual(document["response_times"]["max"], 1234.5)
            self.assertEqual(document["token_usage"]["by_model"]["openai/gpt-4"], 1250)
            self.assertEqual(document["errors"]["by_type"], {"APIError": 1})
            self.assertEqual(document["errors"]["recent_errors"][0]["message"], "boom")
            self.assertEqual(document["active_stats"], {
                "active_users": 2, "active_channels": 1, "messages_processed": 3,
                "commands_executed": 1})
            self.assertEqual(document["cache_stats"]["history_cache"]["hits"], 1)
            self.assertEqual(document["cache_stats"]["rag_cache"]["misses"], 1)
            self.assertEqual(document["service_metrics"],
                             {"tts_generations": 1, "vision_requests": 1})
        self.assertEqual(summary["hourly_trends"]["current_hour_messages"], 3)
        self.assertEqual(metrics.producer.dropped, 0)

    def document(self):
        """The hour's file of an agent that has read everything."""
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        return self.load(self.files("hourly_*")[0])

    def test_a_call_recorded_by_its_two_methods_is_one_request(self):
        metrics = MetricsService(self.data, bot="acore", bus=self.bus)
        metrics.record_response_time(1000)
        metrics.record_token_usage(10, 5, "m")
        metrics.record_token_usage(20, 6, "m")
        metrics.record_response_time(2000, {"model": "asked-for", "prompt_tokens": 7})
        metrics.record_token_usage(40, 7)
        metrics.record_response_time(3000, {"model": "m"})
        samples = self.samples()
        self.assertEqual(len(samples), 3)
        for sample, (ms, prompt, completion, asked) in zip(
                samples, ((1000, 10, 5, None), (2000, 20, 6, "asked-for"), (3000, 40, 7, None))):
            self.assert_sample(sample, status="ok", response_ms=ms, prompt_tokens=prompt,
                               completion_tokens=completion, total_tokens=prompt + completion, model="m",
                               requested_model=asked)
        document = self.document()
        self.assertEqual(document["requests"]["total"], 3)
        self.assertEqual(document["token_usage"]["by_model"], {"m": 88})

    def test_halves_without_another_are_requests_of_their_own(self):
        metrics = MetricsService(self.data, bus=self.bus)
        metrics.record_response_time(1)
        metrics.record_response_time(2)
        metrics.record_token_usage(1, 1, "m")
        metrics.record_token_usage(2, 2, "m")
        metrics.record_token_usage(3, 3, "m")
        wait_for(lambda: len(self.samples()) == 4, "all of them")
        self.assertEqual([(s.get("response_ms"), s.get("prompt_tokens")) for s in self.samples()],
                         [(1, None), (2, 1), (None, 2), (None, 3)])

    def test_what_is_asked_for_has_all_that_was_recorded(self):
        metrics = MetricsService(self.data, bus=self.bus)
        metrics.record_response_time(100)
        self.assertEqual(metrics.get_response_time_stats()["count"], 1)
        metrics.record_token_usage(3, 4, "m")
        self.assertEqual(metrics.get_token_usage()["total_tokens"], 7)

    def test_tasks_and_threads_are_told_apart(self):
        metrics = MetricsService(self.data, bus=self.bus)

        async def call(n):
            metrics.record_response_time(n)
            await asyncio.sleep(0)
            metrics.record_token_usage(n, n, f"m{n}")

        async def calls():
            await asyncio.gather(*(call(n) for n in range(1, 51)))
        asyncio.run(calls())

        def in_thread(n):
            both.wait()
            for i in range(n, n + 20):
                metrics.record_token_usage(i, i, f"m{i}")
                metrics.record_response_time(i)
        both = threading.Barrier(4)
        threads = [threading.Thread(target=in_thread, args=(n,)) for n in (100, 200, 300, 400)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        samples = self.samples()
        self.assertEqual(len(samples), 50 + 80)
        for sample in samples:
            self.assert_sample(sample, model=f"m{sample['prompt_tokens']}", response_ms=sample["prompt_tokens"])

    def test_many_that_wait_are_bounded(self):
        metrics = MetricsService(self.data, bus=self.bus)

        async def calls():
            async def call():
                metrics.record_response_time(1)
                await asyncio.sleep(0.2)
            tasks = [asyncio.create_task(call()) for _ in range(3000)]
            await asyncio.sleep(0.1)
            self.assertLessEqual(len(metrics._calls._waiting), 1024)
            await asyncio.gather(*tasks)
        asyncio.run(calls())
        metrics.flush()
        self.assertEqual(len(self.samples()), 3000)
        self.assertEqual(metrics._calls._waiting, {})

    def test_the_handlers_of_the_seed(self):
        """As its chat handler does: a time and a message where it answered, an error for each exception,
        be it of the model's API, of Discord or of the bot."""
        class Forbidden(Exception):
            """discord.py's"""

        def fail(error):
            raise error

        def handle(answer):
            start = time.time()
            try:
                answer()
                metrics.record_response_time((time.time() - start) * 1000)
                metrics.record_message(1, 2)
            except Exception as e:
                metrics.record_error(type(e).__name__, str(e))
        metrics = MetricsService(self.data, bot="acore", bus=self.bus)
        for _ in range(10):
            handle(lambda: None)
        for error in (Forbidden("403 Forbidden (error code: 50013): Missing Permissions"), KeyError("persona"),
                      Forbidden("403"), ValueError("bad dice"),
                      Exception("OpenRouter API error: 502"), Exception("Failed to connect to Ollama: refused"),
                      TimeoutError(), Exception("OpenRouter request timed out - try reducing message length")):
            handle(lambda error=error: fail(error))
        metrics.record_error("ToolError", "a model's tool", request=True)
        metrics.record_error("TimeoutError", "of the voice channel", request=False)
        summary, document = metrics.get_summary(), self.document()
        self.assertEqual({key: document["requests"][key] for key in ("total", "ok", "errors", "timeouts", "failed")},
                         {"total": 15, "ok": 10, "errors": 3, "timeouts": 2, "failed": 5})
        self.assertEqual(document["response_times"]["count"], 10)
        for errors in (document["errors"], summary["errors"]):
            self.assertEqual(errors["total_errors"], 10)
            self.assertEqual(errors["error_rate"], 100)  # errors a message, as the seed has it
            self.assertEqual(len(errors["recent_errors"]), 10)
        self.assertEqual(document["errors"]["by_type"], {
            "bot:Forbidden": 2, "bot:KeyError": 1, "bot:ValueError": 1, "bot:TimeoutError": 1, "Exception": 3,
            "TimeoutError": 1, "ToolError": 1})
        self.assertEqual(summary["errors"]["by_type"], {
            "Forbidden": 2, "KeyError": 1, "ValueError": 1, "TimeoutError": 2, "Exception": 3, "ToolError": 1})
        self.assertEqual(summary["hourly_trends"]["current_hour_errors"], 10)
        self.assertEqual(document["hourly_trends"]["current_hour_errors"], 10)
        self.assertEqual(document["hourly_trends"]["current_hour_messages"], 10)
        advice = self.run_tool("orreport", "--data-dir", self.data).stdout
        self.assertNotIn("most by bot:", advice)

    def test_a_timer_whose_block_fails(self):
        metrics = MetricsService(self.data, bus=self.bus)
        with metrics.timer():
            pass
        for then in (lambda e: metrics.record_error(type(e).__name__, str(e)), lambda e: None):
            try:
                with metrics.timer():
                    raise LookupError("no choices")
            except LookupError as e:
                then(e)
        metrics.flush()
        document = self.document()
        self.assertEqual((document["requests"]["ok"], document["requests"]["errors"]), (1, 2))
        self.assertEqual(document["errors"]["by_type"], {"LookupError": 2})
        self.assertTrue(all("response_ms" in sample for sample in self.samples()))

    def test_what_waits_is_published_at_the_end(self):
        code = (f"from orbus.metrics import MetricsService\nm = MetricsService({self.data!r}, bus={self.bus!r})\n"
                "m.record_response_time(5)")
        subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
                       timeout=60)
        self.assertEqual(len(self.samples()), 1)
        metrics = MetricsService(self.data, bus=self.bus)
        metrics.record_response_time(6)
        del metrics
        gc.collect()
        self.assertEqual(len(self.samples()), 2)

    @unittest.skipIf("thread" in SANITIZER, "ThreadSanitizer ends a forked child that starts a thread")
    def test_a_forked_child_leaves_what_waits_to_its_parent(self):
        metrics = MetricsService(self.data, bus=self.bus)
        metrics.record_response_time(5)
        child = os.fork()
        if child == 0:
            metrics.record_token_usage(1, 1, "child")
            metrics.flush()
            os._exit(0)
        os.waitpid(child, 0)
        metrics.record_token_usage(2, 2, "parent")
        self.assertEqual(sorted((s["model"], s.get("response_ms")) for s in self.samples()),
                         [("child", None), ("parent", 5)])

    def test_files(self):
        metrics = MetricsService(self.data, bus=self.bus)
        self.assertEqual(metrics.get_summary()["response_times"]["avg"], 0)
        path = metrics.save_hourly_snapshot()
        self.assertEqual(metrics.load_metrics_from_file(path.name)["version"], "1.0")
        old, other = self.path("hourly_20200101_00.json"), self.path("keep.json")
        marked = self.path("hourly_20200101_00-0500.json")
        for name in (old, other, marked):
            with open(name, "w", encoding="utf-8") as file:
                file.write("{}")
        metrics.cleanup_old_metrics()
        self.assertEqual([os.path.exists(p) for p in (old, other, marked)], [False, True, False])
        self.assertIn(path.name, [f["filename"] for f in metrics.list_saved_metrics()])
        metrics.record_response_time(100)
        metrics.flush()
        agent = self.start_agent()
        wait_for(metrics._has_agent, "the board")
        self.wait_file(path.name, lambda d: d["period"]["kind"] == "hourly")
        self.assertEqual(metrics.save_hourly_snapshot(), path)
        self.assertEqual(self.load(path.name)["period"]["kind"], "hourly")
        self.stop_agent(agent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
