"""The page of orreport --format html, as text and as a browser shows it."""
import html.parser
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from xml.etree import ElementTree

from test_report import DAY, HOSTILE, HOUR, Reports, sample, utc

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(html.parser.HTMLParser):
    """What a browser would make of the page: its elements and texts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.scripts, self.attributes = [], [], [], []
        self.builder, self.open = ElementTree.TreeBuilder(), []
        self.builder.start("page", {})
        self.feed(text)
        while self.open:
            self.builder.end(self.open.pop())
        self.builder.end("page")
        self.tree = self.builder.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        while tag in self.open:
            self.builder.end(self.open[-1])
            if self.open.pop() == tag:
                break

    def handle_data(self, data):
        self.builder.data(data)
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data
        else:
            self.texts.append(data)

    def data(self):
        return json.loads(self.scripts[0])

    def all(self, tag, classes=""):
        """Elements of a tag that have these classes."""
        return [e for e in self.tree.iter(tag)
                if set(classes.split()) <= set(e.get("class", "").split())]

    def text(self, tag, classes=""):
        return [" ".join("".join(e.itertext()).split()) for e in self.all(tag, classes)]

    def section(self, name):
        return next((" ".join("".join(e.itertext()).split()) for e in self.tree.iter("section")
                     if e.get("id") == name), None)

    def legend(self, title):
        """The legend of a plot: {"p50": "5.03 s", ...}."""
        figure = next(f for f in self.all("figure") if f.find(".//h3").text == title)
        return {b.find("span[@class='name']").text: b.find("b").text for b in figure.iter("button")}

    def card(self, name):
        """A figure, its rating and its change."""
        card = next(c for c in self.all("div", "card") if c.find("dt").text == name)
        return [" ".join(" ".join(d.itertext()).split()) for d in card.iter("dd")]


@unittest.skipUnless(shutil.which("chromium"), "chromium is not installed")
class PageTest(Reports):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A browser with a profile starts sooner than one that makes it.
        cls.profile = tempfile.mkdtemp(prefix="orbus-browser-")
        cls.addClassCleanup(shutil.rmtree, cls.profile, ignore_errors=True)

    def browse(self, path, *options):
        """Opens a page in Chromium; returns what it prints and what it says on its console."""
        done = subprocess.run(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--enable-logging=stderr", "--window-size=1280,1800",
             f"--user-data-dir={self.profile}", *options, f"file://{path}"],
            capture_output=True, text=True, timeout=120, check=False,
            env=self.environment(HOME=self.folder))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def write_page(self, text):
        path = os.path.join(self.folder, "report.html")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def shown(self, *options, **how):
        """A report's page as a browser shows it, without a word on its console."""
        dom, console = self.browse(self.write_page(self.report(*options, "-f", "html", **how)), "--dump-dom")
        self.assertEqual(console, [])
        page = Page(dom)
        drawn = int(dict(page.attributes)["data-drawn"])
        self.assertEqual(page.tags.count("canvas"), drawn)
        return page

    def acted_on(self, text, script):
        """A page as a browser shows it after this script of somebody at its keys."""
        nonce = re.search(r"script-src 'nonce-(\w{32})'", text).group(1)
        path = self.write_page(text.replace(
            "</body>", f'<script nonce="{nonce}" type="module">{script}</script></body>'))
        dom, console = self.browse(path, "--dump-dom", "--virtual-time-budget=5000")
        self.assertEqual(console, [])
        return Page(dom)

    # --- What it says ----------------------------------------------------------------------------

    def test_a_cancelled_request_is_neither_answered_nor_failed_on_the_page(self):
        statuses = {"ok": 11, "error": 5, "timeout": 3, "cancelled": 7}
        self.agent_writes([{"model": "m", "bot": "b", "status": status}
                           for status, n in statuses.items() for _ in range(n)])
        page = self.shown("--days", 1)
        self.assertEqual(page.legend("Requests"), {"answered": "11", "failed": "8", "cancelled": "7"})
        # A first day: nothing to be compared with, and one hour drawn.
        self.assertIn("No files of the period before, so no change is shown.", page.text("p"))
        self.assertEqual(page.card("Requests"), ["26", ""])
        self.assertEqual(page.card("Failed"), ["30.8 %", ""])

    def test_the_page_says_what_changed_against_the_period_before(self):
        midnight = time.time() // DAY * DAY
        self.agent_writes([sample(self.rng, midnight - 2 * DAY + 60 * i) for i in range(400)] +
                          [sample(self.rng, midnight - DAY + 60 * i, slower=2) for i in range(600)])
        dates = [utc(midnight - n * DAY, "%Y-%m-%d") for n in (2, 1)]
        report = self.json_report("--from", dates[1], "--to", dates[1])
        compared = self.json_report("-c", "..".join(dates))["figures"]
        page = self.shown("--from", dates[1], "--to", dates[1])
        created = page.data()["created"]
        self.assertIn(f"created {created[:10]} {created[11:16]} UTC", page.text("p", "created"))
        self.assertTrue(any(f"against {dates[0]} (" in p for p in page.text("p")), page.text("p"))
        # 400 in 7 hours, 600 in 10.
        hours = [r["total"]["covered_hours"] for r in (self.json_report("--from", dates[0], "--to", dates[0]), report)]
        self.assertEqual(page.card("Requests"),
                         ["600", f"{600 / hours[1] / (400 / hours[0]) * 100 - 100:+.1f} %".replace("-", "−")])
        for name, key, figure in (("Response avg", "response_times.avg", "avg"),
                                  ("Response p95", "response_times.p95", "p95")):
            value, words = page.card(name)
            # Three digits.
            self.assertLess(abs(float(value.removesuffix(" s")) * 1000 / report["total"]["response_times"][figure] - 1),
                            0.01)
            self.assertEqual(compared[key]["verdict"], "worse")
            self.assertIn(f"{100 * compared[key]['change']:+.1f} % worse", words)
        # The failures, by type and the latest.
        errors = report["total"]["errors"]
        self.assertEqual(page.legend("Failed requests by type"),
                         {kind: str(n) for kind, n in errors["by_type"].items()})
        self.assertIn("All failed" + str(errors["total_errors"]), page.section("failures"))
        last = errors["recent_errors"][-1]
        self.assertIn(f"{last['timestamp'][:10]} {last['timestamp'][11:16]} UTC{last['type']}", page.section("failures"))

    def test_a_folder_without_files_has_a_page_too(self):
        os.mkdir(self.data)
        page = self.shown("--days", 3, status=1)
        self.assertIn("start oragent", self.said)
        said = " ".join(page.text("div", "empty"))
        self.assertIn("Nothing to report. " + self.data + ": no agent has kept files here", said)
        self.assertIn("start oragent, or name its folder with --data-dir", said)
        # No such folder, and a name that would steer.
        self.data = os.path.join(self.folder, "no<b>\x1b")
        page = self.shown(status=1)
        self.assertIn(self.folder + "/no<b>\\x1b: No such file or directory.", " ".join(page.text("p")))
        self.assertNotIn("\x1b", "".join(page.texts))

    def test_an_hour_without_requests_says_so(self):
        self.agent_writes([{"kind": "gauge", "name": "queue", "value": 1, "bot": "b"}])
        page = self.shown("--days", 1)
        self.assertTrue(any(p.startswith("No requests in this time. Its ") for p in page.text("p", "empty")),
                        page.text("p", "empty"))
        self.assertEqual(page.card("Requests"), ["0", ""])
        self.assertEqual(page.card("Response p95"), ["–", ""])
        self.assertEqual(page.tags.count("canvas"), 0)

    def test_damaged_files_are_named_on_the_page(self):
        self.agent_writes(self.some_days(200))
        day = utc(time.time() - 2 * DAY, "%Y%m%d")
        os.unlink(self.path(f"daily_{day}.json"))
        name = self.files(f"hourly_{day}_*.json")[0]
        with open(self.path(name), "wb") as file:
            file.write(b"[1, 2")
        page = self.shown("--days", 4, status=1)
        self.assertRegex(page.section("notes"), f"{name} .*cut short")
        self.assertIn("1 file problem", " ".join(page.text("a", "critical")))

    def test_hours_of_a_zone_are_those_that_the_reader_asked_for(self):
        """The page shows the report's hours, not those of the browser's zone."""
        start = int(time.time()) // HOUR * HOUR - 3 * HOUR
        self.agent_writes([{"model": "m", "bot": "b", "ts": start + 60}])
        page = self.shown("--days", 2, "--per", "hour", zone="Asia/Tokyo")
        self.assertEqual(page.data()["created"][-6:], "+09:00")
        label = utc(start + 9 * HOUR, "%a %m-%d %H:00")
        self.assertIn(label, page.section("trend"))
        self.assertNotIn("UTC", page.text("title")[0])
        self.assertIn(" UTC, ", self.shown("--days", 2, "--per", "hour", "--utc").text("title")[0])

    # --- Hostile names ---------------------------------------------------------------------------

    def test_names_cannot_steer_a_page(self):
        self.hostile_files()
        text = self.report("--days", 4, "-f", "html", "--by", "model")
        page = Page(text)
        self.assertEqual(page.tags.count("script"), 3)
        self.assertNotIn("img", page.tags)
        self.assertNotIn("onerror", [name for name, _ in page.attributes])
        self.assertIn(HOSTILE, [n["name"] for n in page.data()["names"]])
        nonce = re.search(r"script-src 'nonce-(\w{32})'", text).group(1)
        self.assertEqual(text.count(f'<script nonce="{nonce}"'), 3)
        # Nothing is fetched from anywhere: no address but the licence's and advice's text.
        self.assertFalse([v for name, v in page.attributes if name in ("src", "href")])
        # What the script makes of it.
        page = self.shown("--days", 4, "--by", "model")
        policy = next(v for n, v in page.attributes if n == "content" and "script-src" in v)
        self.assertNotEqual(nonce, re.search(r"nonce-(\w+)", policy).group(1))
        self.assertEqual((page.tags.count("script"), page.tags.count("img")), (3, 0))
        self.assertNotIn("onerror", [name for name, _ in page.attributes])
        self.assertTrue(page.text("title")[0].startswith("orbus, "))
        self.assertIn(HOSTILE, page.texts)
        self.assertIn(HOSTILE, page.legend("Response time p95 by model"))
        for heading in ("Performance by model", "Advice", "Trend", "Failures"):
            self.assertIn(heading, page.texts)
        self.assertFalse([v for name, v in page.attributes if name == "src" or name == "href" and v[0] != "#"])
        page = self.shown("--days", 4, "--by", "bot")
        for character in "\u001b\u202e\u2028\u0007":
            self.assertFalse([t for t in page.texts if character in t], repr(character))
        self.assertIn("bot\\x1b[31m\\u202e\\u2028", page.texts)
        self.assertIn("<b>\\x07", page.legend("Failed requests by type"))

    def test_names_that_every_object_of_a_script_has(self):
        """An error may be of the type "constructor", on one day of three."""
        midnight = time.time() // DAY * DAY
        counts = {"constructor": 4, "__proto__": 3, "toString": 2, "timeout_total": 1}
        self.agent_writes([{"model": "__proto__", "bot": "b", "status": "error", "error_type": kind,
                            "ts": midnight - (day + 1) * DAY} for day, (kind, n) in enumerate(counts.items())
                           for _ in range(n)] + [{"model": "constructor", "bot": "b", "ts": midnight - DAY,
                                                  "response_ms": 1500}])
        page = self.acted_on(self.report("--days", 6, "-f", "html"), """
            for (const details of document.querySelectorAll("details")) details.open = true;
            await new Promise(done => setTimeout(done, 50));""")
        self.assertEqual(page.legend("Failed requests by type"), {kind: str(n) for kind, n in counts.items()})
        figure = page.all("figure")[-1]
        self.assertEqual(figure.find(".//h3").text, "Failed requests by type")
        self.assertEqual([[c.text for c in row][1:] for row in figure.iter("tr")][:5],
                         [list(counts), ["0", "0", "0", "1"], ["0", "0", "2", "0"], ["0", "3", "0", "0"],
                          ["4", "0", "0", "0"]])
        self.assertEqual(page.legend("Response time p95 by model"), {"__proto__": "no data", "constructor": "1.50 s"})
        rows = [[c.text for c in row] for row in page.all("table")[-1].iter("tr")]
        self.assertEqual([row[:3] for row in rows if row[0] == "All"], [["All", "11", "10"]])

    def test_a_comparison_of_hostile_names(self):
        self.hostile_files()
        page = self.shown("-c", "yesterday..yesterday", "--by", "model")
        self.assertEqual((page.tags.count("script"), page.tags.count("img")), (3, 0))
        self.assertEqual(page.tags.count("canvas"), 3)
        self.assertIn(HOSTILE, page.text("h2"))
        figures = self.json_report("-c", "yesterday..yesterday")["figures"]
        table = next(e for e in page.all("div", "scroll") if e.get("aria-label") == "A and B")
        self.assertEqual([row.findall("td")[3].text for row in table.find("table/tbody")],
                         [f["verdict"] for f in figures.values()])

    # --- In a browser ----------------------------------------------------------------------------

    def test_a_browser_draws_the_page(self):
        self.hostile_files()
        text = self.report("--days", 4, "-f", "html")
        path = self.write_page(text)
        shots = []
        for options in ([], ["--blink-settings=preferredColorScheme=0", "--force-dark-mode"]):
            shot = os.path.join(self.folder, "report.png")
            _, console = self.browse(path, f"--screenshot={shot}", *options)
            self.assertEqual(console, [])
            with open(shot, "rb") as file:
                shots.append(file.read())
        self.assertGreater(len(shots[0]), 50000)
        self.assertNotEqual(shots[0], shots[1], "dark is as light")
        # Were a name to get in as an element after all, the page's policy stops it.
        dom, console = self.browse(self.write_page(text.replace("<main>", "<main>" + HOSTILE)), "--dump-dom")
        self.assertIn("<title>orbus,", dom)
        self.assertTrue(any("Content Security Policy" in line for line in console), console)

    def test_keys_and_tables_show_the_figures_of_each_period(self):
        """What a person does with the keyboard: along a plot, back, a series off, the table open."""
        midnight = time.time() // DAY * DAY
        counts = [3, 0, 5, 7]
        self.agent_writes([{"model": "m", "bot": "b", "ts": midnight - (4 - day) * DAY + i, "response_ms": 1000 * (day + 1)}
                           for day, n in enumerate(counts) for i in range(n)])
        dates = [utc(midnight - (4 - day) * DAY, "%Y-%m-%d") for day in range(4)]
        text = self.report("--from", dates[0], "--to", dates[3], "-f", "html")

        def after(keys):
            return self.acted_on(text, """
                const press = key => document.querySelector(".canvas").dispatchEvent(new KeyboardEvent("keydown", {key}));
                document.querySelector("details").open = true;
                await new Promise(done => setTimeout(done, 50));
                for (const key of %s) press(key);
                document.querySelector(".plot button").click();
                await new Promise(done => setTimeout(done, 50));""" % json.dumps(keys))
        page = after(["ArrowRight", "ArrowRight", "ArrowRight"])
        at = [utc(midnight - (4 - day) * DAY, "%a %Y-%m-%d") for day in range(4)]
        self.assertEqual(page.legend("Requests"), {"answered": "5", "failed": "0", "cancelled": "0"})
        self.assertEqual(page.text("span", "at")[0], at[2])
        # Plots of the same periods share the cursor.
        self.assertEqual(page.text("span", "at")[1], at[2])
        self.assertEqual(page.legend("Response time")["p50"], "3.00 s")
        button = next(page.all("figure")[0].iter("button"))
        self.assertEqual(button.get("aria-pressed"), "false")
        rows = [[c.text for c in row] for row in page.all("figure")[0].iter("tr")]
        self.assertEqual(rows[0], ["Day", "answered", "failed", "cancelled"])
        self.assertEqual([row[:2] for row in rows[1:] if row[1] != "–"], [[at[0], "3"], [at[2], "5"], [at[3], "7"]])
        page = after(["End", "Escape"])
        self.assertEqual(page.legend("Requests")["answered"], "15")
        self.assertEqual(page.text("span", "at")[0], "all days")

    def test_without_scripts_the_page_says_what_helps(self):
        self.agent_writes([sample(self.rng, time.time() - 1)])
        page = Page(self.report("--days", 1, "-f", "html"))
        self.assertIn("orreport --svg FILE", page.text("code"))
        self.assertIn("which your browser does not run", page.text("noscript")[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
