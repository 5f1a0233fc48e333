"""After a power cut at any moment nothing is damaged, no checkpoint that was acknowledged is lost, and the
journal holds what the checkpoint names. power_loss.py says how this is tried: here with some hundreds of states,
by scripts/power-loss with thousands."""
import json
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
sys.path.insert(0, HERE)
from harness import SANITIZER  # noqa: E402
import power_loss  # noqa: E402
from power_loss import EXPIRED, HOUR, Checker, describe, journal_of, record, sample  # noqa: E402

SEED = int(os.environ.get("ORBUS_TEST_SEED", "20261124"))
STATES = 60 if SANITIZER else 240
KILLS = (3, 8, 18) if SANITIZER else (2, 3, 5, 8, 12, 16, 18, 21, 24, 27, 31, 36, 41)


def short_work(recorder):
    """Each kind of storing, without kills."""
    recorder.requests(3)
    recorder.life()
    recorder.requests(2)
    recorder.life()
    recorder.move(HOUR)
    recorder.requests(2, 1)
    recorder.life()
    recorder.requests(1)
    recorder.life()


def small_work(recorder):
    """And hours that leave the checkpoint: what the faulty agents are derived from."""
    short_work(recorder)
    recorder.long_life()
    recorder.requests(1)
    recorder.life()


class PowerTest(unittest.TestCase):
    def expect_none(self, made, states):
        checker = Checker(made)
        faults = checker.faults(states, stop_at=3)
        self.assertEqual(faults, [], "\n".join(describe(*f) for f in faults))
        return checker.checked


