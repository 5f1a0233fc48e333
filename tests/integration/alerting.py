"""Shared by the tests of alerts: agents with rules, and a real HTTP server that takes what they post, or does
not."""
import http.server
import json
import os
import ssl
import threading
import time

from harness import BusTest, wait_for

ANSWER = {"bot": "acore", "model": "openai/a", "response_ms": 1000, "cost_usd": 1}
FAILURE = {"bot": "acore", "model": "openai/a", "status": "error"}


class Hook:
    """A real HTTP server that takes alerts; `behave` says what it does with one."""

    def __init__(self, behave=None, port=0, certificate=None):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post = {"path": self.path, "at": time.monotonic(), "json": json.loads(body),
                        "type": self.headers["Content-Type"],
                        "agent": self.headers["User-Agent"]}
                with hook.lock:
                    hook.posts.append(post)
                    number = len(hook.posts)
                try:
                    (behave or Hook.take)(self, number)
                except OSError:
                    pass  # the agent need not listen to the end

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self.posts = []
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @staticmethod
    def take(handler, _):
        handler.send_response(204)
        handler.end_headers()

    @staticmethod
    def answer(status, times, **headers):
        """Answers so for so many times, then takes the alert."""
        def behave(handler, number):
            if number > times:
                return Hook.take(handler, number)
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        return behave

    def told(self):
        """What has been posted, in order: (state, rule)."""
        with self.lock:
            return [(post["json"]["state"], post["json"]["rule"]) for post in self.posts]


class AlertsTest(BusTest):
    def setUp(self):
        super().setUp()
        self.file = os.path.join(self.folder, "alerts.conf")
        self.hooks = []

    def tearDown(self):
        super().tearDown()
        for hook in self.hooks:
            hook.close()

    def environment(self, **more):
        # Tests post to this machine only, so a proxy of the machine is not used.
        return super().environment(**{"NO_PROXY": "*", **more})

    def hook(self, *arguments, **how):
        hook = Hook(*arguments, **how)
        self.hooks.append(hook)
        return hook

    def write_rules(self, *lines):
        with open(self.file, "w", encoding="utf-8") as out:
            out.write("".join(line + "\n" for line in lines))
        os.chmod(self.file, 0o600)

    def agent(self, *lines, **how):
        """An agent with these rules, or with those that were written before."""
        if lines:
            self.write_rules(*lines)
        return self.start_agent("--alert", self.file, "--checkpoint-every", "1s", **how)

    def board(self):
        """The alerts that the board shows; nothing while the agent's heartbeat is old."""
        document = json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)
        return document["alerts"] or {"rules": [], "undelivered": None}

    def states(self):
        return {rule["rule"]: rule["state"] for rule in self.board()["rules"]}

    def wait_state(self, rule, state):
        wait_for(lambda: self.states().get(rule) == state, f"'{rule}' to be {state}")

    def wait_figure(self, rule, **figures):
        """Waits until the board shows these figures of a rule."""
        def shown():
            found = next((r for r in self.board()["rules"] if r["rule"] == rule), None)
            return found and all(found[key] == value for key, value in figures.items())
        wait_for(shown, f"'{rule}' with {figures}")

    def wait_told(self, hook, *told, timeout=20):
        wait_for(lambda: len(hook.told()) >= len(told), f"{told}, not {hook.told()}", timeout)
        self.assertEqual(hook.told(), list(told))

    def wait_delivered(self):
        """The disk knows it too: an agent that is killed before may post once more."""
        wait_for(lambda: self.board()["undelivered"] == 0 and not (self.load("alerts") or {}).get("posts"),
                 "every post to be taken")
