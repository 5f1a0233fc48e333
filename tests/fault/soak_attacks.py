"""The attackers of soak.py --attacks, and what must be true of their samples.

  - liar: claims a lane as a producer does, and lies in its header, or publishes rubbish; it keeps
    books of the rubbish. The records that its header claims were never published, and must be counted nowhere;
  - flooder: publishes requests of HOURS old hours, more than can be open at once;
  - leaker: begins requests and never ends them, more than a lane may have in flight.

They are killed at random, together with an honest bot, so that each takes lanes that another had.
"""
import os
import signal
import struct

from harness import wait_for

HOURS = 6000
IN_FLIGHT_MAX = 1024  # INFLIGHT_LANE_MAX
# Of a liar that publishes rubbish: as fast as a lane without a sample is read.
RUBBISH_PACE_US = 25000


class Attacks:
    """The three attackers of a soak, which starts its processes and draws its random numbers."""

    def __init__(self, soak):
        self.soak = soak
        self.random = soak.random
        self.processes = {}
        self.published = {"liar": 0, "flooder": 0, "leaker": 0}
        self.torn = dict.fromkeys(self.published, 0)
        self.kills = 0
        self.lanes_reused = 0  # by honest bots, of liars that had died
        self.most_orphans = 0  # of what was begun, as far as it can be in flight
        for name in self.published:
            self.start(name)

    def books(self, name):
        return os.path.join(self.soak.folder, f"books-{name}")

    def read_books(self, name):
        """Intended, published, and of the liar its lane plus 1."""
        with open(self.books(name), "rb") as file:
            return struct.unpack("<QQQ", file.read(24).ljust(24, b"\0"))

    def start(self, name, calm=False):
        if os.path.exists(self.books(name)):
            os.unlink(self.books(name))
        seed = self.random.randrange(1, 2 ** 31)
        if name == "liar":
            arguments = self.random.choice([("heads", 500), ("heads", 5000),
                                            ("records", RUBBISH_PACE_US)])
            arguments = ("records", RUBBISH_PACE_US) if calm else arguments
            process = self.soak.start("liar", self.soak.bus, self.books(name), *arguments, seed)
        else:
            kind = {"flooder": HOURS, "leaker": "leak"}[name]
            process = self.soak.start("bot", self.soak.bus, name, self.books(name), 1000, seed, kind)
        self.processes[name] = process
        wait_for(lambda: os.path.exists(self.books(name)), f"the books of the {name}")
        if name == "liar":
            wait_for(lambda: self.read_books(name)[2], "the liar's lane")

    def end(self, name):
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        self.soak.processes.remove(process)
        intended, published, lane = self.read_books(name)
        self.soak.assertIn(intended - published, (0, 1))
        self.published[name] += published
        self.torn[name] += intended - published
        self.most_orphans += min(intended, IN_FLIGHT_MAX) if name == "leaker" else 0
        self.kills += 1
        return lane

    def exchange(self, index):
        """An attacker dies, and so does an honest bot; who is back first has the lower lane."""
        name = self.random.choice(["liar", "liar", "flooder", "leaker"])
        lane = self.end(name) - 1
        self.soak.end_bot(index, signal.SIGKILL)
        again = [lambda: self.start(name), lambda: self.soak.start_bot(index)]
        self.random.shuffle(again)
        for start in again:
            start()
        # Two lanes were free: the bot has the one that the liar did not get again.
        self.lanes_reused += name == "liar" and self.read_books(name)[2] - 1 != lane

    def finish(self):
        """A last head that is too low hides what is behind it until the lane's next owner: all lanes
        get one."""
        for name in list(self.processes):
            self.end(name)
        for index in range(len(self.soak.bots)):
            self.soak.start_bot(index)
        for name in self.published:
            self.start(name, calm=True)
        for index in range(len(self.soak.bots)):
            self.soak.end_bot(index, signal.SIGTERM)
        for name in self.published:
            self.end(name)

    def balance(self, by_bot, requests, rejected, lost):
        """`requests`: the orphans that the files count. Returns the lines of the report."""
        soak = self.soak
        orphaned = sum(r["orphaned"] for r in requests)
        soak.assertEqual(by_bot.get("leaker", 0), orphaned, "orphans are the leaker's")
        soak.assertLessEqual(orphaned, self.most_orphans)
        soak.assertGreater(orphaned, 0)
        flood = by_bot.get("flooder", 0)
        # Each is counted or rejected, like the rubbish; a kill within a publish leaves open whether.
        due = self.published["flooder"] + self.published["liar"]
        if lost == 0:
            soak.assertLessEqual(due, flood + rejected, "flood and rubbish, and counted + rejected")
            soak.assertLessEqual(flood + rejected, due + self.torn["flooder"] + self.torn["liar"])
        soak.assertLessEqual(flood, self.published["flooder"] + self.torn["flooder"])
        return {"attacker_kills": self.kills, "lanes_of_dead_liars_reused": self.lanes_reused,
                "rubbish_published": self.published["liar"],
                "old_published": self.published["flooder"], "old_counted": flood,
                "begins_leaked": self.published["leaker"], "orphaned": orphaned}
