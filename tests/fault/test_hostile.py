"""A process that may write the bus scribbles over it, at random and by design. Agent, orstat and
ortail must live on, stay small, print nothing that steers a terminal, and count the others' samples
to the sample. Run under AddressSanitizer too."""
import json
import os
import random
import re
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
sys.path.insert(0, HERE)
from harness import SANITIZER, BusTest, wait_for  # noqa: E402
from ring_image import Ring  # noqa: E402

EDGES = sorted({value & (2 ** 64 - 1) for power in (0, 1, 7, 8, 15, 16, 31, 32, 33, 61, 62, 63, 64)
                for value in (2 ** power - 1, 2 ** power, 2 ** power + 1)} | {0, 2 ** 64 - 2})
SEED = int(os.environ.get("ORBUS_TEST_SEED", "20261124"))
GROWTH_KIB = 48 << 10
HOSTILE = 7  # a lane that no honest bot has here


def bombs():
    """msgpack that promises more than it holds, nests deeper than any document, or is none."""
    yield b"\xdd\x10\x00\x00\x00"
    yield b"\xdf\xff\xff\xff\xff"
    yield b"\xdb\xff\xff\xff\xff"
    yield b"\xc6\xff\xff\xff\xff"
    yield b"\xc9\xff\xff\xff\xff\x01"
    yield b"\x91" * 480
    yield b"\x81\xa1a" * 160
    yield b"\x81\xa4tags" + b"\xde\xff\xff"
    yield b"\x8f" + b"\xa1k\xc0" * 15
    yield b"\xc1" * 400
    yield bytes(range(256))
    yield b""
    for value in (b"\xcb\x7f\xf8" + b"\0" * 6, b"\xcb\xff\xf0" + b"\0" * 6, b"\xff",
                  b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\0" * 7, b"\xa3\xff\xfe\xfd"):
        for key in (b"response_ms", b"prompt_tokens", b"ts", b"model", b"status"):
            yield b"\x81" + bytes([0xa0 | len(key)]) + key + value


class HostileTest(BusTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.agent = self.start_agent("--checkpoint-every", "1s")
        self.tail_log = open(os.path.join(self.folder, "tail"), "w+b")
        self.addCleanup(self.tail_log.close)
        self.tail = self.start("ortail", "--bus", self.bus, "--kind", "all", stdout=self.tail_log,
                               stderr=subprocess.STDOUT)
        self.honest = self.start("orpub", "--bus", self.bus, "--json-lines",
                                 stdin=subprocess.PIPE)
        self.published = 0
        self.publish_honestly(20)
        self.wait_counted()
        self.ring = Ring(f"/dev/shm/{self.bus}")
        self.addCleanup(self.ring.close)
        self.memory = {p.pid: self.resident(p) for p in (self.agent, self.tail)}

    def resident(self, process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def publish_honestly(self, n):
        for _ in range(n):
            self.honest.stdin.write('{"model": "honest", "response_ms": 5, "bot": "honest"}\n')
        self.honest.stdin.flush()
        self.published += n

    def counted(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--by", "bot",
                             "--json")
        if done.returncode != 0:
            return None
        bots = json.loads(done.stdout)["by_bot"]
        return bots.get("honest", {}).get("requests")

    def wait_counted(self):
        wait_for(lambda: self.counted() == self.published,
                 f"{self.published} honest requests; there are {self.counted()}", 30)

    def assert_all_live(self):
        for process, name in ((self.agent, "oragent"), (self.tail, "ortail")):
            if process.poll() is not None:
                self.fail(f"{name} has died: {self.last_words()}")
            if not SANITIZER:
                self.assertLess(self.resident(process) - self.memory[process.pid], GROWTH_KIB, name)
        for arguments in (["orstat", "--bus", self.bus], ["ortail", "--bus", self.bus, "-1"],
                          ["orstat", "--bus", self.bus, "--json", "--window", "start"]):
            done = self.run_tool(*arguments, timeout=60, text=False)
            self.assertIn(done.returncode, (0, 1, 3, 4), (arguments, done.stderr))
            self.assertNotIn(b"Sanitizer", done.stderr, arguments)
            self.assert_harmless(done.stdout + done.stderr)
        self.tail_log.seek(0)
        self.assert_harmless(self.tail_log.read())

    def assert_harmless(self, printed):
        found = re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", printed)
        self.assertIsNone(found, found and printed[max(0, found.start() - 50):found.end() + 50])

    def last_words(self):
        fd = self.agent.stderr.fileno()
        os.set_blocking(fd, False)
        try:
            said = os.read(fd, 1 << 20)
        except BlockingIOError:
            said = b""
        self.tail_log.seek(0)
        return (said[-3000:] + self.tail_log.read()[-2000:]).decode(errors="replace")

    def after_attack(self):
        """They go on running, and the honest bot's samples are counted, before and after."""
        self.publish_honestly(5)
        self.assert_all_live()
        self.wait_counted()

    def test_every_word_of_a_lane_takes_every_edge_value(self):
        ring = self.ring
        for value in EDGES:
            ring.publish(HOSTILE, b"\x81\xa5model\xa1m")
            record = ring.get(ring.lane(HOSTILE)) - 1
            for offset in (ring.slot(HOSTILE, record), ring.slot(HOSTILE, record) + 8,
                           ring.lane(HOSTILE) + 8, ring.lane(HOSTILE)):
                kept = ring.get(offset)
                ring.put(offset, value)
                time.sleep(0.002)
                if self.random.random() < 0.5:
                    ring.put(offset, kept)
        self.after_attack()

    def test_a_lane_with_an_absurd_head_serves_its_next_owner(self):
        """The lane that the next bot will claim has been spoilt before."""
        for head in (2 ** 62, 2 ** 63, 2 ** 64 - 1, 5000, 0):
            self.ring.reserve(1)
            self.ring.put(self.ring.lane(1), head)
            time.sleep(0.6)
            self.publish(*[{"model": "honest", "bot": "honest"}] * 3)
            self.published += 3
            self.wait_counted()
        self.after_attack()

    def test_msgpack_bombs(self):
        for epoch, bomb in enumerate(bombs()):
            self.ring.publish(HOSTILE, bomb, epoch=epoch)
            for length in (0, 1, len(bomb) + 1, 496, 497, 2 ** 31, 2 ** 32 - 1):
                self.ring.publish(HOSTILE, bomb, epoch=epoch, length=length)
        self.after_attack()

    def test_names_that_would_steer_a_terminal(self):
        evil = "\x1b]0;owned\x07\x9b31m\u202egnp\r".encode()
        for key in (b"model", b"bot", b"provider", b"error_type", b"error_message", b"name"):
            self.ring.publish(HOSTILE, b"\x82" + bytes([0xa0 | len(key)]) + key + b"\xb7" +
                              evil.ljust(23, b"\x1b")[:23] + b"\xa6status\xa5error")
        self.after_attack()

    def test_endless_names_do_not_grow_the_agent(self):
        for n in range(20000):
            name = b"%08x" % n
            self.ring.publish(HOSTILE, b"\x83\xa5model\xa8" + name + b"\xa3bot\xa8" + name +
                              b"\xabresponse_ms\x05")
            if n % 1000 == 0:
                time.sleep(0.06)
        self.publish_honestly(5)
        self.assert_all_live()
        # Beyond 256 names the rest is summed under "(other)", the honest bot's too: the sum is exact.
        wait_for(lambda: self.total_and_lost() == self.published + 20000, "all requests", 30)

    def total_and_lost(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
        seen = json.loads(done.stdout)
        return seen["requests"]["total"] + seen["lost_samples"]

    def test_begins_without_end_do_not_grow_the_agent(self):
        for n in range(20000):
            self.ring.publish(HOSTILE, b"\x82\xa4kind\xa5begin\xaarequest_id\xa8%08x" % n)
            if n % 1000 == 0:
                time.sleep(0.06)
        self.after_attack()

    def test_random_scribbling_beside_an_honest_lane(self):
        """Everything but the lanes that honest bots own: header, bell, bitmap, other lanes."""
        ring = self.ring
        first_free = ring.lane(2)
        for _ in range(2000):
            if self.random.random() < 0.2:
                at = self.random.randrange(0, 2 * ring.page_bytes - 8)
                if ring.page_bytes + 128 <= at + 8 and at < ring.page_bytes + 136:
                    continue  # the bits that say that the honest lanes are there
            else:
                ring.reserve(self.random.randrange(2, 16))
                at = self.random.randrange(first_free, ring.lane(16) - 8)
                if self.random.random() < 0.5:
                    lane = self.random.randrange(2, 16)
                    at = ring.slot(lane, self.random.randrange(ring.slots)) + 8 * \
                        self.random.randrange(4)
            ring.put(at, self.random.choice(EDGES + [self.random.getrandbits(64)]))
        time.sleep(0.5)
        self.after_attack()

    def test_random_scribbling_over_everything(self):
        ring = self.ring
        for round_ in range(20):
            for _ in range(500):
                at = self.random.randrange(0, ring.lane(8) - 8)
                ring.put(at, self.random.choice(EDGES + [self.random.getrandbits(64)]))
            if round_ % 4 == 0:
                self.assert_all_live()
        self.assert_all_live()

    def test_pages_that_vanish(self):
        """The object is cut short under its readers, who must not die of SIGBUS."""
        ring = self.ring
        for length in (ring.lane(1), ring.lane(0) + 4096, ring.page_bytes, 100, 0):
            os.truncate(f"/dev/shm/{self.bus}", length)
            time.sleep(0.3)
            self.assert_all_live()
        # A new bus in its place is found by all of them, without a restart.
        os.unlink(f"/dev/shm/{self.bus}")
        wait_for(lambda: os.path.exists(f"/dev/shm/{self.bus}"), "a new ring")
        time.sleep(1.2)
        before = self.counted() or 0
        self.publish(*[{"model": "m", "bot": "honest", "response_ms": 1}] * 3)
        wait_for(lambda: self.counted() == before + 3, "requests in the new ring")
        self.assert_all_live()

    def test_the_board_is_written_again(self):
        """After any damage to the board orstat prints valid output, and soon the right statistics."""
        path = f"/dev/shm/{self.bus}.board"
        for attack in range(40):
            with open(path, "r+b") as board:
                if attack % 8 == 7:
                    board.truncate(self.random.choice([0, 1, 72, 4096, 5000]))
                else:
                    for at in range(0, 72, 8):
                        if self.random.random() < 0.3:
                            board.seek(at)
                            board.write(struct.pack("<Q", self.random.choice(EDGES)))
                    board.seek(self.random.choice([4096, 4096 + (16 << 20), 4096 + (32 << 20)]))
                    board.write(os.urandom(64))
            self.assert_all_live()
        self.after_attack()


if __name__ == "__main__":
    unittest.main(verbosity=2)
