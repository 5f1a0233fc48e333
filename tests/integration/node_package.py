"""The Node binding as its users get it: packed by npm, installed in a folder of this build, with its
tests beside it. Under the asan preset the addon is built with AddressSanitizer too."""
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import unittest

from harness import SANITIZER

SOURCE = os.environ["ORBUS_SOURCE_DIR"]
BUILD = os.environ["ORBUS_BUILD_DIR"]
PRESET = os.path.basename(BUILD)
# Below the SDKs, so that they are found from there.
STAGE = os.path.join(SOURCE, "build", "node", PRESET)
STAGE_CURRENT = os.path.join(SOURCE, "build", "node-current", PRESET)
SOURCES = ("bindings/node", "bindings/llm", "libbus")
NOT_OURS = ("node_modules", "build", "native", "*.tgz")


def install_node(*generation):
    """The path of node, or the reason why there is none."""
    done = subprocess.run([os.path.join(SOURCE, "scripts", "install-node"), *generation],
                          capture_output=True, text=True, check=False)
    if done.returncode == 3:
        raise unittest.SkipTest(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environment(node, **more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORBUS", "npm_"))}
    kept["PATH"] = f"{os.path.dirname(node)}:{kept['PATH']}"
    return {**kept, "TZ": "UTC", "npm_config_update_notifier": "false", **more}


# What npm says where no registry answers.
UNREACHABLE = re.compile(r"ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENOTCACHED")


def run(node, *command, cwd):
    done = subprocess.run(command, cwd=cwd, env=environment(node), capture_output=True, text=True,
                          check=False, timeout=500)
    if done.returncode != 0 and command[0] == "npm" and UNREACHABLE.search(done.stderr):
        raise unittest.SkipTest(f"npm cannot install what the package needs: {done.stderr[:200]}")
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def copy_sources(to):
    """A clone of what is packed: packing writes beside the sources."""
    for folder in SOURCES:
        shutil.copytree(os.path.join(SOURCE, folder), os.path.join(to, folder),
                        ignore=shutil.ignore_patterns(*NOT_OURS))
    shutil.copy(os.path.join(SOURCE, "LICENSE"), to)


def digest_of(folder):
    digest = hashlib.sha256()
    for path in sorted(glob.glob(f"{folder}/**", recursive=True)):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                digest.update(path[len(folder):].encode() + b"\0" + file.read())
    return digest.hexdigest()


def install_package(node, clone, folder):
    """As a user does; a sanitizer takes options that npm does not pass on."""
    run(node, "npm", "pack", "--pack-destination", folder,
        cwd=os.path.join(clone, "bindings", "node"))
    with open(os.path.join(folder, "package.json"), "w", encoding="ascii") as file:
        file.write('{"private": true}\n')
    flags = ["--ignore-scripts"] if SANITIZER else ["--foreground-scripts"]
    # The headers of Node-API are in npm's cache, since the SDKs' installation brought them.
    run(node, "npm", "install", *glob.glob(f"{folder}/orbus-*.tgz"), "--no-audit", "--no-fund",
        "--no-package-lock", "--prefer-offline", "--fetch-retries=1", "--fetch-timeout=30000", *flags,
        cwd=folder)
    if SANITIZER:
        run(node, node, "scripts/build.mjs", f"-DORBUS_SANITIZE={SANITIZER}", "-DORBUS_WERROR=ON",
            cwd=os.path.join(folder, "node_modules", "orbus"))


def stage(node, folder=STAGE):
    """Installs the package into a folder, unless these very sources are there already."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        clone = folder + ".clone"
        shutil.rmtree(clone, ignore_errors=True)
        copy_sources(clone)
        wanted, stamp = digest_of(clone), os.path.join(folder, "digest")
        if not os.path.exists(stamp) or open(stamp, encoding="ascii").read() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            install_package(node, clone, folder)
            for part in ("test", "examples"):
                shutil.copytree(os.path.join(clone, "bindings", "node", part),
                                os.path.join(folder, part))
            with open(stamp, "w", encoding="ascii") as file:
                file.write(wanted)
        shutil.rmtree(clone)


def sanitizer_environment():
    if not SANITIZER:
        return {}
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True,
                             check=True).stdout.strip()
    # What V8 never frees is not ours to report.
    return {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0:halt_on_error=1"}


@unittest.skipIf("thread" in SANITIZER, "Node itself is not made for ThreadSanitizer")
@unittest.skipIf(PRESET == "release", "the package has flags of its own: the debug preset tests it")
class NodeTest(unittest.TestCase):
    """Each test runs a file of bindings/node/test by Node's own runner."""

    generation = ()
    folder = STAGE

    @classmethod
    def setUpClass(cls):
        cls.node = install_node(*cls.generation)
        stage(cls.node, cls.folder)

    def run_file(self, name, *options, **more):
        done = subprocess.run(
            [self.node, "--test", "--test-reporter=tap", "--test-timeout=300000", *options, f"test/{name}.test.mjs"],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=500,
            env=environment(self.node, ORBUS_SOURCE_DIR=SOURCE, ORBUS_BUILD_DIR=BUILD,
                            ORBUS_SANITIZE=SANITIZER, **sanitizer_environment(), **more))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotRegex(done.stdout, r"(?m)^# (pass 0|skipped [1-9])$", "nothing is left out")
