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
from conformance import (KEY, UNKNOWN_HOST, calls, differences, echoes, is_echo, reply,  # noqa: E402
                         ring_bytes)
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
        environment = self.environment(OPENROUTER_API_KEY=KEY)
        arguments = ["--bus", self.bus, "--url", self.url(call), "--model", body["model"]]
        if not body["stream"]:
            arguments.append("--no-stream")
        if "limits" in call:
            silence = f"{call['limits']['silence_ms']}ms"
            arguments += ["--first-token-timeout", silence, "--idle-timeout", silence]
        arguments.append(body["messages"][-1]["content"])
        if "caller" in call:
            return self.leave_early(arguments)
        done = self.run_tool("orcall", "--json", *arguments, env=environment)
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

    def test_no_echo_is_published_or_stored(self):
        """Neither in the ring's memory, the agent's board, files and journal, nor in what the tools say."""
        agent = self.start_agent("--journal", "--checkpoint-every", "1s")
        table = [call for call in calls() if is_echo(call)]
        for call in table:
            self.server.reply = reply(call)
            self.sample(call)
        stored = {"the ring": ring_bytes(self.bus)}
        for tool, *arguments in (("ortail", "-1"), ("ortail", "-1", "--json"), ("orstat",),
                                 ("orstat", "--json")):
            done = self.run_tool(tool, "--bus", self.bus, *arguments, text=False)
            stored[" ".join((tool, *arguments))] = done.stdout + done.stderr
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(20), 0)
        for folder, _, files in os.walk(self.data):
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    stored[name] = file.read()
        self.assertTrue(any(name.startswith("requests_") for name in stored), sorted(stored))
        for name, content in stored.items():
            self.assertEqual(echoes(content), [], name)
        self.assertEqual(len(stored["ortail -1 --json"].splitlines()), len(table))


if __name__ == "__main__":
    unittest.main(verbosity=2)
