"""Webhooks that fail, hang, refuse, pour and drip; kills in between; disks that fail."""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "integration"))
from alerting import ANSWER, AlertsTest, Hook  # noqa: E402
from harness import SANITIZER, program, wait_for  # noqa: E402


class DeliveryTest(AlertsTest):
    def fire(self, *lines, **how):
        agent = self.agent(*lines, "cost 1h > 5 USD", **how)
        self.publish(*[ANSWER] * 6)
        return agent

    def test_what_fails_is_tried_again(self):
        failing, limited = self.hook(Hook.answer(500, 2)), self.hook(
            Hook.answer(429, 1, Retry_After="3"))
        agent = self.fire(f"webhook {failing.url}", f"discord {limited.url}")
        wait_for(lambda: len(failing.posts) == 3 and len(limited.posts) == 2, "every attempt")
        self.wait_delivered()
        gaps = [b["at"] - a["at"] for a, b in zip(failing.posts, failing.posts[1:])]
        self.assertGreaterEqual(gaps[0], 0.99)
        self.assertGreaterEqual(gaps[1], 1.99)
        self.assertEqual(len({post["json"]["id"] for post in failing.posts}), 1)
        # Retry-After is honoured.
        self.assertGreaterEqual(limited.posts[1]["at"] - limited.posts[0]["at"], 2.9)
        log = self.stop_agent(agent)
        self.assertIn(f"could not be posted to {failing.url}: HTTP status 500; trying again", log)
        self.assertIn("posted to " + failing.url + ", at attempt 3", log)
        self.assertEqual((len(failing.posts), len(limited.posts)), (3, 2))

    def test_what_is_refused_is_not_posted_again(self):
        elsewhere = self.hook()
        for status, headers in ((404, {}), (302, {"Location": elsewhere.url}),
                                (307, {"Location": "file:///etc/passwd"})):
            with self.subTest(status):
                hook = self.hook(Hook.answer(status, 9, **headers))
                agent = self.fire(f"webhook {hook.url}")
                self.wait_log(agent, f"was refused by {hook.url}: HTTP status {status}")
                self.wait_delivered()
                self.stop_agent(agent)
                self.assertEqual(len(hook.posts), 1)
                os.unlink(self.path("alerts"))
        self.assertEqual(elsewhere.posts, [])

    def test_hostile_answers_do_no_harm(self):
        ended = threading.Event()

        def pour(handler, _):
            """An answer without end."""
            handler.send_response(200)
            handler.end_headers()
            while not ended.is_set():
                handler.wfile.write(b"x" * 65536)

        def drip(handler, _):
            """A header that takes for ever."""
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not ended.wait(0.1):
                handler.wfile.write(b"x")

        def boast(handler, _):
            """Headers without end."""
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not ended.is_set():
                handler.wfile.write(b"X: " + b"y" * 1000 + b"\r\n")

        self.addCleanup(ended.set)
        hooks = [self.hook(behave) for behave in (pour, boast, drip)]
        agent = self.fire(*[f"webhook {hook.url}" for hook in hooks])
        wait_for(lambda: all(hook.posts for hook in hooks), "the posts")
        wait_for(lambda: self.board()["undelivered"] == 0, "the answers to be done with", 40)
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as status:
            memory = next(line for line in status if line.startswith("VmHWM"))
        if not SANITIZER:
            self.assertLess(int(memory.split()[1]), 100000, memory)
        self.stop_agent(agent)
        self.assertEqual([len(hook.posts) for hook in hooks], [1, 1, 1])

    def test_a_target_that_hangs_holds_up_nobody(self):
        ended = threading.Event()
        self.addCleanup(ended.set)
        hanging = self.hook(lambda handler, number: ended.wait())
        well = self.hook()
        agent = self.fire(f"webhook {hanging.url}", f"webhook {well.url}", "no requests for 2s")
        wait_for(lambda: hanging.posts and len(well.posts) == 2, "the other target to be told")
        # The agent goes on counting meanwhile, and only one post is under way there.
        self.publish(ANSWER)
        wait_for(lambda: json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)
                 ["requests"]["total"] == 7, "the request to be counted")
        self.assertEqual(len(hanging.posts), 1)
        wait_for(lambda: (self.board()["undelivered"] or 0) >= 2, "posts that wait")
        self.assertIn("not delivered yet", self.run_tool("orstat", "--bus", self.bus).stdout)
        ended.set()
        log = self.stop_agent(agent)
        self.assertIn("stopped", log)

    def test_a_kill_neither_repeats_nor_forgets(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        well = self.hook()
        agent = self.fire(f"webhook http://127.0.0.1:{port}", f"webhook {well.url}")
        self.wait_told(well, ("firing", "cost 1h > 5 USD"))
        self.wait_log(agent, "trying again")

        def owed():
            posts = (self.load("alerts") or {"posts": []})["posts"]
            return len(posts) == 1 and len(posts[0]["owed"]) == 1
        wait_for(owed, "the disk to know who was told")
        agent.kill()
        agent.wait()
        late = self.hook(port=port)
        agent = self.agent()
        self.wait_told(late, ("firing", "cost 1h > 5 USD"))
        self.wait_delivered()
        self.wait_state("cost 1h > 5 USD", "firing")
        agent.kill()
        agent.wait()
        agent = self.agent()
        self.wait_state("cost 1h > 5 USD", "firing")
        self.publish(*[ANSWER] * 2)
        self.wait_figure("cost 1h > 5 USD", value=8)
        self.assertNotIn("alert:", self.stop_agent(agent))
        self.assertEqual((len(well.posts), len(late.posts)), (1, 1))

    def start_slow_agent(self, *lines):
        """An agent whose disk takes half a second to rename a file, and its own pid."""
        self.write_rules(*lines)
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat", "-e",
             "inject=renameat:delay_enter=500000", program("oragent"), "--bus", self.bus,
             "--data-dir", self.data, "--io", "posix", "--alert", self.file],
            env=self.environment(), stderr=subprocess.PIPE, text=True)
        tracer.log = []
        self.processes.append(tracer)
        self.wait_log(tracer, "serving bus")
        with open(f"/proc/{tracer.pid}/task/{tracer.pid}/children", encoding="ascii") as children:
            return tracer, int(children.read().split()[0])

    @unittest.skipIf(SANITIZER, "strace and sanitizers do not go together")
    def test_a_kill_while_a_post_is_under_way_repeats_the_post_not_the_alert(self):
        def kill_once(handler, number):
            if number == 1:
                os.kill(pid, signal.SIGKILL)
            else:
                Hook.take(handler, number)
        hook = self.hook(kill_once)
        tracer, pid = self.start_slow_agent(f"webhook {hook.url}", "cost 1h > 5 USD")
        self.publish(*[ANSWER] * 6)
        wait_for(lambda: hook.posts and tracer.poll() is not None, "the kill")
        agent = self.agent()
        wait_for(lambda: len(hook.posts) == 2, "the second post")
        self.wait_delivered()
        self.assertEqual(hook.posts[0]["json"], hook.posts[1]["json"])
        self.assertNotIn("alert:", self.stop_agent(agent))

    def test_the_queue_is_bounded(self):
        rules = [f"cost 1h > {i} USD" for i in range(70)]
        agent = self.agent("webhook http://127.0.0.1:1/", *rules)
        self.publish(*[ANSWER] * 80)
        self.wait_state("cost 1h > 69 USD", "firing")
        wait_for(lambda: self.board()["undelivered"] == 64, "posts that wait")
        self.assertIn("Alerts    70 of 70 raised, 64 not delivered yet\n",
                      self.run_tool("orstat", "--bus", self.bus).stdout)
        log = self.stop_agent(agent)
        self.assertEqual(log.count("the oldest is dropped"), 6)
        self.assertIn("64 alerts could not be posted yet: the next agent will", log)

    def test_a_disk_that_fails_holds_up_no_alert(self):
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", "cost 1h > 5 USD")
        # Nothing can be renamed over a folder.
        wait_for(lambda: not os.path.exists(self.path("alerts")) or
                 os.unlink(self.path("alerts")) is None, "the file to be gone")
        os.makedirs(self.path("alerts/in-the-way"))
        self.publish(*[ANSWER] * 6)
        self.wait_told(hook, ("firing", "cost 1h > 5 USD"))
        self.assertIn("alerts", self.wait_log(agent, "could not rename"))
        os.rmdir(self.path("alerts/in-the-way"))
        os.rmdir(self.path("alerts"))
        self.wait_file("alerts", lambda state: state["alerts"][0]["firing"])
        self.wait_log(agent, "alerts is written again")
        self.stop_agent(agent)

    def test_a_damaged_state_is_set_aside(self):
        for damage in ("{", "[]", '{"version":1,"alerts":[{}],"posts":[]}',
                       '{"version":2,"alerts":[],"posts":[]}',
                       '{"version":1,"alerts":[],"posts":[7]}'):
            os.makedirs(self.data, exist_ok=True)
            with open(self.path("alerts"), "w", encoding="ascii") as file:
                file.write(damage)
            agent = self.agent("cost 1h > 5 USD")
            self.assertIn("alerts is damaged", self.stop_agent(agent))
        self.assertEqual(len(self.files("alerts.set-aside-*")), 5)


class TlsTest(AlertsTest):
    def test_certificates_are_verified(self):
        certificate = os.path.join(self.folder, "certificate.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", certificate,
                        "-out", certificate + ".crt", "-days", "2", "-subj", "/CN=127.0.0.1",
                        "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                       capture_output=True)
        with open(certificate + ".crt", encoding="ascii") as crt, \
                open(certificate, "a", encoding="ascii") as both:
            both.write(crt.read())
        hook = self.hook(certificate=certificate)
        agent = self.agent(f"webhook {hook.url}", "cost 1h > 5 USD")
        self.publish(*[ANSWER] * 6)
        self.assertIn("certificate", self.wait_log(agent, "could not be posted"))
        agent.kill()
        agent.wait()
        self.assertEqual(hook.posts, [])
        agent = self.agent(env=self.environment(SSL_CERT_FILE=certificate + ".crt"))
        self.wait_told(hook, ("firing", "cost 1h > 5 USD"))
        self.wait_delivered()
        self.stop_agent(agent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
