"""A program that uses libcurl behaves as it would alone.

The same programs run twice, without orbus and measured by it: over every option of libcurl that there is,
set before the transfer is measured, while it is, between two and on a duplicate; over every answer of the
conformance table; over callbacks that pause, abort, scribble and clean up; and over random set-ups. What
each of them can see is compared: results, libcurl's information, headers, callbacks with their arguments
and bytes in order, what the server received, files, errno and memory."""
import json
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, os.path.join(HERE, "..", "conformance"))
from conformance import calls, reply  # noqa: E402
from harness import SANITIZER, BusTest, main, program  # noqa: E402
from plain_server import PlainServer, of_reply  # noqa: E402

OK, ERROR, TIMEOUT, CANCELLED = range(4)  # enum orbus_status
TYPES = ("long", "values", "off_t", "object", "string", "slist", "cbptr", "blob", "function")

# Options that are in no set-up, and why.
LEFT_OUT = {
    "URL": "each set-up has it",
    "FTPPORT": "FTP's active mode, which opens a port for others",
    "EGDSOCKET": "no effect since 7.84",
    "RANDOM_FILE": "no effect since 7.84",
    "SSLENGINE": "loads what OpenSSL finds installed",
    "SSLENGINE_DEFAULT": "needs an engine",
    "MIME_OPTIONS": "changes the form's boundaries only, which are random",
}

