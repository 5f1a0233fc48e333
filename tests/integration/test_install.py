"""What `cmake --install` puts in place, and that programs outside the tree build against it."""
import os
import subprocess
import unittest

from harness import SANITIZER, BusTest

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

    def check_runs(self, program):
        env = self.environment(LD_LIBRARY_PATH=self.lib)
        run(program, self.bus, env=env)
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "--format", "json")
        self.assertIn('"bot":"my-bot"', done.stdout.replace(": ", ":"))

    def test_everything_is_in_its_place(self):
        for parts in (("include", "orbus.h"), ("bin", "oragent"), ("bin", "orstat"),
                      ("bin", "ortail"), ("bin", "orpub"), ("share", "man", "man1", "orstat.1"),
                      ("lib", "systemd", "system", "oragent.service"),
                      ("share", "man", "man7", "orbus.7"),
                      ("share", "bash-completion", "completions", "orpub"),
                      ("share", "zsh", "site-functions", "_ortail"),
                      ("share", "fish", "vendor_completions.d", "oragent.fish")):
            self.assertTrue(self.installed(*parts), parts)
        for name in ("liborbus.so", "liborbus.so.1", "liborbus.so.1.0.0", "liborbus.a"):
            self.assertTrue(os.path.exists(os.path.join(self.lib, name)), name)
        headers = os.listdir(os.path.join(self.prefix, "include"))
        self.assertEqual(headers, ["orbus.h"])

    def test_only_the_headers_symbols_are_exported(self):
        listing = run("nm", "-D", "--defined-only", os.path.join(self.lib, "liborbus.so"))
        exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
        exported.discard("ORBUS_1")
        with open(os.path.join(self.prefix, "include", "orbus.h"), encoding="utf-8") as file:
            text = file.read()
        declared = {name for name in exported if f"{name}(" in text}
        self.assertEqual(exported, declared)
        self.assertEqual(text.count("ORBUS_API ") - text.count("#define ORBUS_API "),
                         len(exported))

    def test_pkg_config(self):
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.join(self.lib, "pkgconfig"))
        # The file names the prefix that was configured; a relocated one is given by option.
        flags = run("pkg-config", f"--define-variable=prefix={self.prefix}",
                    f"--define-variable=includedir={self.prefix}/include",
                    f"--define-variable=libdir={self.lib}", "--cflags", "--libs", "orbus",
                    env=env).split()
        program = os.path.join(self.folder, "example")
        run("cc", "-std=c11", "-Wall", "-Werror", os.path.join(EXAMPLE, "example.c"), "-o",
            program, *flags)
        self.check_runs(program)

    def test_the_header_serves_cpp(self):
        source = os.path.join(self.folder, "example.cpp")
        with open(source, "w", encoding="ascii") as file:
            file.write("#include <orbus.h>\nint main() { orbus_sample s; "
                       "orbus_sample_init(&s); return s.ts != 0; }\n")
        run("c++", "-Wall", "-Werror", f"-I{self.prefix}/include", source, "-o",
            os.path.join(self.folder, "cpp"), f"-L{self.lib}", "-lorbus")

    def test_find_package(self):
        build = os.path.join(self.folder, "build")
        run("cmake", "-G", "Ninja", "-S", EXAMPLE, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", build)
        self.check_runs(os.path.join(build, "example"))
        self.check_runs(os.path.join(build, "example-static"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
