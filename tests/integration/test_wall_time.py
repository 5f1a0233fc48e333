"""Moments and wall times, against Python's zoneinfo: every zone, every change of its clocks from 2020 to
2030, and two that skipped a day.

Around each change it asks on the bounds: a second before, at and behind it, and where what it repeats or
skips begins and ends. Beside these, days and times drawn at random."""
import os
import random
import subprocess
import sys
import unittest
import zoneinfo
from datetime import date, datetime, timedelta, timezone

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import program  # noqa: E402

FIRST, LAST = datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(2031, 1, 1, tzinfo=timezone.utc)
# Samoa left out 2011-12-30, Kwajalein 1993-08-21.
SKIPPED_DAYS = {"Pacific/Apia": (2011, 12, 30), "Pacific/Kwajalein": (1993, 8, 21)}
# A place on the other side of the world can be 26 hours away.
REACH = 26 * 3600


def offset(zone, seconds):
    return int(datetime.fromtimestamp(seconds, zone).utcoffset().total_seconds())


def changes(zone, first, last):
    """The moments at which the offset changes, in seconds since the epoch."""
    found = []
    step = 6 * 3600
    before = offset(zone, first)
    for at in range(first, last, step):
        after = offset(zone, at + step)
        if after == before:
            continue
        low, high = at, at + step
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        found.append(high)
        before = after
    return found


def moments_of(zone, wall):
    """All moments at which clocks show a wall time (as seconds, read as if UTC)."""
    offsets = {offset(zone, wall + d) for d in range(-REACH, REACH + 1, 3600)}
    return sorted(wall - o for o in offsets if offset(zone, wall - o) == o)


def skipped_at(zone, wall, near):
    """When clocks go from before a wall time that they never show to behind it."""
    return next(c for c in near if c + offset(zone, c - 1) <= wall < c + offset(zone, c))


class WallTimeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.helper = subprocess.Popen([program("wall_times")], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True, bufsize=1 << 20)

    @classmethod
    def tearDownClass(cls):
        cls.helper.stdin.close()
        cls.helper.wait(10)
        cls.helper.stdout.close()

    def ask(self, name, questions):
        """All answers for a zone; few enough at once that no pipe fills up."""
        answers = []
        for begin in range(0, len(questions), 200):
            part = [f"zone {name}", *questions[begin:begin + 200]]
            self.helper.stdin.write("\n".join(part) + "\n")
            self.helper.stdin.flush()
            answers += [self.helper.stdout.readline().strip() for _ in part][1:]
        return answers

    def expected_find(self, zone, wall, near):
        found = moments_of(zone, wall)
        if found:
            return f"{found[0]} {found[-1]}"
        return f"skipped {skipped_at(zone, wall, near)}"

    def expected_day(self, zone, number, near):
        """From the first moment of a date to the first of a later one."""
        bounds = []
        for day in (number, number + 1):
            found = moments_of(zone, day * 86400)
            bounds.append(found[0] if found else skipped_at(zone, day * 86400, near))
        return f"{bounds[0]} {bounds[1]}" if bounds[0] < bounds[1] else "none"

    def check(self, name, walls, numbers, near):
        zone = zoneinfo.ZoneInfo(name)
        questions, expected = [], []
        for wall in walls:
            t = datetime.fromtimestamp(wall, timezone.utc)
            questions.append(f"find {t.year} {t.month} {t.day} {t.hour} {t.minute} {t.second}")
            expected.append(self.expected_find(zone, wall, near))
        for number in numbers:
            day = date(1970, 1, 1) + timedelta(number)
            questions.append(f"day {day.year} {day.month} {day.day}")
            expected.append(self.expected_day(zone, number, near))
        for change in near:
            for at in (change - 1, change):
                t = datetime.fromtimestamp(at, zone)
                questions.append(f"at {at}")
                expected.append(f"{t.year} {t.month} {t.day} {t.hour} {t.minute} {t.second}")
        for question, found, due in zip(questions, self.ask(name, questions), expected):
            self.assertEqual(found, due, f"{name}: {question}")
        return len(questions)

    def test_every_zone_and_every_change(self):
        asked = 0
        draws = random.Random(11)
        for name in sorted(zoneinfo.available_timezones()):
            zone = zoneinfo.ZoneInfo(name)
            near = changes(zone, int(FIRST.timestamp()), int(LAST.timestamp()))
            walls = [draws.randrange(int(FIRST.timestamp()), int(LAST.timestamp())) for _ in range(4)]
            numbers = [wall // 86400 for wall in walls]
            for change in near:
                for base in (change + offset(zone, change - 1), change + offset(zone, change)):
                    walls += [base - 1, base, base + 1]
                    numbers += [base // 86400 - 1, base // 86400, base // 86400 + 1]
            asked += self.check(name, walls, sorted(set(numbers)), near)
        self.assertGreater(asked, 20000)

    def test_a_day_that_a_zone_left_out(self):
        for name, (year, month, day) in SKIPPED_DAYS.items():
            zone = zoneinfo.ZoneInfo(name)
            number = (date(year, month, day) - date(1970, 1, 1)).days
            near = changes(zone, (number - 3) * 86400, (number + 3) * 86400)
            walls = [number * 86400 + s for s in (-1, 0, 1, 43200, 86399, 86400, 86401)]
            self.check(name, walls, range(number - 2, number + 3), near)
            self.assertEqual(self.ask(name, [f"day {year} {month} {day}"]), ["none"])

    def test_what_is_no_time_is_invalid(self):
        questions = ["find 2026 2 29 0 0 0", "find 2026 13 1 0 0 0", "find 2026 1 1 24 0 0",
                     "find 2026 1 1 0 60 0", "find 1969 12 31 0 0 0", "find 2501 1 1 0 0 0",
                     "day 2026 4 31", "day 2026 0 1", "day 1900 1 1"]
        self.assertEqual(self.ask("Europe/Berlin", questions), ["invalid"] * len(questions))

    def test_periods_of_every_zone_and_every_change(self):
        """Beside a slow way to say it: the label that counts at a moment is the latest that clocks have
        shown until then. So periods follow each other, and a label has one period."""
        asked, known = 0, set()
        draws = random.Random(13)
        for name in sorted(zoneinfo.available_timezones()):
            zone = zoneinfo.ZoneInfo(name)
            near = changes(zone, int(FIRST.timestamp()), int(LAST.timestamp()))
            # Many zones are others by another name, or have been for these years.
            clocks = (offset(zone, int(FIRST.timestamp())),
                      *((change, offset(zone, change)) for change in near))
            if clocks in known:
                continue
            known.add(clocks)
            questions, expected = [], []
            for change in near or [draws.randrange(int(FIRST.timestamp()), int(LAST.timestamp()))]:
                begin = (change - 52 * 3600) // 900 * 900
                # One zone changes at a minute past midnight.
                moments = sorted({*range(begin, begin + 104 * 3600, 900),
                                  *(c for c in near if begin < c < begin + 104 * 3600)})
                walls = [at + offset(zone, at) for at in moments]
                for hours in (1, draws.choice((2, 3, 4, 6, 8, 12, 24)), 0):
                    width = (hours or 24) * 3600
                    latest, bounds = -1, []
                    for moment, wall in zip(moments, walls):
                        if wall // width > latest:
                            latest = wall // width
                            bounds.append((moment, latest * width))
                    # Times that are cut off at the ends of this stretch are left out.
                    for (start, label), (end, _) in zip(bounds[1:], bounds[2:]):
                        if hours != 0 and abs(start - change) > 5 * 3600 < abs(end - change):
                            continue
                        t = datetime.fromtimestamp(label, timezone.utc)
                        for at in {start, end - 1, draws.randrange(start, end)}:
                            questions.append(f"period {hours} {at}")
                            expected.append(f"{start} {end} {t:%Y%m%d%H}")
            for question, found, due in zip(questions, self.ask(name, questions), expected):
                self.assertEqual(found, due, f"{name}: {question}")
            asked += len(questions)
        self.assertGreater(asked, 40000)


if __name__ == "__main__":
    unittest.main()