# Values where the one by type (see value_of) would say nothing.
VALUES = {
    "ACCEPT_ENCODING": "gzip", "ENCODING": "", "BUFFERSIZE": "1024", "CAINFO": "/nowhere", "CAPATH": "/nowhere",
    "CONNECTTIMEOUT": "30", "CONNECTTIMEOUT_MS": "30000", "TIMEOUT": "30", "TIMEOUT_MS": "30000",
    "SERVER_RESPONSE_TIMEOUT": "30", "FTP_RESPONSE_TIMEOUT": "30", "ACCEPTTIMEOUT_MS": "30000",
    "LOW_SPEED_TIME": "30", "CONNECT_TO": "::127.0.0.1:{port}", "COOKIE": "c=3", "COOKIEFILE": "",
    "COOKIEJAR": "/dev/null", "COOKIELIST": "Set-Cookie: d=4", "CURLU": "{url}/stream?n={n}",
    "CUSTOMREQUEST": "PATCH", "DEFAULT_PROTOCOL": "http", "DNS_LOCAL_IP4": "127.0.0.1", "DOH_URL": "https://127.0.0.1:9/",
    "HTTP200ALIASES": "ICY 200 OK", "HTTP_VERSION": "1", "INTERFACE": "lo", "LOCALPORT": "0",
    "MAXFILESIZE": "10", "MAXFILESIZE_LARGE": "10", "MAX_RECV_SPEED_LARGE": "1000000",
    "MAX_SEND_SPEED_LARGE": "1000000", "NETRC_FILE": "/dev/null", "NOPROXY": "*", "PORT": "{port}",
    "POSTFIELDS": "posted", "COPYPOSTFIELDS": "copied", "POSTFIELDSIZE": "4", "POSTFIELDSIZE_LARGE": "4",
    "PROTOCOLS_STR": "http,https", "REDIR_PROTOCOLS_STR": "http", "PROTOCOLS": "3", "REDIR_PROTOCOLS": "3",
    "PROXY": "http://127.0.0.1:{port}", "PRE_PROXY": "socks5://127.0.0.1:9", "PROXYPORT": "{port}",
    "RANGE": "0-9", "REQUEST_TARGET": "/answer?n={n}", "RESOLVE": "example.org:80:127.0.0.1",
    "RESUME_FROM": "5", "RESUME_FROM_LARGE": "5", "URL": "", "USERPWD": "me:secret", "SSH_KNOWNHOSTS": "/nowhere",
    "UNIX_SOCKET_PATH": "/nowhere", "ABSTRACT_UNIX_SOCKET": "orbus-no-such-socket", "INFILESIZE": "4",
    "INFILESIZE_LARGE": "4", "WRITEDATA": "yours", "FILE": "yours", "WRITEFUNCTION": "two",
    "HEADERDATA": "headers", "WRITEHEADER": "headers", "ALTSVC": "/dev/null", "HSTS": "/dev/null",
    "UPLOAD_BUFFERSIZE": "20000", "TIMECONDITION": "1", "TIMEVALUE": "1000", "TIMEVALUE_LARGE": "1000",
    "STDERR": "file3", "EXPECT_100_TIMEOUT_MS": "500", "HEADER": "1", "AWS_SIGV4": "aws:amz:here:service",
    "HSTSREADFUNCTION": "own", "SSLVERSION": "0", "PROXY_SSLVERSION": "0",
}
# What an option needs beside it.
BESIDE = {
    "PUT": ["READFUNCTION=own"], "UPLOAD": ["READFUNCTION=own"], "HEADERFUNCTION": ["HEADERDATA=headers"],
    "READDATA": ["READFUNCTION=own", "UPLOAD=1"], "INFILE": ["READFUNCTION=own", "UPLOAD=1"],
    "READFUNCTION": ["UPLOAD=1"], "INFILESIZE": ["READFUNCTION=own", "UPLOAD=1"],
    "INFILESIZE_LARGE": ["READFUNCTION=own", "UPLOAD=1"], "TRAILERFUNCTION": [
        "UPLOAD=1", "READFUNCTION=own", "HTTPHEADER=Transfer-Encoding: chunked|Trailer: X-Trailer"],
    "XFERINFOFUNCTION": ["NOPROGRESS=0", "XFERINFODATA=progress"],
    "PROGRESSFUNCTION": ["NOPROGRESS=0", "PROGRESSDATA=progress"],
    "DEBUGFUNCTION": ["VERBOSE=1", "DEBUGDATA=debug"], "HSTSREADFUNCTION": ["HSTS_CTRL=1", "HSTSREADDATA=hsts"],
    "HSTSWRITEFUNCTION": ["HSTS_CTRL=1", "HSTSREADFUNCTION=own", "HSTSWRITEDATA=hsts"],
    "IGNORE_CONTENT_LENGTH": ["TIMEOUT_MS=700"], "VERBOSE": ["STDERR=file3"], "STREAM_DEPENDS": ["other"], "STREAM_DEPENDS_E": ["other"],
    "POSTFIELDS": ["POSTFIELDSIZE=6"], "COPYPOSTFIELDS": ["POSTFIELDSIZE=6"],
    "CUSTOMREQUEST": ["HEADERFUNCTION=own"], "COOKIELIST": ["COOKIEFILE="], "SEEKFUNCTION": [
        "UPLOAD=1", "READFUNCTION=own"], "PROXYPORT": ["PROXY=127.0.0.1"], "CURLU": [],
    "HTTPPROXYTUNNEL": ["PROXY=http://127.0.0.1:{port}", "HEADER=1"],
    "SUPPRESS_CONNECT_HEADERS": ["PROXY=http://127.0.0.1:{port}", "HTTPPROXYTUNNEL=1", "HEADER=1"],
}
# Those that orbus_curl_attach() replaces: set after it, they are of another program.
REPLACED = ("WRITEFUNCTION", "WRITEDATA", "FILE", "XFERINFOFUNCTION", "XFERINFODATA", "PROGRESSDATA", "NOPROGRESS")
# libcurl 7.88 crashes by itself where a handle with one of these is copied and performs.
NOT_COPIED = ("HSTS",)
# Likewise in its second transfer.
ONCE = ("TRAILERFUNCTION",)
BASE = ["ERRORBUFFER=1", "NOSIGNAL=1", "POSTFIELDSIZE=22", "COPYPOSTFIELDS={{\"model\":\"acme/large\"}}", "WRITEFUNCTION=own",
        "WRITEDATA=mine", "TIMEOUT_MS=20000"]
CURLINFO_TIMES = (9, 10, *range(50, 57))


def value_of(name, kind):
    if name in VALUES:
        return VALUES[name]
    return {"string": "x", "slist": "X-A: 1|X-B: 2", "cbptr": "yours", "function": "own", "blob": "x",
            "object": "x"}.get(kind, "1")


def steps(*parts):
    """A line of a program; lists are flattened."""
    flat = []
    for part in parts:
        flat += part if isinstance(part, (list, tuple)) else [part]
    return flat


def around(transfer, attach="attach"):
    return [attach, transfer, "detach"]


