"""orcall, and through it the libcurl binding, against a server that speaks OpenRouter's protocol with
every fault that we know of."""
import contextlib
import itertools
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

from harness import SANITIZER, BusTest, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from openrouter import (ABORT, COMMENT, DONE, HANG, OpenRouter, Reply, chunk,  # noqa: E402
                        completion, error, event, stream, usage_chunk)

KEY = "sk-or-v1-0123456789abcdef"


class CallTest(BusTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(OpenRouter())

    def call_environment(self, **more):
        return self.environment(OPENROUTER_BASE_URL=self.server.url, OPENROUTER_API_KEY=KEY,
                                ORBUS=self.bus, **more)

    def call(self, *options, reply=None, prompt="Say hello.", env=None, **how):
        if reply is not None:
            self.server.reply = reply
        return self.run_tool("orcall", "--model", "acme/large", *options, prompt,
                             env={**self.call_environment(), **(env or {})}, **how)

    def samples(self, *options):
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "--json", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)  # 3: nobody has published yet
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sample(self):
        """The newest sample."""
        return self.samples()[-1]

    def assert_sample(self, sample, **wanted):
        self.assertEqual({key: sample.get(key) for key in wanted}, wanted, sample)


class AnswerTest(CallTest):
    def test_a_stream_is_shown_logged_and_published(self):
        done = self.call()
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assertRegex(done.stderr, r"\ADEBUG - OpenRouter TTFT: \d\.\d\ds\n"
                         r"INFO - OpenRouter stream: \d\.\d\ds \| 3 tokens \| TPS: [\d.]+ \| "
                         r"TTFT: \d\.\d\ds\n\Z")
        self.assert_sample(
            self.sample(), bot="orcall", kind="request", status="ok", stream=True,
            model="acme/large-2024", requested_model="acme/large", provider="Acme",
            finish_reason="stop", request_id="gen-1700000000-abc", http_status=200,
            prompt_tokens=12, completion_tokens=3, total_tokens=15, cached_tokens=4,
            reasoning_tokens=1, cost_usd=0.00042, attempt=1, tokens_estimated=None,
            error_type=None, error_message=None)

    def test_the_request_is_what_the_api_expects(self):
        self.call("--system", "Be brief.", "--max-tokens", 7)
        headers, body = self.server.requests[0]
        self.assertEqual(headers["Authorization"], f"Bearer {KEY}")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(body, {
            "model": "acme/large", "stream": True, "stream_options": {"include_usage": True},
            "max_tokens": 7, "messages": [{"role": "system", "content": "Be brief."},
                                          {"role": "user", "content": "Say hello."}]})

    def test_an_answer_in_one_piece(self):
        done = self.call("--no-stream", reply=completion())
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assertRegex(done.stderr, r"\AINFO - OpenRouter response: \d\.\d\ds \| Tokens: 3 \| "
                         r"TPS: [\d.]+ \| Total: 15\n\Z")
        self.assertFalse(self.server.requests[0][1]["stream"])
        sample = self.sample()
        self.assert_sample(sample, status="ok", stream=None, completion_tokens=3, ttft_ms=None,
                           request_id="gen-1700000000-xyz")

    def test_one_document_in_place_of_a_stream_has_no_first_token(self):
        done = self.call(reply=completion())
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assert_sample(self.sample(), status="ok", stream=None, ttft_ms=None,
                           completion_tokens=3)

    def test_text_under_two_names_is_shown_once(self):
        parts, so_far = [], ""
        for word in ("Hello", " there", "!"):
            so_far += word
            parts.append(event({"choices": [{"message": {"content": so_far}, "text": word,
                                             "delta": {"content": word}}]}))
        self.assertEqual(self.call(reply=Reply([*parts, DONE])).stdout, "Hello there!\n")
        self.assert_sample(self.sample(), status="ok", completion_tokens=3)

    def test_a_prompt_comes_by_words_or_input(self):
        for options, text, wanted in ((["two", "words"], None, "two words"),
                                      ([], "from input\n\n", "from input"),
                                      (["-"], "é\n", "é")):
            done = self.run_tool("orcall", *options, env=self.call_environment(), input=text)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.server.requests[-1][1]["messages"][-1]["content"], wanted)

    def test_options_may_follow_the_prompt(self):
        done = self.run_tool("orcall", "hello", "--model", "acme/small", env=self.call_environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.server.requests[0][1]["model"], "acme/small")
        self.assertEqual(self.server.requests[0][1]["messages"][0]["content"], "hello")

    def test_json_prints_the_sample_in_place_of_the_answer(self):
        done = self.call("--json", "--tag", "user=ann")
        printed = json.loads(done.stdout)
        self.assert_sample(printed, status="ok", completion_tokens=3, tags={"user": "ann"})
        self.assertEqual(printed, self.sample())

    def test_a_begin_comes_first_and_is_paired(self):
        self.server.reply = Reply([HANG])
        process = self.start("orcall", "-m", "acme/large", "hello", env=self.call_environment(),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = wait_for(lambda: self.samples("--kind", "begin"), "a begin")[0]
        self.assert_sample(begin, kind="begin", requested_model="acme/large", stream=True)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 1)
        self.assert_sample(self.sample(), status="cancelled", error_type=None,
                           request_id=begin["request_id"])

    def test_a_progress_is_the_begins_and_counts_nowhere(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.server.reply = Reply([chunk("Hello"), HANG])
        process = self.start("orcall", "-m", "acme/large", "hello", env=self.call_environment(),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        progress, = wait_for(lambda: self.samples("--kind", "progress"), "a progress")
        begin, = self.samples("--kind", "begin")
        self.assert_sample(progress, request_id=begin["request_id"], chunks=1, completion_tokens=2, stream=True)
        process.send_signal(signal.SIGINT)
        process.wait(20)
        sample, = self.samples()
        self.assert_sample(sample, status="cancelled", begin_id=begin["request_id"], chunks=1,
                           ttft_ms=progress["ttft_ms"])
        self.assertEqual(len(self.samples("--group")), 1)
        self.assertEqual(len(self.samples("--kind", "all")), 3)

        def requests():
            found = json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)
            return found if found["requests"]["total"] else None
        found = wait_for(requests, "the request")
        self.assertEqual([found["requests"][key] for key in ("total", "cancelled", "in_flight")], [1, 1, 0])
        self.assertEqual((found["lost_samples"], found["rejected_samples"]), (0, 0))
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(20), 0)

    def test_the_generation_id_of_the_header_serves_where_the_body_has_none(self):
        self.call(reply=error(500))
        sample = self.sample()
        self.assertEqual(sample["request_id"], "gen-1700000000-header")
        self.assertEqual(sample["begin_id"], self.samples("--kind", "begin")[0]["request_id"])


