"""Bots in C, Python and Node on one bus at the same time, and the sums of them all."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_with_package  # noqa: E402

if __name__ == "__main__":
    run_with_package()

from harness import SANITIZER, BusTest, program  # noqa: E402
from node_package import STAGE, environment, install_node, stage  # noqa: E402

PROCESSES = 8  # of each language
SAMPLES = 100_000  # of each process; a request is two

PYTHON = """
import sys, orbus
bus, kind, samples = sys.argv[1], sys.argv[2], int(sys.argv[3])
with orbus.Producer("python", bus) as producer:
    print("ready", flush=True)
    sys.stdin.read()
    if kind == "counts":
        for _ in range(samples):
            producer.count("python")
    else:
        for _ in range(samples // 2):
            with producer.request("m/python") as request:
                request.usage(completion_tokens=2)
    assert producer.dropped == 0, producer.last_error
"""
NODE = """
import { readFileSync } from 'node:fs'
import { Producer } from 'orbus'
const [bus, kind, samples] = process.argv.slice(2)
const producer = new Producer({ bot: 'node', bus })
console.log('ready')
readFileSync(0)
if (kind === 'counts') for (let n = 0; n < samples; n++) producer.count('node')
else
  for (let n = 0; n < samples / 2; n++)
    producer.request({ model: 'm/node' }).usage({ completionTokens: 2 }).end()
if (producer.dropped !== 0) throw new Error('samples were dropped')
"""


@unittest.skipIf(SANITIZER, "it takes long")
class LanguagesTest(BusTest):
    @classmethod
    def setUpClass(cls):
        cls.node = install_node()
        stage(cls.node)
        cls.script = os.path.join(STAGE, f"languages-{os.getpid()}.mjs")
        cls.addClassCleanup(os.unlink, cls.script)
        with open(cls.script, "w", encoding="ascii") as file:
            file.write(NODE)

    def start_bots(self, kind):
        what = (kind, str(SAMPLES))
        commands = (([program("publish_many"), self.bus, "c", *what], os.environ),
                    ([sys.executable, "-c", PYTHON, self.bus, *what], os.environ),
                    ([self.node, self.script, self.bus, *what], environment(self.node)))
        bots = [subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE)
                for _ in range(PROCESSES) for command, env in commands]
        self.processes += bots
        for bot in bots:  # each has a lane of its own before any begins
            self.assertEqual(bot.stdout.readline(), "ready\n", bot.args)
        return bots

    def day_of(self, kind, *options):
        """What an agent with such options has counted of them all at once."""
        agent = self.start_agent(*options)
        bots = self.start_bots(kind)
        for bot in bots:
            bot.stdin.close()
        for bot in bots:
            self.assertEqual(bot.wait(300), 0, bot.args)
        self.stop_agent(agent)
        # An agent that is told to stop leaves the samples that it has no time for to the next one.
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        files = self.files("daily_*")
        self.assertEqual(len(files), 1, "midnight has passed")
        return self.load(files[0])

    def test_every_request_of_every_language_is_counted(self):
        # A lane that holds all that a process publishes loses nothing: 800 MB for all.
        room = os.statvfs("/dev/shm")
        if room.f_bavail * room.f_frsize < 1 << 30:
            self.skipTest("/dev/shm has no room for it")
        day = self.day_of("requests", "--slots", "131072", "--slot-bytes", "256")
        each = PROCESSES * SAMPLES // 2
        for by, prefix in (("by_bot", ""), ("by_model", "m/")):
            self.assertEqual({name: figures["requests"] for name, figures in day[by].items()},
                             {prefix + name: each for name in ("c", "python", "node")})
        self.assertEqual((day["lost_samples"], day["rejected_samples"]), (0, 0))

    def test_what_is_overwritten_is_counted_too(self):
        day = self.day_of("counts", "--slots", "64")
        counted = sum(day["service_metrics"].values())
        self.assertEqual(counted + day["lost_samples"], 3 * PROCESSES * SAMPLES)
        self.assertGreater(day["lost_samples"], 0)
        self.assertEqual(day["rejected_samples"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