def normal(value):
    """What is the clock's or chance's is taken out."""
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items() if k not in ("samples", "sizes", "grown")
                and not re.fullmatch(r"off_t (9|10|5[0-6])|long (29|42)|double (9|10)", k)}
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        value = re.sub(r"\d+ (milliseconds|ms|bytes/sec)", r"N \1", value)
        value = re.sub(r"-{20,}[0-9a-f]+", "BOUNDARY", value)
        value = re.sub(r"(Authorization: AWS4|X-Amz-Date:)[^\r]*", r"\1", value)
        value = re.sub(r"0x[0-9a-f]+", "ADDRESS", value)
        return re.sub(r"after \d+", "after N", value)
    return value


def differences(a, b, where=""):
    """Where two documents differ, and how."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return [d for k in a for d in differences(a[k], b[k], f"{where}/{k}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for k, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{where}/{k}")]
    return [] if a == b else [f"{where}: alone {a!r}, measured {b!r}"]


def parts(saw):
    """What can differ by itself: each transfer's result, the calls, what was received..."""
    results = saw["results"]
    return [(len(results), n, json.dumps(one)) for n, one in enumerate(results)] + \
        [(key, json.dumps(value)) for key, value in saw.items() if key != "results"]


class CurlAloneTest(BusTest):
    @classmethod
    def setUpClass(cls):
        listed = subprocess.run([program("curl_setups"), "options"], capture_output=True, text=True,
                                check=True).stdout
        cls.options = {name: TYPES[int(kind)] for name, kind, _ in map(str.split, listed.splitlines())}

    def setUp(self):
        super().setUp()
        certificate, key = self.folder + "/certificate", self.folder + "/key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.certificate = certificate
        table = {f"call/{i}": (lambda _, call=call: of_reply(reply(call))) for i, call in enumerate(calls())
                 if "answer" in call}
        self.plain = self.enterContext(PlainServer(more=table))
        self.secure = self.enterContext(PlainServer((certificate, key)))

    def run_programs(self, how, programs, threads=1, numbers=None):
        """What each of the programs saw, with what the server received."""
        path = os.path.join(self.folder, "programs")
        numbers = numbers or range(len(programs))
        with open(path, "w", encoding="utf-8") as out:
            for number, (server, wanted) in zip(numbers, programs):
                scheme, port = ("https", self.secure.port) if server == "https" else ("http", self.plain.port)
                line = "\t".join(wanted).format(url=f"{scheme}://127.0.0.1:{port}", port=port, n=number,
                                                certificate=self.certificate)
                out.write(line + "\n")
        for server in (self.plain, self.secure):
            server.forget()
        done = subprocess.run([program("curl_setups"), how, self.bus, path, str(threads)], timeout=300,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              env=self.environment())
        lines = dict(line.split("\t", 1) for line in done.stdout.decode().splitlines())
        self.assertEqual((done.returncode, len(lines)), (0, len(programs)),
                         f"{how} {programs[len(lines)] if len(lines) < len(programs) else ''}\n"
                         f"{done.stderr.decode(errors='replace')[-6000:]}")
        seen = []
        for line, number in enumerate(numbers):
            saw = json.loads(lines[str(line)])
            saw["received"] = [*self.plain.requests.get(str(number), []),
                               *self.secure.requests.get(str(number), [])]
            seen.append(saw)
        return seen

    def assert_alike(self, programs, threads=1):
        """The samples of the programs, which see the same with and without orbus. A few see now this and now
        that, as the network brings bytes sooner or later: these run again, and are alike if each part of
        what one saw measured was also seen alone. What orbus changes would never be. By parts, since the
        transfers of a program have that choice each for itself: all of them at once meet too seldom."""
        seen = {how: [[] for _ in programs] for how in ("alone", "measured")}
        parts_alone = [set() for _ in programs]
        samples = [None] * len(programs)
        left = list(range(len(programs)))
        for _ in range(20):
            for how, saw in seen.items():
                found = self.run_programs(how, [programs[n] for n in left], threads, left)
                for number, one in zip(left, found):
                    saw[number].append(normal(one))
                    if how == "alone":
                        parts_alone[number].update(parts(saw[number][-1]))
                    else:
                        self.assertEqual(len(one["samples"]),
                                         sum(step.startswith("attach") for step in programs[number][1]),
                                         (programs[number], one["samples"]))
                        samples[number] = one["samples"]
            left = [n for n in left if not any(parts_alone[n].issuperset(parts(one)) for one in seen["measured"][n])]
            if not left:
                break
        for n in left:
            with self.subTest(" ".join(programs[n][1])):
                self.assertEqual(differences(seen["alone"][n][-1], seen["measured"][n][-1]), [])
        return samples

    # --- Each option ------------------------------------------------------------------------------

    def test_no_option_is_forgotten(self):
        self.assertGreater(len(self.options), 300)
        self.assertEqual(set(LEFT_OUT) - set(self.options), set())
        self.assertEqual((set(VALUES) | set(BESIDE)) - set(self.options), set())

    def option_steps(self, name):
        kind = self.options[name]
        return [*BESIDE.get(name, []), f"{name}={value_of(name, kind)}"]

    def test_each_option(self):
        programs = []
        for name in sorted(set(self.options) - set(LEFT_OUT)):
            option = self.option_steps(name)
            base = ["URL={url}/stream?n={n}", *BASE]
            if name in ONCE:
                programs += [("http", steps(base, option, around(way))) for way in ("perform", "multi")]
                continue
            programs.append(("http", steps(base, option, around("perform"), around("multi"), "perform")))
            base = ["URL={url}/answer?n={n}", *BASE]
            if name not in NOT_COPIED:
                programs.append(("http", steps(base, option, "attach", "dup", "perform", "detach",
                                               around("perform"))))
            programs.append(("http", steps(base, around("perform"), option, around("multi", "attach:limits"))))
            if name not in REPLACED:
                programs.append(("http", steps(base, "attach", option, "perform", "detach", "multi")))
            if re.search("SSL|TLS|CA|CERT|KEY|ISSUER|CRL|HSTS|ALTSVC|HTTP_VERSION", name):
                base = ["URL={url}/stream?n={n}", "CAINFO={certificate}", *BASE]
                programs.append(("https", steps(base, option, around("perform"))))
        self.assert_alike(programs)

    # --- Each answer ------------------------------------------------------------------------------

    def test_each_answer_of_the_table(self):
        programs = []
        for i, call in enumerate(calls()):
            if "answer" not in call:
                continue
            base = [f"URL={{url}}/call/{i}?n={{n}}", *BASE, "TIMEOUT_MS=1500"]
            programs.append(("http", steps(base, around("perform"))))
            if {"hang": True} in call["answer"]["parts"]:
                continue
            programs += [("http", steps(base, more, around(way))) for way, more in (
                ("multi", ["HEADERFUNCTION=own", "HEADERDATA=headers", "on:write=pause"]),
                ("perform", ["HEADER=1", "BUFFERSIZE=1024"]),
                ("perform", ["WRITEFUNCTION=NULL", "WRITEDATA=file0"]),
                ("perform", ["FAILONERROR=1", "VERBOSE=1", "DEBUGFUNCTION=own"]))]
        self.assert_alike(programs)

    # --- Callbacks and ways -----------------------------------------------------------------------

    def test_what_callbacks_do(self):
        own = ["HEADERFUNCTION=own", "HEADERDATA=headers", "XFERINFOFUNCTION=own", "XFERINFODATA=progress",
               "NOPROGRESS=0"]
        reads = ["READFUNCTION=own", "READDATA=reads", "UPLOAD=1", "SEEKFUNCTION=own", "IOCTLFUNCTION=own"]
        deeds = [("write", action) for action in ("pause", "error", "short", "long", "none", "scribble", "errno",
                                                  "detach", "keep-header")]
        deeds += [("header", action) for action in ("error", "short", "none", "detach", "keep-header")]
        deeds += [("xferinfo", action) for action in ("abort", "continue", "detach")]
        deeds += [("read", "abort"), ("read", "pause"), ("seek", "fail"), ("sockopt", "error"),
                  ("opensocket", "bad"), ("prereq", "abort"), ("resolver", "abort"), ("sockopt", "detach"),
                  ("prereq", "detach")]
        sockets = ["SOCKOPTFUNCTION=own", "SOCKOPTDATA=sockets", "OPENSOCKETFUNCTION=own", "PREREQFUNCTION=own",
                   "CLOSESOCKETFUNCTION=own", "RESOLVER_START_FUNCTION=own"]
        programs = []
        for path in ("stream", "answer", "redirect", "missing"):
            if path == "missing":
                # Where the body has no id the binding asks for a header, over which libcurl writes the next.
                deeds = [deed for deed in deeds if deed[1] != "keep-header"]
            base = [f"URL={{url}}/{path}?n={{n}}", *BASE, *own, *sockets, "FOLLOWLOCATION=1"]
            for name, action in deeds:
                more = reads if name in ("read", "seek") else []
                for way in ("perform", "multi"):
                    for attach in ("attach", "attach:limits"):
                        programs.append(("http", steps(base, more, f"on:{name}={action}", around(way, attach),
                                                       around("perform"))))
        for number in (1, 2, 5):
            programs.append(("http", steps("URL={url}/long?n={n}", BASE, "BUFFERSIZE=1024",
                                           f"on:write=pause@{number}", f"on:write=errno@{number}",
                                           around("multi"))))
        programs += [("http", steps("URL={url}/stream?n={n}", BASE, "other", f"on:{name}=cleanup-other",
                                    "HEADERFUNCTION=own", around(way)))
                     for name in ("write", "header") for way in ("perform", "multi")]
        programs += [("http", steps("URL={url}/stream?n={n}", BASE, f"on:write={action}", around("multi")))
                     for action in ("remove", "cleanup-self")]
        self.assert_alike(programs)

    WAYS = {
        "connect only": ["URL={url}/answer", "CONNECT_ONLY=1", *around("receive")],
        "no body": ["URL={url}/answer?n={n}", "COPYPOSTFIELDS=NULL", "HTTPGET=1", "NOBODY=1", *around("perform")],
        "a write function set after": ["URL={url}/stream?n={n}", "attach", "WRITEFUNCTION=two", "perform", "detach",
                                       "perform"],
        "write data set after": ["URL={url}/stream?n={n}", "attach", "WRITEDATA=yours", "perform", "detach",
                                 "perform"],
        "both set after": ["URL={url}/stream?n={n}", "attach", "WRITEDATA=yours", "WRITEFUNCTION=two", "perform",
                           "detach", "perform"],
        "reset in between": ["URL={url}/stream?n={n}", *around("perform"), "reset", "URL={url}/answer?n={n}",
                             *BASE, *around("perform")],
        "undecoded transfer": ["URL={url}/stream?n={n}", "HTTP_TRANSFER_DECODING=0", *around("perform")],
        "undecoded content": ["URL={url}/compressed?n={n}", "ACCEPT_ENCODING=gzip", "HTTP_CONTENT_DECODING=0",
                              *around("perform")],
        "a header of its own": ["URL={url}/compressed?n={n}", "HTTPHEADER=Accept-Encoding: gzip",
                                *around("perform")],
    }

    def test_what_cannot_be_read_is_no_error(self):
        """None of these is a failure of the server, nor of the transfer."""
        programs = [("http", steps(BASE, way)) for way in self.WAYS.values()]
        unread = 0
        for name, samples in zip(self.WAYS, self.assert_alike(programs)):
            with self.subTest(name):
                self.assertEqual([s["status"] for s in samples], [OK] * len(samples), samples)
            unread += sum(s["unread"] is not None for s in samples)
        self.assertEqual(unread, len(self.WAYS) - 1)  # all but "reset in between"
        seen = json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)
        self.assertEqual(seen["service_metrics"]["unmeasured"], unread)

    def test_a_call_is_not_detached_by_its_own_text_function(self):
        samples = self.assert_alike([("http", steps("URL={url}/stream?n={n}", BASE, around("perform", "attach:text")))])
        self.assertEqual([s["status"] for s in samples[0]], [OK])

    def test_ways_to_transfer(self):
        programs = []
        for path in ("answer", "stream", "slow", "long", "empty", "nothing", "missing", "busy", "cut", "trailers",
                     "cookies", "many-headers", "old", "range", "compressed", "guarded", "redirect"):
            for more in ([], ["FOLLOWLOCATION=1", "COOKIEFILE="], ["HEADER=1"], ["HEADERDATA=headers"],
                         ["WRITEFUNCTION=NULL", "WRITEDATA=file0", "HEADERDATA=file1"],
                         ["USERPWD=me:secret", "HTTPAUTH=-17"], ["RANGE=3-20"], ["RESUME_FROM=7"],
                         ["ACCEPT_ENCODING="], ["FAILONERROR=1"], ["COPYPOSTFIELDS=NULL", "MIMEPOST=1"],
                         ["COPYPOSTFIELDS=NULL", "HTTPGET=1", "NOBODY=1"], ["SHARE=1", "COOKIEFILE="],
                         ["PROXY=http://127.0.0.1:{port}", "HTTPPROXYTUNNEL=1", "HEADER=1"]):
                for way in ("perform", "multi", "abandon"):
                    if way == "abandon" and path != "slow":
                        continue
                    programs.append(("http", steps(f"URL={{url}}/{path}?n={{n}}", BASE, more, around(way),
                                                   "perform", around("perform"))))
        self.assert_alike(programs)

    def test_limits_of_time_that_the_program_has_set(self):
        programs, wanted = [], []
        for path in ("hang", "silence", "drip"):
            for more in (["TIMEOUT_MS=300"], ["TIMEOUT_MS=0", "TIMEOUT=1"],
                         ["TIMEOUT_MS=0", "LOW_SPEED_LIMIT=100000", "LOW_SPEED_TIME=1"]):
                programs.append(("http", steps(f"URL={{url}}/{path}?n={{n}}", BASE, more, around("perform"),
                                               around("multi"), "perform")))
                wanted.append([TIMEOUT] * 2)
        samples = self.assert_alike(programs)
        self.assertEqual([[s["status"] for s in found] for found in samples], wanted)

    def test_the_pieces_of_an_answer(self):
        """Where the network leaves no choice, libcurl hands out the same pieces."""
        programs = [("http", steps("URL={url}/long?n={n}", BASE, f"BUFFERSIZE={size}", around("perform")))
                    for size in (1024, 2000, 4096) for _ in range(5)]
        alone, measured = ({json.dumps(saw["sizes"]) for saw in self.run_programs(how, programs)}
                           for how in ("alone", "measured"))
        self.assertTrue(alone & measured, (alone, measured))

    # --- Random set-ups ---------------------------------------------------------------------------

    def random_program(self, chance):
        names = [name for name in self.options if name not in LEFT_OUT and name not in REPLACED + ONCE
                 and name not in ("TIMEOUT", "TIMEOUT_MS")]
        server = chance.choice(("http", "http", "https"))
        path = chance.choice(("answer", "stream", "long", "missing", "cut", "redirect", "compressed", "cookies"))
        found = [f"URL={{url}}/{path}?n={{n}}", *BASE, "TIMEOUT_MS=1000"]  # some pause for good
        if server == "https":
            found.append("CAINFO={certificate}")
        for name in chance.sample(names, chance.randint(1, 5)):
            found += self.option_steps(name)
        for _ in range(chance.randint(0, 2)):
            found.append("on:" + chance.choice(("write=pause", "write=short", "write=none", "header=none",
                                                "write=scribble", "xferinfo=abort", "write=detach")))
        for _ in range(chance.randint(1, 3)):
            attach = chance.choice(("attach", "attach", "attach:limits"))
            found += [attach, *(self.option_steps(chance.choice(names)) if chance.random() < 0.3 else []),
                      chance.choice(("perform", "multi")), "detach"]
            if chance.random() < 0.2 and not any(step.startswith("HSTS=") for step in found):
                found.append(chance.choice(("dup", "perform")))
        return server, found

    def test_random_set_ups(self):
        for seed in range(5):
            chance = random.Random(seed)
            self.assert_alike([self.random_program(chance) for _ in range(40)])

    # --- Threads, signals, memory -----------------------------------------------------------------

    def test_a_handle_a_thread(self):
        chance = random.Random(77)
        self.assert_alike([self.random_program(chance) for _ in range(200)], threads=8)

    def test_signals_in_mid_transfer(self):
        self.assert_alike([("http", steps("URL={url}/slow?n={n}", BASE, "signals", around(way)))
                           for way in ("perform", "multi")])

    def test_memory_stays_flat(self):
        times = 1000 if SANITIZER else 10000
        for path, way in (("answer", "perform"), ("missing", "perform")):
            wanted = [("http", steps(f"repeat={times}", f"URL={{url}}/{path}?n={{n}}", BASE, around(way)))]
            grown = self.run_programs("measured", wanted)[0]["grown"]
            self.assertLess(grown, 64 << 10)


if __name__ == "__main__":
    main()