class EveryMomentTest(PowerTest):
    def cut_at_every_moment(self, io):
        made = record(io, power_loss.Recorder.all_work, KILLS)
        self.assert_complete(made)
        states = made.states(SEED)
        drawn = sample(made, states, STATES, SEED)
        checked = self.expect_none(made, drawn)
        print(f"{io}: seed {SEED}: {len(made.operations)} operations, {made.built} states, "
              f"{len(states)} different, {checked} checked")
        self.assertGreater(len(states), 100)
        # And once more, while the first cut is being recovered from.
        for again, after in power_loss.cut_again(made, states, 3, SEED):
            self.expect_none(again, sample(again, after, STATES // 15, SEED))

    def assert_complete(self, made):
        """The folder built from the record equals the real one, so the record is complete. And kills alone have
        lost nothing and doubled nothing."""
        for moment in made.moments():
            pass
        self.assertTrue(moment.disk.now() == made.files, "something was not recorded")
        hours = journal_of(made.files, made.data)
        self.assertEqual(sorted(i for ids in hours.values() for i in ids),
                         sorted(f"r{n}" for n in range(moment.published)))
        counted = {name[-16:-5]: json.loads(content)["requests"]["total"] for name, content in
                   made.files.items() if "/hourly_" in name and not name.endswith(EXPIRED)}
        self.assertEqual({hour: n for hour, n in counted.items() if n},
                         {hour: len(ids) for hour, ids in hours.items() if ids})

    def test_with_plain_system_calls(self):
        self.cut_at_every_moment("posix")

    def test_with_io_uring(self):
        self.cut_at_every_moment("uring")


class OrderTest(PowerTest):
    """Both stores do the same in the same order, by different calls."""

    def steps(self, made):
        """name -> the steps of storing a file that is so called."""
        found, paths = {}, {}
        for operation in made.operations:
            path = operation.words[0] if operation.kind in ("rename", "unlink") else \
                paths.get(operation.words[0], "") if operation.words else ""
            if operation.kind == "open":
                paths[operation.words[0]] = path = operation.words[1]
            name = re.sub(r"[0-9a-f]{16}|[0-9_]{8,}", "N", os.path.basename(path))
            found.setdefault(name, []).append(operation.kind)
        return {name: steps for name, steps in found.items() if name.endswith(".tmp")}

    def test_both_stores_make_the_same_operations(self):
        posix, uring = [self.steps(record(io, short_work)) for io in ("posix", "uring")]
        uring = {name: steps for name, steps in uring.items() if "probe" not in name.lower()}
        self.assertEqual(set(posix), set(uring))
        # How often depends on when a save begins; a large file takes more than one write.
        put = re.compile("(open (write )+sync rename )+")
        for name in posix:
            for steps in posix[name], uring[name]:
                self.assertTrue(put.fullmatch(" ".join(steps) + " "), f"{name}: {steps}")


class Mutant:
    """An agent with a fault, made by changing the record of an agent without it."""

    def __init__(self, made):
        self.made = made
        self.data = made.data

    def targets(self, operations):
        """The path that each operation is of."""
        paths, found = {}, []
        for operation in operations:
            if operation.kind == "open":
                paths[operation.words[0]] = operation.words[1]
            words = operation.words
            found.append(words[-1] if operation.kind in ("rename", "unlink", "mkdir") else
                         paths.get(words[0], "") if words else "")
        return found

    def swallow(self, operations, wanted):
        """The fsyncs for which wanted(index, targets) is true are not done."""
        targets = self.targets(operations)
        count = 0
        for i, operation in enumerate(operations):
            if operation.kind == "sync" and wanted(i, targets):
                operation.swallowed = True
                count += 1
        assert count > 0
        return operations

    def of_file(self, pattern):
        """Without the fsyncs of such files."""
        return self.made.mutant(lambda o: self.swallow(
            o, lambda i, targets: re.search(pattern, targets[i])))

    def of_folder(self, kind, pattern):
        """Without the folder's fsync after such a change of names."""
        def change(operations):
            def wanted(i, targets):
                return targets[i] == self.data and operations[i - 1].kind == kind and \
                    re.search(pattern, targets[i - 1])
            return self.swallow(operations, wanted)
        return self.made.mutant(change)

    def rename_first(self, pattern):
        """A file gets its name before its bytes are on the disk."""
        def change(operations):
            targets = self.targets(operations)
            for i, operation in enumerate(operations):
                if operation.kind == "rename" and re.search(pattern, targets[i]):
                    assert operations[i - 1].kind == "sync"
                    operations[i - 1:i + 1] = operation, operations[i - 1]
            return operations
        return self.made.mutant(change)

    def remove_first(self):
        """A plain journal file goes before the compressed one has its name."""
        def change(operations):
            targets = self.targets(operations)
            for i, operation in enumerate(operations):
                if operation.kind == "unlink" and targets[i].endswith(".ndjson"):
                    named = max(j for j in range(i) if operations[j].kind == "rename" and
                                targets[j] == targets[i] + ".zst")
                    operations.insert(named, operations.pop(i))
            return operations
        return self.made.mutant(change)

    def checkpoint_first(self):
        """A checkpoint is stored before the lines that it names."""
        def change(operations):
            targets = self.targets(operations)
            # The last lines that were added to a file.
            at = max(i for i, o in enumerate(operations) if o.kind == "open" and
                     re.search(r"/requests_[^/]*ndjson$", targets[i]) and
                     [p.kind for p in operations[i:i + 3]] == ["open", "write", "sync"])
            stored = next(i for i in range(at, len(operations)) if
                          operations[i].kind == "rename" and targets[i].endswith("/state"))
            lines = operations[at:at + 3]
            # Behind the fsync of the folder, which gets a number of its own for a descriptor.
            operations[stored + 2:stored + 2] = lines
            del operations[at:at + 3]
            return operations
        return self.made.mutant(change)


class MutantTest(PowerTest):
    """The harness can fail: it finds every step of storing that is left out or done too early."""

    def test_every_missing_step_is_found(self):
        made = record("posix", small_work)
        known = {made.key(s.files): s for s in made.states(SEED)}
        self.expect_none(made, sample(made, list(known.values()), STATES // 10, SEED))
        mutant = Mutant(made)
        faulty = {
            "the checkpoint is not synced": mutant.of_file(r"/\.state\."),
            "the folder is not synced after the checkpoint": mutant.of_folder("rename", "/state$"),
            "the journal is not synced": mutant.of_file(r"/requests_[^/]*\.ndjson$"),
            "the folder is not synced after a journal's beginning":
                mutant.of_folder("sync", r"/requests_[^/]*\.ndjson$"),
            "the compressed file is not synced": mutant.of_file(r"/\.requests_.*\.zst\."),
            "the folder is not synced after compressing": mutant.of_folder("rename", r"\.zst$"),
            "an hour's file is not synced": mutant.of_file(r"/\.hourly_20261125_00\."),
            "the folders above are not synced":
                mutant.of_file(r"/disk(/var)?$"),
            "the checkpoint is renamed before it is synced": mutant.rename_first("/state$"),
            "the plain journal is removed first": mutant.remove_first(),
            "the checkpoint is stored before the journal": mutant.checkpoint_first(),
        }
        for what, wrong in faulty.items():
            with self.subTest(what):
                states = [s for s in wrong.states(SEED) if self.is_new(s, known, wrong)]
                checker = Checker(wrong)
                faults = checker.faults(sample(wrong, states, len(states), SEED), stop_at=1)
                self.assertTrue(faults, f"none of {len(states)} states failed")
                print(f"{what}: found by {checker.checked} of {len(states)} states: {faults[0][1][:100]}")

    def is_new(self, state, known, wrong):
        """States of the faultless agent with the same that was acknowledged are good."""
        same = known.get(wrong.key(state.files))
        return not same or not state.acknowledged <= same.acknowledged


class RegressionTest(PowerTest):
    """Faults that this harness has found."""

    def test_a_folder_that_an_agent_makes_is_as_durable_as_its_checkpoint(self):
        """Neither if the agent that made it is killed before it could sync the folder above."""
        for kill_on in (None, "mkdir*/var", "mkdir*/metrics"):
            def work(recorder, kill_on=kill_on):
                recorder.requests(3)
                if kill_on:
                    self.assertFalse(recorder.life(1, kill_on))
                recorder.life()
            made = record("posix", work)
            for moment in made.moments():
                pass
            self.assertEqual(len(moment.acknowledged), 3)
            for files in moment.disk.states():
                self.assertIn(made.data + "/state", files)

    def test_what_a_killed_agent_renamed_is_durable_before_it_is_relied_on(self):
        """Killed between a compressed file's name and its fsync: the next agent removes the plain one."""
        def work(recorder):
            recorder.requests(3)
            recorder.life()
            recorder.move(HOUR)
            self.assertFalse(recorder.life(1, "rename*.zst"))
            recorder.life()
        made = record("posix", work)
        self.assertTrue(any(o.kind == "unlink" and o.words[0].endswith(".ndjson")
                            for o in made.operations))
        self.expect_none(made, made.states(SEED))

    def test_lines_that_are_taken_over_without_a_checkpoint_are_durable(self):
        """Killed before the fsync of its lines, and no checkpoint can be read: the next agent's names
        them."""
        def work(recorder):
            recorder.requests(3)
            recorder.life()
            recorder.requests(2)
            # Its first write says which process it is, its second has the lines.
            self.assertFalse(recorder.life(2, "write*"))
            recorder.damage("state")
            recorder.damage("state.previous")
            recorder.life()
        made = record("posix", work)
        checker = Checker(made)
        states = [s for s in made.states(SEED) if not s.damaged]
        self.assertGreater(len(states), 1)
        self.assertEqual(max(len(s.acknowledged) for s in states), 5)
        for state in states:
            fault = checker.check(state)
            self.assertNotIn("is not as the checkpoint knows it", fault or "")
            self.assertNotIn("is missing", fault or "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
