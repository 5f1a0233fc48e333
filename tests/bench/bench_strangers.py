"""The longest publish of a bot while others attack its bus. Needs root, who can be several users.

  ORBUS_BIN_DIR=build/release/agent:build/release/tools:build/release/tests tests/bench/bench_strangers.py

Prints, for each attack, the longest of some thousands of publishes in microseconds, by the bot's own CPU
time (which no other process can lengthen) and by the wall, beside the goal."""
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "fault"))
from test_strangers import ALICE, LOCK_CREATE, LocksTest  # noqa: E402

GOAL_US = 1000


class Bench(LocksTest):
    """The tests' own means, used outside of a test."""

    def runTest(self):
        pass

    def remove_under(self, bot, *suffixes):
        os.kill(bot.pid, signal.SIGSTOP)
        for suffix in suffixes:
            os.unlink(self.shm + suffix)

    def let_go(self, bot):
        os.kill(bot.pid, signal.SIGCONT)
        return self.books(bot)

    def nothing(self):
        return self.books(self.bot(seconds=4))

    def removed(self):
        """No attack: the bus is removed, and the bot makes it anew."""
        bot = self.bot(seconds=4)
        self.remove_under(bot, "", ".lanes")
        return self.let_go(bot)

    def squatted_ring(self):
        self.start_agent("--mode", "0666")
        bot = self.bot(ALICE, seconds=5)
        self.remove_under(bot, "", ".lanes", ".board")
        self.processes[0].kill()
        self.squat("", ".lanes", ".board")
        return self.let_go(bot)

    def held_create_byte(self):
        bot = self.bot(seconds=4)
        self.hold(LOCK_CREATE)
        self.remove_under(bot, "")
        return self.let_go(bot)

    def locked_lanes(self):
        return self.bot_under_locks(4096, 6)

    def one_free_lane(self):
        return self.bot_under_locks(4095, 8)

    def scribbled_shared_page(self):
        bot = self.bot(seconds=5)
        code = ("import mmap, os, sys, time\n"
                "fd = os.open(sys.argv[1], os.O_RDWR)\n"
                "m = mmap.mmap(fd, 3 * 4096)\n"
                "end = time.time() + 4\n"
                "while time.time() < end:\n"
                "    m[4096:8192] = os.urandom(4096)\n"
                "    m[8192:8192 + 128] = os.urandom(128)\n")
        subprocess.run([sys.executable, "-c", code, self.shm], check=True)
        return self.books(bot)


def main():
    print(f"{'attack':24} {'published':>9} {'refused':>8} {'worst CPU us':>12} {'wall us':>9}")
    for name in ("nothing", "removed", "squatted_ring", "held_create_byte", "locked_lanes",
                 "one_free_lane", "scribbled_shared_page"):
        bench = Bench()
        bench.setUp()
        try:
            books = getattr(bench, name)()
        finally:
            bench.tearDown()
            bench.doCleanups()
        met = "" if books["worst_cpu_us"] < GOAL_US else "  missed"
        print(f"{name:24} {books['published']:9} {books['refused']:8} {books['worst_cpu_us']:12} "
              f"{books['worst_us']:9}{met}", flush=True)
        time.sleep(0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
