"""What `cmake --install` puts in place, and that programs outside the tree build against it."""
import json
import os
import re
import subprocess
import sys
import unittest

from harness import SANITIZER, BusTest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from openrouter import OpenRouter, stream  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "example")


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@unittest.skipIf(SANITIZER, "a sanitized library needs a sanitized program")
class InstallTest(BusTest):
    def setUp(self):
        super().setUp()
        self.prefix = os.path.join(self.folder, "prefix")
        run("cmake", "--install", os.environ["ORBUS_BUILD_DIR"], "--prefix", self.prefix)
        self.lib = os.path.dirname(next(
            os.path.join(folder, name) for folder, _, names in os.walk(self.prefix)
            for name in names if name == "liborbus.so"))

    def installed(self, *parts):
        return os.path.exists(os.path.join(self.prefix, *parts))

    def check_call(self, program):
        """The bot of the README: its own callback gets every byte, and the bus one sample."""
        with OpenRouter() as server:
            out = run(program, server.url + "/chat/completions", self.bus,
                      env=self.environment(LD_LIBRARY_PATH=self.lib))
        self.assertEqual(int(out), len(b"".join(stream().parts)))
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "-n1", "--json")
        sample = json.loads(done.stdout)
        self.assertEqual([sample[key] for key in ("bot", "status", "requested_model", "model",
                                                  "completion_tokens")],
                         ["my-bot", "ok", "openai/gpt-4", "acme/large-2024", 3])

    def check_runs(self, program):
        env = self.environment(LD_LIBRARY_PATH=self.lib)
        run(program, self.bus, env=env)
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "--format", "json")
        self.assertIn('"bot":"my-bot"', done.stdout.replace(": ", ":"))

    def test_everything_is_in_its_place(self):
        for parts in (("include", "orbus.h"), ("bin", "oragent"), ("bin", "orstat"),
                      ("bin", "ortail"), ("bin", "orpub"), ("bin", "orreport"), ("share", "man", "man1", "orstat.1"), ("share", "man", "man1", "orreport.1"),
                      ("lib", "systemd", "system", "oragent.service"),
                      ("lib", "systemd", "system", "orbus-log.service"),
                      ("share", "man", "man7", "orbus.7"),
                      ("share", "man", "man5", "orbus-alerts.5"), ("share", "man", "man5", "orbus-files.5"),
                      ("share", "bash-completion", "completions", "orpub"),
                      ("share", "zsh", "site-functions", "_ortail"),
                      ("share", "fish", "vendor_completions.d", "oragent.fish")):
            self.assertTrue(self.installed(*parts), parts)
        for name in ("liborbus.so", "liborbus.so.1", "liborbus.so.1.0.0", "liborbus.a",
                     "liborbus-curl.so", "liborbus-curl.so.1", "liborbus-curl.a"):
            self.assertTrue(os.path.exists(os.path.join(self.lib, name)), name)
        headers = os.listdir(os.path.join(self.prefix, "include"))
        self.assertEqual(sorted(headers), ["orbus.h", "orbus_curl.h"])

    def test_a_program_runs_after_an_installation_into_usr_local(self):
        """Without a word about where the library is: in a namespace with a /usr/local of its own."""
        script = f"""set -e
            cp -a /etc {self.folder}/etc
            mount --bind {self.folder}/etc /etc
            mount -t tmpfs tmpfs /usr/local
            cmake --install {os.environ["ORBUS_BUILD_DIR"]} --prefix /usr/local >/dev/null
            export PKG_CONFIG_PATH=/usr/local/{os.path.relpath(self.lib, self.prefix)}/pkgconfig
            cc {EXAMPLE}/example.c -o {self.folder}/bot $(pkg-config --cflags --libs orbus)
            exec {self.folder}/bot {self.bus}"""
        run("unshare", "--mount", "--propagation", "private", "sh", "-c", script,
            env=self.environment())
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "--format", "json")
        self.assertIn("my-bot", done.stdout)

    def test_only_the_headers_symbols_are_exported(self):
        for library, header, version in (("liborbus.so", "orbus.h", "ORBUS_1"),
                                         ("liborbus-curl.so", "orbus_curl.h", "ORBUS_CURL_1")):
            listing = run("nm", "-D", "--defined-only", os.path.join(self.lib, library))
            exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
            exported.discard(version)
            with open(os.path.join(self.prefix, "include", header), encoding="utf-8") as file:
                text = file.read()
            declared = {name for name in exported if f"{name}(" in text}
            self.assertEqual(exported, declared)
            self.assertEqual(text.count("ORBUS_API ") - text.count("#define ORBUS_API "),
                             len(exported))
            # A program that links it statically may have its own object_open().
            listing = run("nm", "-g", "--defined-only",
                          os.path.join(self.lib, library.replace(".so", ".a")))
            self.assertEqual(set(re.findall(r" [A-Z] (\w+)$", listing, re.M)), exported)

    def build_by_pkg_config(self, package, source):
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.lib, "pkgconfig"))
        # The file names the prefix that was configured; a relocated one is given by option.
        flags = run("pkg-config", f"--define-variable=prefix={self.prefix}",
                    f"--define-variable=includedir={self.prefix}/include",
                    f"--define-variable=libdir={self.lib}", "--cflags", "--libs", package,
                    env=env).split()
        program = os.path.join(self.folder, package)
        run("cc", "-std=c11", "-Wall", "-Werror", os.path.join(EXAMPLE, source), "-o", program,
            *flags)
        return program

    def test_pkg_config(self):
        self.check_runs(self.build_by_pkg_config("orbus", "example.c"))
        self.check_call(self.build_by_pkg_config("orbus-curl", "call.c"))

    def test_the_example_of_the_readme_is_of_the_program(self):
        """What bindings/curl/README.md shows is a part of call.c, which the tests build and run."""
        readme = os.path.join(os.environ["ORBUS_SOURCE_DIR"], "bindings", "curl", "README.md")
        with open(readme, encoding="utf-8") as file:
            shown, = re.findall(r"```c\n(.*?)```", file.read(), re.S)
        with open(os.path.join(EXAMPLE, "call.c"), encoding="utf-8") as file:
            program = re.sub(r"\s+", "", file.read())
        for statement in filter(None, map(str.strip, shown.split("\n"))):
            self.assertIn(re.sub(r"\s+", "", statement), program)

    def test_the_header_serves_cpp(self):
        source = os.path.join(self.folder, "example.cpp")
        with open(source, "w", encoding="ascii") as file:
            file.write("#include <orbus.h>\n#include <orbus_curl.h>\nint main() { orbus_sample s; "
                       "orbus_sample_init(&s); return s.ts != 0; }\n")
        run("c++", "-Wall", "-Werror", f"-I{self.prefix}/include", source, "-o",
            os.path.join(self.folder, "cpp"), f"-L{self.lib}", "-lorbus")

    def test_find_package(self):
        build = os.path.join(self.folder, "build")
        run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        self.check_runs(os.path.join(build, "example"))
        self.check_runs(os.path.join(build, "example-static"))
        self.check_call(os.path.join(build, "call"))
        self.check_call(os.path.join(build, "call-static"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
