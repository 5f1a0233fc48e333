"""The libcurl binding in programs that use libcurl in ways of their own."""
import gzip
import json
import os
import sys
import unittest

from harness import BusTest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from openrouter import (ABORT, COMMENT, DONE, HANG, OpenRouter, Reply, chunk, completion, error,  # noqa: E402
                        stream)

OK, WRITE_ERROR, ABORTED = 0, 23, 42


class CurlBindingTest(BusTest):
    def transfer(self, way, *options, reply, query=""):
        """libcurl's result, the bytes that came to the program, the samples, standard error."""
        with OpenRouter(reply) as server:
            done = self.run_tool("transfer", server.url + "/chat/completions" + query, self.bus, way,
                                 *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        tail = self.run_tool("ortail", "--bus", self.bus, "-1", "--json")
        samples = [json.loads(line) for line in tail.stdout.splitlines()]
        return (*map(int, done.stdout.split()), samples, done.stderr)

    def test_the_program_receives_every_byte(self):
        length = len(b"".join(stream().parts))
        for way, factor in (("perform", 1), ("multi", 1), ("pause", 1), ("twice", 2)):
            result, received, samples, _ = self.transfer(way, reply=stream())
            self.assertEqual((result, received), (OK, factor * length), way)
            self.assertEqual(samples[-1]["status"], "ok")
            self.assertEqual(samples[-1]["completion_tokens"], 3)
        self.assertEqual(len(samples), 4)  # the unmeasured transfer left none

    def test_headers_come_where_the_program_wants_them(self):
        """CURLOPT_HEADERDATA without a function brings them to the callback for data."""
        result, received, samples, _ = self.transfer("sep", reply=stream())
        self.assertEqual((result, received), (OK, len(b"".join(stream().parts))))
        self.assertEqual((samples[-1]["status"], samples[-1]["completion_tokens"]), ("ok", 3))

    def test_a_duplicate_of_the_handle_passes_unmeasured(self):
        """curl_easy_duphandle() copies callbacks and data pointers, which then outlive the call."""
        length = len(b"".join(stream().parts))
        for limits in ((), ("20000", "20000")):
            result, received, samples, _ = self.transfer("copy", *limits, reply=stream())
            self.assertEqual((result, received), (OK, length))
            self.assertEqual([s["status"] for s in samples[-2:]], ["cancelled", "cancelled"])
            self.assertNotIn("completion_tokens", samples[-2])
            self.assertNotIn("completion_tokens", samples[-1])
            result, received, samples, _ = self.transfer("both", *limits, reply=completion())
            self.assertEqual((result, received), (OK, 2 * len(b"".join(completion().parts))))
            self.assertEqual((samples[-1]["status"], samples[-1]["completion_tokens"]), ("ok", 3))
        self.assertEqual(len(samples), 6)

    def test_headers_that_come_as_data_are_none_of_the_body(self):
        for reply in (stream(), completion()):
            _, received, samples, _ = self.transfer("same", reply=reply)
            self.assertGreater(received, len(b"".join(reply.parts)) + 100)
            self.assertEqual((samples[-1]["status"], samples[-1]["completion_tokens"]), ("ok", 3))

    def test_headers_before_the_body_are_none_of_it(self):
        result, received, samples, _ = self.transfer("include", reply=stream())
        self.assertGreater(received, len(b"".join(stream().parts)) + 100)
        self.assertEqual((result, samples[-1]["status"], samples[-1]["completion_tokens"]), (OK, "ok", 3))
        _, _, samples, _ = self.transfer("include", reply=completion())
        self.assertEqual((samples[-1]["status"], samples[-1]["completion_tokens"]), ("ok", 3))
        # A body that begins like a header, and is none.
        _, _, samples, _ = self.transfer("include", reply=Reply([b"HTT", b"P is no JSON"]))
        self.assertEqual(samples[-1]["error_type"], "stream_truncated")

    def test_a_compressed_answer_is_whole_though_it_is_not_read(self):
        for body in (stream(), completion()):
            parts = gzip.compress(b"".join(body.parts))
            reply = Reply([parts[:9], parts[9:]], headers={"Content-Encoding": "gzip"},
                          content_type=body.content_type)
            result, received, samples, _ = self.transfer("raw", reply=reply)
            self.assertEqual((result, received, samples[-1]["status"]), (OK, len(parts), "ok"))
            self.assertNotIn("completion_tokens", samples[-1])
            reply.status = 429
            _, _, samples, _ = self.transfer("raw", reply=reply)
            self.assertEqual(samples[-1]["error_type"], "rate_limited")
            reply.status, reply.parts = 200, [parts[:9], ABORT]
            _, _, samples, _ = self.transfer("raw", reply=reply)
            self.assertEqual(samples[-1]["status"], "error")

    def test_paused_bytes_are_read_once(self):
        """Without usage the estimate shows whether a piece was read twice."""
        _, _, samples, _ = self.transfer("pause", reply=Reply([chunk("a" * 40), DONE]))
        self.assertEqual(samples[-1]["completion_tokens"], 10)

    def test_what_the_program_does_to_the_bytes_is_its_own_affair(self):
        _, _, samples, _ = self.transfer("scribble", reply=stream())
        self.assertEqual((samples[-1]["status"], samples[-1]["completion_tokens"]), ("ok", 3))

    def test_the_programs_own_time_is_not_idle(self):
        """Neither in its callback nor while it pauses; and the limit holds after that."""
        words = [part for n in range(6) for part in (chunk(f"w{n} "), 0.05)]
        for way in ("slow", "wait"):
            result, _, samples, _ = self.transfer(way, "1000", "1000", reply=Reply([*words, DONE]))
            self.assertEqual((result, samples[-1]["status"]), (OK, "ok"), (way, samples[-1]))
        for way in ("slow", "wait"):
            _, _, samples, _ = self.transfer(way, "1000", "1000", reply=Reply([*words, HANG]))
            self.assertEqual(samples[-1].get("error_type"), "timeout_idle", way)

    def test_libcurls_own_stall_limit_is_the_idle_one(self):
        _, _, samples, _ = self.transfer("stalled", reply=Reply([chunk("Hello"), HANG]))
        self.assertEqual(samples[-1].get("error_type"), "timeout_idle")
        _, _, samples, _ = self.transfer("stalled", reply=Reply([*stream().parts, HANG]))
        self.assertEqual(samples[-1]["status"], "ok", samples[-1])

    def message(self, way, words, **how):
        return self.transfer(way, reply=error(400, words), **how)[2][-1]["error_message"]

    def test_a_prompt_is_known_to_the_end_though_the_program_forgets_it(self):
        withheld = "(text withheld: it repeats the request)"
        self.assertEqual(self.message("prompt", "no: tell me a private thing"), withheld)
        self.assertEqual(self.message("prompt", "no such thing"), "no such thing")

    def test_of_a_request_that_is_not_seen_no_words_are_published(self):
        _, _, samples, _ = self.transfer("unseen", reply=stream())
        self.assertEqual((samples[-1]["model"], samples[-1]["request_id"]),
                         ("acme/large-2024", "gen-1700000000-abc"))
        _, _, samples, _ = self.transfer("unseen", reply=completion(model="what the prompt said"))
        self.assertNotIn("model", samples[-1])
        self.assertEqual(self.message("unseen", "no: tell me a thing"),
                         "(text withheld: the request was not seen)")

    def test_a_key_of_asterisks_that_a_server_repeats_ends(self):
        for words in ("no such key: " + "*" * 16, "*" * 300):
            self.assertEqual(self.message("stars", words), words[:200])

    def test_a_key_in_the_url_is_not_repeated(self):
        self.assertEqual(self.message("perform", "no key AIzaSyA0123456789", query="?key=AIzaSyA0123456789"),
                         "no key *****************")

    def test_without_a_callback_the_answer_goes_where_libcurl_would_write_it(self):
        _, _, samples, printed = self.transfer("default", reply=stream())
        self.assertEqual(printed.encode(), b"".join(stream().parts))
        self.assertEqual(samples[-1]["status"], "ok")

    def test_what_the_program_ends_is_cancelled(self):
        words = [part for n in range(20) for part in (chunk(f"w{n} "), 0.1)]
        for way, code in (("abort", WRITE_ERROR), ("veto", ABORTED), ("multi", ABORTED),
                          ("header", WRITE_ERROR)):
            options = ["0"] if way != "veto" else ["60000"]
            result, _, samples, _ = self.transfer(way, *options, reply=Reply(words))
            self.assertEqual(result, code, way)
            self.assertEqual(samples[-1]["status"], "cancelled", way)
            self.assertNotIn("error_type", samples[-1])
            if way != "header":
                self.assertGreaterEqual(samples[-1]["completion_tokens"], 1)

    def test_the_idle_limit_holds_in_easy_perform(self):
        for parts in ([chunk("Hello"), HANG], [chunk("Hello"), *[COMMENT, 0.1] * 60]):
            _, _, samples, _ = self.transfer("perform", "300", reply=Reply(parts))
            self.assertEqual((samples[-1]["status"], samples[-1]["error_type"]),
                             ("timeout", "timeout_idle"))
            # libcurl wakes up once a second at least.
            self.assertTrue(299 <= samples[-1]["response_ms"] < 5000, samples[-1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