class FirstTokenTest(CallTest):
    def ttft(self, *parts):
        done = self.call(reply=Reply([*parts, usage_chunk(), DONE]))
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.sample().get("ttft_ms")

    def test_it_is_no_comment_and_no_role(self):
        ttft = self.ttft(COMMENT, 0.1, chunk("", role="assistant"), 0.1, COMMENT, 0.1, chunk("x"))
        self.assertTrue(299 <= ttft < 5000, ttft)

    def test_reasoning_is_a_token(self):
        ttft = self.ttft(0.1, chunk("", reasoning="hm"), 2, chunk("x"))
        self.assertTrue(99 <= ttft < 2000, ttft)

    def test_a_tool_call_is_a_token(self):
        call = [{"index": 0, "id": "c", "type": "function",
                 "function": {"name": "look", "arguments": ""}}]
        ttft = self.ttft(0.1, chunk(tool_calls=call), 2, chunk("x"))
        self.assertTrue(99 <= ttft < 2000, ttft)

    def test_without_one_it_is_absent(self):
        self.assertIsNone(self.ttft(chunk("", role="assistant"), chunk("", finish="stop")))


class FramingTest(CallTest):
    def assert_the_answer(self, reply):
        done = self.call(reply=reply)
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assert_sample(self.sample(), status="ok", completion_tokens=3, total_tokens=15)

    def test_line_ends(self):
        for end in (b"\n", b"\r", b"\r\n"):
            body = b"".join(stream().parts)
            self.assert_the_answer(Reply([body.replace(b"\n", end)]))

    def test_a_break_at_every_byte(self):
        """One run makes a request for each place where the stream may break."""
        body = b"".join(stream().parts)
        places = iter(range(1, len(body)))

        def reply(_):
            cut = next(places)
            return Reply([body[:cut], 0.002, body[cut:]])
        self.server.reply = reply
        done = self.call("--json", "--repeat", len(body) - 1, "--concurrency", 16, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        samples = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(samples), len(body) - 1)
        for sample in samples:
            self.assert_sample(sample, status="ok", completion_tokens=3, total_tokens=15,
                               model="acme/large-2024", cost_usd=0.00042)

    def test_byte_by_byte(self):
        body = b"".join(stream().parts)
        parts = itertools.chain.from_iterable((body[i:i + 1], 0) for i in range(len(body)))
        self.assert_the_answer(Reply(list(parts)))

    def test_usage_comes_with_repeated_choices(self):
        again = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
        self.assert_the_answer(Reply([chunk("Hello"), chunk(" there!"),
                                      usage_chunk(choices=[again]), DONE]))

    def test_a_stream_that_calls_itself_something_else(self):
        for kind in ("text/plain", "application/json"):
            self.assert_the_answer(Reply(stream().parts, content_type=kind))


