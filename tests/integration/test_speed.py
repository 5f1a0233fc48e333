"""Fast by construction: work that is not done at all. Nothing here is measured in seconds."""
import os
import re
import signal
import subprocess
import time
import unittest

from harness import SANITIZER, BusTest, program


def strace(*options):
    return ["strace", "-f", "-qq", *options]


@unittest.skipIf(SANITIZER, "a sanitizer makes system calls of its own")
class SpeedTest(BusTest):
    def test_publishing_makes_no_system_call(self):
        # A kernel filter kills the process at the first one.
        done = self.run_tool("publish_sealed", self.bus, 1000)
        self.assertEqual(done.returncode, 0, "a publish made a system call")
        # Beyond a quarter of the lane it may wake readers; nothing else.
        done = self.run_tool("publish_sealed", self.bus, 200000)
        self.assertEqual(done.returncode, 0, "a publish made a forbidden system call")

    def test_a_wake_up_comes_once_in_a_quarter_of_a_lane(self):
        log = os.path.join(self.folder, "strace")
        done = subprocess.run([*strace("-e", "trace=futex", "-o", log),
                               program("publish_sealed"), self.bus, "102400"],
                              env=self.environment(), capture_output=True, check=False)
        if done.returncode == 1 and b"ptrace" in done.stderr:
            self.skipTest("may not trace here")
        with open(log, encoding="ascii") as file:
            self.assertEqual(file.read().count("FUTEX_WAKE"), 100)

    def test_an_idle_agent_wakes_at_most_twice_a_second(self):
        rules = os.path.join(self.folder, "rules")
        with open(rules, "w", encoding="ascii") as file:
            file.write("webhook http://127.0.0.1:1/\np95 5m > 10s\nno requests for 1h\n")
        agent = self.start_agent("--alert", rules)
        self.wait_file(time.strftime("hourly_%Y%m%d_%H.json", time.gmtime()))
        time.sleep(6)  # the longer it is quiet, the less often it looks
        log = os.path.join(self.folder, "strace")
        tracer = subprocess.Popen([*strace("-e", "trace=futex,nanosleep,clock_nanosleep,"
                                           "io_uring_enter,poll,epoll_wait"),
                                   "-o", log, "-p", str(agent.pid)],
                                  stderr=subprocess.PIPE)
        time.sleep(10)
        tracer.send_signal(signal.SIGINT)
        _, error = tracer.communicate(timeout=20)
        if b"attach" in error:
            self.skipTest("may not trace here")
        with open(log, encoding="ascii", errors="replace") as file:
            waits = len(re.findall(r"futex\(|nanosleep\(|io_uring_enter\(|poll\(", file.read()))
        self.assertGreater(waits, 5)
        self.assertLessEqual(waits, 21)
        self.stop_agent(agent)

    def test_orstat_does_little(self):
        agent = self.start_agent()
        self.publish({"model": "m", "response_ms": 1000})
        log = os.path.join(self.folder, "strace")
        done = subprocess.run([*strace("-c", "-o", log), program("orstat"), "--bus", self.bus],
                              env=self.environment(), capture_output=True, check=False)
        if done.returncode == 1 and b"ptrace" in done.stderr:
            self.skipTest("may not trace here")
        self.assertEqual(done.returncode, 0)
        with open(log, encoding="ascii") as file:
            total = int(re.search(r"(\d+)\s+(?:\d+\s+)?total", file.read()).group(1))
        # Most of these are the dynamic loader's; there is no sleep and no second try.
        self.assertLess(total, 150)
        self.stop_agent(agent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
