"""The libcurl binding, through orcall, makes the samples of the conformance table."""
import json
import os
import signal
import socket
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from conformance import UNKNOWN_HOST, calls, differences, reply  # noqa: E402
from harness import BusTest  # noqa: E402
from openrouter import OpenRouter  # noqa: E402


def unused_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class OrcallTest(BusTest):
    def setUp(self):
        super().setUp()
        self.server = self.enterContext(OpenRouter())

    def url(self, call):
        server = call.get("server")
        if server == "unknown":
            return f"http://{UNKNOWN_HOST}/api/v1"
        return f"http://127.0.0.1:{unused_port()}/api/v1" if server else self.server.url

    def sample(self, call):
        body = call["request"]
        arguments = ["--bus", self.bus, "--url", self.url(call), "--model", body["model"]]
        if not body["stream"]:
            arguments.append("--no-stream")
        if "limits" in call:
            silence = f"{call['limits']['silence_ms']}ms"
            arguments += ["--first-token-timeout", silence, "--idle-timeout", silence]
        arguments.append(body["messages"][-1]["content"])
        if "caller" in call:
            return self.leave_early(arguments)
        done = self.run_tool("orcall", "--json", *arguments, env=self.environment())
        return json.loads(done.stdout)

    def leave_early(self, arguments):
        process = self.start("orcall", *arguments, env=self.environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertTrue(process.stdout.read(1))
        process.send_signal(signal.SIGINT)
        process.wait(20)
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "--json")
        return json.loads(done.stdout.splitlines()[-1])

    def test_every_call_of_the_table(self):
        for call in calls():
            with self.subTest(call["name"]):
                if "answer" in call:
                    self.server.reply = reply(call)
                self.assertEqual(differences(call, self.sample(call)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