class TokensTest(CallTest):
    def test_without_usage_they_are_estimated(self):
        words = ["word "] * 40
        done = self.call(reply=Reply([chunk(word) for word in words] + [DONE]))
        sample = self.sample()
        self.assert_sample(sample, status="ok", tokens_estimated=True, completion_tokens=50,
                           prompt_tokens=3, total_tokens=53, cost_usd=None)
        self.assertIn("| ~50 tokens |", done.stderr)

    def test_a_cost_of_null_is_unknown(self):
        self.call(reply=Reply([chunk("x"), usage_chunk(cost=None), DONE]))
        sample = self.sample()
        self.assertNotIn("cost_usd", sample)
        self.assertEqual(sample["completion_tokens"], 3)

    def test_a_cache_hit_has_no_tokens(self):
        free = usage_chunk(prompt=0, completion=0, cost=0, cached=0, reasoning=0)
        self.call(reply=Reply([chunk("Hello"), free, DONE],
                              headers={"X-OpenRouter-Cache-Status": "HIT"}))
        self.assert_sample(self.sample(), status="ok", completion_tokens=0, total_tokens=0,
                           cost_usd=0, tokens_estimated=None)


class FailureTest(CallTest):
    def assert_fails(self, reply, status="error", exit_status=1, options=(), **wanted):
        done = self.call(*options, reply=reply)
        self.assertEqual(done.returncode, exit_status, done.stderr)
        sample = self.sample()
        self.assert_sample(sample, status=status, **wanted)
        self.assertNotIn(KEY, done.stdout + done.stderr + json.dumps(sample))
        return done, sample

    def test_every_http_status_has_a_name(self):
        for status, name in ((400, "bad_request"), (401, "unauthorized"),
                             (402, "insufficient_credits"), (403, "forbidden"), (404, "not_found"),
                             (408, "request_timeout"), (413, "payload_too_large"),
                             (422, "unprocessable"), (429, "rate_limited"), (500, "server_error"),
                             (502, "bad_gateway"), (503, "service_unavailable"),
                             (524, "origin_timeout"), (529, "overloaded"), (418, "client_error"),
                             (599, "server_error"), (302, "unexpected_status")):
            for options in ((), ("--no-stream",)):
                done, _ = self.assert_fails(error(status, "the reason"), options=options,
                                            error_type=name, http_status=status,
                                            error_message="the reason")
                self.assertRegex(done.stderr, rf"ERROR - OpenRouter request failed after "
                                 rf"\d\.\d\ds: {name} \(HTTP {status}\) - the reason\n")

    def test_retry_after_is_told(self):
        self.assert_fails(error(429, "slow down", Retry_After="30"), error_type="rate_limited",
                          error_message="slow down (retry after 30 s)")

    def test_an_error_page_is_an_error(self):
        self.assert_fails(Reply([b"<html>Bad gateway</html>"], status=502,
                                content_type="text/html"),
                          error_type="bad_gateway", error_message="HTTP status 502")

    def test_an_error_under_http_200(self):
        body = json.dumps({"error": {"code": 429, "message": "slow down"}}).encode()
        for kind in ("application/json", "text/event-stream"):
            self.assert_fails(Reply([body], content_type=kind), error_type="rate_limited",
                              http_status=200, error_message="slow down")
        body = json.dumps({"error": {"message": "odd"}}).encode()
        self.assert_fails(Reply([body], content_type="application/json"), error_type="api_error")

    def test_an_error_in_mid_stream_keeps_the_tokens_so_far(self):
        for code in (502, "server_error"):
            broken = event({"id": "gen-1", "provider": "Acme",
                            "error": {"code": code, "message": "Provider disconnected"},
                            "choices": [{"index": 0, "delta": {"content": ""},
                                         "finish_reason": "error"}]})
            done, _ = self.assert_fails(
                Reply([chunk("Hello"), chunk(" there"), broken, DONE]), error_type="stream_error",
                http_status=200, error_message="Provider disconnected", completion_tokens=3,
                tokens_estimated=True, finish_reason="error")
            self.assertEqual(done.stdout, "Hello there\n")

    def test_an_error_in_mid_stream_may_have_any_shape(self):
        for broken in (event({"code": 500, "message": "boom"}), event({"detail": "boom"}),
                       b"event: error\n" + event({"message": "boom"}),
                       event([{"error": {"message": "boom"}}])):
            self.assert_fails(Reply([chunk("Hello"), broken, DONE]), error_type="stream_error",
                              error_message="boom", completion_tokens=2)
        self.assert_fails(Reply([chunk("Hello"), b"event: error\n" + event("oops"), DONE]),
                          error_type="stream_error", error_message="an error without a message")

    def test_a_running_usage_of_nothing_does_not_hide_the_tokens_so_far(self):
        self.assert_fails(Reply([chunk("Hello"), usage_chunk(completion=0), chunk(" there"), ABORT]),
                          error_type="stream_truncated", completion_tokens=3, prompt_tokens=12,
                          total_tokens=15, tokens_estimated=True)

    def test_a_finish_reason_alone_is_an_error(self):
        self.assert_fails(Reply([chunk("Hello"), chunk("", finish="error"), DONE]),
                          error_type="stream_error")

    def test_a_stream_without_its_end(self):
        self.assert_fails(Reply([chunk("Hello"), usage_chunk()]), error_type="stream_truncated",
                          completion_tokens=3, error_message="the stream ended without [DONE]")
        self.assert_fails(Reply([chunk("Hello"), 0.05, ABORT]), error_type="stream_truncated",
                          completion_tokens=2, tokens_estimated=True)

    def test_a_connection_that_breaks_before_the_answer(self):
        self.assert_fails(Reply([ABORT]), error_type="connection_lost")
        self.assert_fails(Reply([b'{"choices":', 0.05, ABORT], content_type="application/json"),
                          options=["--no-stream"], error_type="connection_lost")

    def test_answers_that_are_none(self):
        for parts, kind, name in (([b'{"choices": [}'], "application/json", "malformed_response"),
                                  ([b'{"choices": []}'], "application/json", "malformed_response"),
                                  ([b"<html></html>"], "text/html", "malformed_response"),
                                  ([], "application/json", "malformed_response"),
                                  ([b'data: {"x": \n\n', DONE], "text/event-stream",
                                   "malformed_response"),
                                  ([DONE], "text/event-stream", "malformed_response"),
                                  ([], "text/event-stream", "stream_truncated"),
                                  ([COMMENT], "text/event-stream", "stream_truncated")):
            options = [] if "event" in kind else ["--no-stream"]
            self.assert_fails(Reply(parts, content_type=kind), options=options, error_type=name)

    def test_a_refused_connection(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.assert_fails(stream(), options=["--url", f"http://127.0.0.1:{port}"],
                          error_type="connection_refused", http_status=None,
                          error_message="Connection refused")

    def test_a_name_that_does_not_resolve(self):
        # A label of more than 63 bytes fails in the resolver, without a question to any server.
        self.assert_fails(stream(), options=["--url", f"http://{'x' * 64}.example"],
                          error_type="dns_failed")

    def test_a_certificate_that_nobody_vouches_for(self):
        key, certificate = os.path.join(self.folder, "key"), os.path.join(self.folder, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        with OpenRouter(certificate=(certificate, key)) as secured:
            self.assert_fails(stream(), options=["--url", secured.url], error_type="tls_failed")
            self.assertEqual(secured.requests, [])
            done = self.call("--url", secured.url, env={"SSL_CERT_FILE": certificate})
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_key_is_never_repeated(self):
        _, sample = self.assert_fails(error(401, f"Incorrect API key provided: {KEY}."),
                                      error_type="unauthorized")
        self.assertIn("provided: *****", sample["error_message"])
        _, sample = self.assert_fails(error(401, "x" * 240 + KEY), error_type="unauthorized")
        self.assertNotIn(KEY[:6], sample["error_message"])

    def test_a_long_message_is_cut_on_a_character(self):
        _, sample = self.assert_fails(error(400, "é" * 300), error_type="bad_request")
        self.assertEqual(sample["error_message"], "é" * 100)

    def test_escape_sequences_do_not_reach_the_terminal(self):
        done, sample = self.assert_fails(error(400, "\x1b[31mred"), error_type="bad_request")
        self.assertIn("\\x1b[31mred", done.stderr)
        self.assertEqual(sample["error_message"], "\x1b[31mred")


class TimeoutTest(CallTest):
    def assert_times_out(self, reply, *options, kind, stream_words=True, **wanted):
        started = time.monotonic()
        done = self.call(*options, reply=reply)
        elapsed = time.monotonic() - started
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertLess(elapsed, 10)
        sample = self.sample()
        self.assert_sample(sample, status="timeout", error_type=kind, **wanted)
        what = "streaming timeout" if stream_words else "timeout"
        self.assertRegex(done.stderr, rf"ERROR - OpenRouter {what} after \d\.\ds\n")
        self.assertIn("ERROR - OpenRouter request timed out - try reducing message length or "
                      "switching models\n", done.stderr)
        self.assertRegex(done.stderr, rf"DEBUG - OpenRouter timeout: {kind} \| Elapsed: \d\.\d\ds")
        self.assertIn("https://status.openrouter.ai", done.stderr)
        return done, sample

    def test_connect(self):
        """A listener whose queue is full answers no more connections."""
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            fillers = []
            for _ in range(3):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(deaf.getsockname())
                fillers.append(filler)
            time.sleep(0.1)
            _, sample = self.assert_times_out(
                stream(), "--url", f"http://127.0.0.1:{deaf.getsockname()[1]}",
                "--connect-timeout", "0.4s", kind="timeout_connect", completion_tokens=None)
            self.assertTrue(399 <= sample["response_ms"] < 5000, sample)
            for filler in fillers:
                filler.close()

    def test_first_token(self):
        keep_alive = [COMMENT, 0.05] * 100
        done, sample = self.assert_times_out(
            Reply([chunk("", role="assistant"), *keep_alive]), "--first-token-timeout", "0.5s",
            kind="timeout_first_token", completion_tokens=None, ttft_ms=None)
        self.assertTrue(499 <= sample["response_ms"] < 4000, sample)
        self.assertIn("| no tokens so far\n", done.stderr)

    def test_first_token_of_a_server_that_says_nothing(self):
        self.assert_times_out(Reply([HANG]), "--first-token-timeout", "0.5s",
                              kind="timeout_first_token", http_status=None)

    def test_idle_while_the_connection_is_kept_alive(self):
        keep_alive = [COMMENT, 0.05] * 100
        done, sample = self.assert_times_out(
            Reply([chunk("Hello"), 0.3, chunk(" there"), *keep_alive]), "--idle-timeout", "0.5s",
            kind="timeout_idle", completion_tokens=3, tokens_estimated=True)
        self.assertTrue(799 <= sample["response_ms"] < 4000, sample)
        self.assertEqual(done.stdout, "Hello there\n")
        self.assertIn("| ~3 tokens so far\n", done.stderr)

    def test_idle_in_silence(self):
        _, sample = self.assert_times_out(Reply([chunk("Hello"), HANG]), "--idle-timeout", "0.5s",
                                          kind="timeout_idle", http_status=200)
        self.assertTrue(499 <= sample["response_ms"] < 4000, sample)

    def test_total(self):
        words = [part for n in range(100) for part in (chunk(f"word{n} "), 0.05)]
        _, sample = self.assert_times_out(Reply(words), "--timeout", "0.6s", kind="timeout_total",
                                          tokens_estimated=True)
        self.assertTrue(598 <= sample["response_ms"] < 4000, sample)
        self.assertGreater(sample["completion_tokens"], 5)
        self.assertIsNotNone(sample.get("ttft_ms"))

    def test_total_while_connecting(self):
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            with contextlib.ExitStack() as fillers:
                for _ in range(3):
                    filler = fillers.enter_context(socket.socket())
                    filler.setblocking(False)
                    filler.connect_ex(deaf.getsockname())
                time.sleep(0.1)
                self.assert_times_out(
                    stream(), "--url", f"http://127.0.0.1:{deaf.getsockname()[1]}",
                    "--timeout", "0.4s", kind="timeout_total", completion_tokens=None)

    def test_a_connection_that_stays_open_after_the_answer(self):
        """A server that does not end its response has answered all the same, and when it did."""
        started = time.monotonic()
        done = self.call("--timeout", "20s", reply=Reply([*stream().parts, HANG]))
        self.assertLess(time.monotonic() - started, 15)
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assert_sample(self.sample(), status="ok", completion_tokens=3)
        done = self.call("--timeout", "0.9s", reply=Reply([*stream().parts, HANG]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(self.sample()["response_ms"], 899)

    def test_total_without_a_stream(self):
        self.assert_times_out(Reply([HANG]), "--no-stream", "--timeout", "0.4s",
                              kind="timeout_total", stream_words=False)

    def test_the_environment_gives_the_limit(self):
        self.server.reply = Reply([HANG])
        done = self.call(env={"OPENROUTER_TIMEOUT": "0.4"})
        self.assertEqual(done.returncode, 3, done.stderr)

    def test_tokens_in_time_do_not_time_out(self):
        words = [part for n in range(12) for part in (chunk(f"w{n} "), 0.1)]
        done = self.call("--idle-timeout", "0.5s", "--first-token-timeout", "0.5s",
                         reply=Reply([*words, usage_chunk(), DONE]))
        self.assertEqual(done.returncode, 0, done.stderr)


class LoadTest(CallTest):
    def test_a_load_prints_the_comparison(self):
        self.server.reply = lambda body: stream() if body["model"] != "c" else error(500)
        done = self.run_tool("orcall", "-m", "a,b,c", "-n", 4, "-c", 3, "hi",
                             env=self.call_environment())
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.splitlines()
        self.assertEqual(re.split(r"\s*\|\s*", lines[0])[1:-1],
                         ["Model", "Avg Response Time", "TPS", "TTFT", "OK"])
        rows = {row[1]: row[2:-1] for row in (re.split(r"\s*\|\s*", line) for line in lines[2:])}
        self.assertEqual(list(rows), ["a", "b", "c"])
        self.assertEqual([rows[name][3] for name in "abc"], ["4/4", "4/4", "0/4"])
        self.assertRegex(rows["a"][0], r"^\d\.\d\ds \(p95 \d\.\d\ds\)$")
        self.assertEqual(rows["c"][:3], ["-", "-", "-"])
        self.assertTrue(all(len(line) <= 80 for line in lines), done.stdout)
        self.assertEqual(len(self.samples()), 12)
        self.assertEqual(done.stderr.count("ERROR - OpenRouter request failed"), 4)

    def test_concurrency_is_what_was_asked(self):
        self.server.reply = Reply([chunk("x"), 0.1, usage_chunk(), DONE])
        done = self.call("-n", 12, "-c", 4)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.server.most_in_flight, 4)

    def test_it_retries_when_told(self):
        self.server.reply = [error(429, Retry_After="1"), error(503, Retry_After="1"), stream()]
        started = time.monotonic()
        done = self.call("--retries", 2)
        self.assertEqual((done.returncode, done.stdout), (0, "Hello there!\n"), done.stderr)
        self.assertGreater(time.monotonic() - started, 2)
        self.assertEqual([(s["attempt"], s["status"], s.get("error_type")) for s in self.samples()],
                         [(1, "error", "rate_limited"), (2, "error", "service_unavailable"),
                          (3, "ok", None)])
        self.assertIn("retry: in 1s, attempt 2 of 3", done.stderr)

    def test_it_does_not_retry_unasked_or_in_vain(self):
        for reply, options in ((error(429), ()), (error(400), ("--retries", 3)),
                               (error(401), ("--retries", 3)),
                               (error(429, Retry_After="86400"), ("--retries", 3)),
                               (Reply([chunk("Hel"), ABORT]), ("--retries", 3))):
            before = len(self.server.requests)
            self.assertEqual(self.call(*options, reply=reply).returncode, 1)
            self.assertEqual(len(self.server.requests) - before, 1)

    def test_the_code_in_the_body_decides_on_a_retry(self):
        def body(code, status=200):
            return Reply([json.dumps({"error": {"code": code, "message": "no"}}).encode()],
                         status=status, content_type="application/json")

        def broken(code):
            return Reply([event({"error": {"code": code, "message": "no"}}), DONE])
        for reply in (body(408), body(504), body(524), broken(502), broken("server_error")):
            self.server.requests.clear()
            done = self.call("--retries", 1, reply=[reply, stream()])
            self.assertEqual(done.returncode, 0, done.stderr)
        for reply in (body(401), broken(401), broken(402), broken("403"), body(503, status=400)):
            self.server.requests.clear()
            self.assertEqual(self.call("--retries", 1, reply=[reply, stream()]).returncode, 1)

    def test_retries_come_to_an_end(self):
        self.assertEqual(self.call("--retries", 1, reply=error(500)).returncode, 1)
        self.assertEqual([s["attempt"] for s in self.samples()], [1, 2])

    def test_only_time_outs_exit_3(self):
        self.assertEqual(self.call("-n", 2, "-t", "0.3s", reply=Reply([HANG])).returncode, 3)
        self.server.requests.clear()
        self.assertEqual(self.call("-n", 2, "-t", "0.3s",
                                   reply=[error(400), Reply([HANG])]).returncode, 1)

    def test_an_interrupt_cancels_what_is_in_flight(self):
        self.server.reply = Reply([chunk("x"), HANG])
        process = self.start("orcall", "-m", "a", "-n", "6", "-c", "3", "hi",
                             env=self.call_environment(), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        wait_for(lambda: self.server.in_flight == 3, "three requests")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 1)
        self.assertEqual([s["status"] for s in self.samples()], ["cancelled"] * 3)

    def test_kill_leaves_orphans_that_the_agent_counts(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.server.reply = Reply([chunk("x"), HANG])
        process = self.start("orcall", "-m", "a", "-n", "2", "-c", "2", "hi",
                             env=self.call_environment(), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        wait_for(lambda: self.server.in_flight == 2, "two requests")
        process.kill()
        process.wait()

        def orphaned():
            done = self.run_tool("orstat", "--bus", self.bus, "--json", "--window", "start")
            return done.returncode == 0 and json.loads(done.stdout)["requests"]["orphaned"] == 2
        wait_for(orphaned, "two orphans")
        self.stop_agent(agent)

    @unittest.skipIf(SANITIZER, "sanitizers take memory of their own")
    def test_a_gigabyte_takes_no_memory(self):
        piece = event("x" * 1000).replace(b"x" * 1000, json.dumps(
            {"choices": [{"delta": {"content": "y" * 1000}}]}).encode()) * 1000
        whole = [piece] * (2 ** 30 // len(piece) + 1)
        self.server.reply = Reply([*whole, usage_chunk(), DONE])
        sink = self.start("orcall", "-m", "a", "--json", "hi", env=self.call_environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        peak = 0
        while sink.poll() is None:
            with open(f"/proc/{sink.pid}/status", encoding="ascii") as status:
                peak = max([peak] + [int(line.split()[1]) for line in status
                                     if line.startswith("VmHWM")])
            time.sleep(0.02)
        self.assertEqual(json.loads(sink.stdout.read())["status"], "ok")
        self.assertGreater(sum(map(len, whole)), 2 ** 30)
        self.assertLess(peak, 32 << 10)


class TerminalTest(CallTest):
    def on_terminal(self, *options, reply):
        """What a person sees on a terminal."""
        self.server.reply = reply
        master, slave = pty.openpty()
        process = self.start("orcall", "-m", "a", *options, "hi",
                             env=self.call_environment(TERM="xterm"), stdin=slave, stdout=slave,
                             stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        process.wait()
        return seen.decode()

    def test_the_models_words_do_not_steer_it(self):
        seen = self.on_terminal(reply=stream(words=["a\x1b[2Jb\tc\n", "d\u202e"]))
        self.assertIn("a\\x1b[2Jb", seen)
        self.assertIn("d\\u202e", seen)
        self.assertNotIn("\x1b[2J", seen)

    def test_a_load_shows_its_progress(self):
        seen = self.on_terminal("-n", "3", reply=stream())
        self.assertIn("2 of 3 done, 1 in flight, 0 failed", seen)
        self.assertIn("Avg Response Time", seen)

    def test_words_come_as_they_are_generated(self):
        self.server.reply = Reply([chunk("first "), 1.0, chunk("second"), usage_chunk(), DONE])
        process = self.start("orcall", "-m", "a", "hi", env=self.call_environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        started = time.monotonic()
        self.assertEqual(os.read(process.stdout.fileno(), 100), b"first ")
        first = time.monotonic() - started
        process.wait()
        self.assertLess(first + 0.5, time.monotonic() - started)


class BadInputTest(CallTest):
    def refused(self, *arguments, status=2, env=None, **how):
        done = self.run_tool("orcall", *arguments, env={**self.call_environment(), **(env or {})},
                             **how)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.server.requests, [])
        self.assertNotIn(KEY, done.stderr)
        return done.stderr

    def test_usage(self):
        for arguments, words in (
                (["--stream", "--no-stream", "hi"], "give one of them"),
                (["--url", "ftp://x", "hi"], "'ftp://x' is no address"),
                (["-m", "a,,b", "hi"], "separate names by one comma"),
                (["--timeout", "0", "hi"], "give a time from 1ms"),
                (["--repeat", "0", "hi"], "whole number from 1"),
                (["--tag", "x", "hi"], "'x' is not of the form key=value"),
                ([""], "the prompt is empty"),
                ([b"\xff"], "not valid UTF-8"),
                (["--no-such", "hi"], "--no-such")):
            self.assertIn(words, self.refused(*arguments), arguments)

    def test_a_key_is_needed_at_openrouter_only(self):
        words = self.refused("hi", env={"OPENROUTER_API_KEY": "",
                                        "OPENROUTER_BASE_URL": "https://openrouter.ai/api/v1"})
        self.assertIn("$OPENROUTER_API_KEY is not set", words)
        done = self.call(env={"OPENROUTER_API_KEY": ""})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("Authorization", self.server.requests[0][0])

    def test_a_key_cannot_add_a_header(self):
        words = self.refused("hi", env={"OPENROUTER_API_KEY": f"{KEY}\r\nX-Evil: 1"})
        self.assertIn("$OPENROUTER_API_KEY holds a character that no key has", words)

    def test_a_prompt_that_is_no_text(self):
        done = self.run_tool("orcall", env=self.call_environment(), input=b"a\0b", text=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"it holds a zero byte", done.stderr)

    def test_a_bus_that_cannot_be_used(self):
        self.assertIn("no bus name", self.refused("--bus", "/", "hi", status=1))

    def test_closed_output(self):
        self.server.reply = Reply([0.2, chunk("Hello"), HANG])
        process = self.start("orcall", "-m", "a", "hi", env=self.call_environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.close()
        process.stdout = None
        self.assertEqual(process.wait(20), 1)
        self.assertEqual(self.sample()["status"], "cancelled")


if __name__ == "__main__":
    unittest.main(verbosity=2)
