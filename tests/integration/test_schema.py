"""Everything that describes documents agrees with the schema (libbus/doc/schema.def)."""
import os
import re
import subprocess
import unittest

from harness import BusTest, main

SOURCE, BUILD = os.environ["ORBUS_SOURCE_DIR"], os.environ["ORBUS_BUILD_DIR"]
FIELDS = "libbus/sample/fields.h"


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def schemadoc(form):
    done = subprocess.run([os.path.join(BUILD, "man", "schemadoc"), form], capture_output=True,
                          check=True, text=True)
    return done.stdout


def sample_fields(part=r"[12]"):
    """(type, key) of each line of the table, or of a part of it, in its order."""
    parts = re.findall(rf"#define ORBUS_SAMPLE_FIELDS_{part}\(X\)((?:.*\\\n)*.*\n)", read(FIELDS))
    return re.findall(r"X\((\w+), (\w+)\)", "".join(parts))


class SchemaTest(unittest.TestCase):
    maxDiff = None

    def test_types_of_documents_are_those_of_the_schema(self):
        for path, form, comment in (("bindings/node/index.d.ts", "typescript", "//"),
                                    ("bindings/python/src/orbus/_orbus.pyi", "python", "#")):
            begin, end = f"{comment} begin documents", f"{comment} end documents"
            stated, found, _ = read(path).partition(begin)[2].partition(end)
            with self.subTest(path):
                self.assertTrue(found, f"{path} has no {begin} and {end}")
                self.assertEqual(stated.partition("\n")[2], schemadoc(form),
                                 f"renew {path} by: ./scripts/types {BUILD}")

    def test_keys_of_samples_are_those_of_the_table(self):
        fields = sample_fields()
        self.assertIn(("STRING", "model"), fields)
        types = {"STRING": "string", "BOOL": "boolean", "UINT": "number", "DOUBLE": "number"}
        sample = read("bindings/node/index.d.ts").partition("export interface Sample {")[2]
        stated = dict(re.findall(r"^  (\w+)\??: (.*)$", sample.partition("\n}")[0], re.M))
        for key in ("ts", "kind", "status", "tags", "tps", "decode_tps"):
            del stated[key]
        self.assertEqual(stated, {name: types[kind] for kind, name in fields},
                         f"Sample of bindings/node/index.d.ts: take the keys from {FIELDS}")
        page = read("man/orbus.7.scd").partition("# SAMPLES")[2].partition("\n# ")[0]
        for _, name in fields:
            self.assertIn("_" + name.replace("_", "\\_") + "_", page,
                          f"man/orbus.7.scd does not tell of {name}, which {FIELDS} has")

    def test_windows_and_dimensions_are_the_same_everywhere(self):
        def choices(tool, option):
            shown = subprocess.run([os.path.join(BUILD, "tools", tool), "--help"],
                                   capture_output=True, check=True, text=True).stdout
            return re.search(rf"--{option}.*: (\S+)", shown).group(1).split("|")

        def stated(path, pattern):
            found = re.search(pattern, read(path))
            self.assertIsNotNone(found, f"{path} has no {pattern}")
            return found.group(1)

        windows = choices("orstat", "window")
        self.assertLessEqual({"1m", "5m", "1h", "day", "start"}, set(windows))
        renew = "take the names from libbus/stats/windows.h"
        for path, pattern, form in (
                ("bindings/node/index.d.ts", r"export type Window = (.*)", " | "),
                ("bindings/node/lib/stats.js", r"const WINDOWS = \[(.*)\]", ", ")):
            self.assertEqual(stated(path, pattern), form.join(f"'{w}'" for w in windows),
                             f"{path}: {renew}")
        self.assertEqual(stated("docs/tools.md", r"`--window (\S+)`").split("|"), windows, renew)
        dimensions = choices("orstat", "by")
        renew = "take the names from libbus/stats/dimensions.h"
        self.assertEqual(choices("orreport", "by"), dimensions)
        self.assertEqual(stated("docs/tools.md", r"`--by (\S+)`").split("|"), dimensions, renew)


class ColumnsTest(BusTest):
    def test_columns_of_ortail_are_the_keys_of_samples(self):
        first, second = ([name for _, name in sample_fields(part)] for part in "12")
        self.publish({"model": "m", "response_ms": 1})
        shown = self.run_tool("ortail", "--bus", self.bus, "-1", "-f", "csv").stdout
        self.assertEqual(shown.splitlines()[0].split(","),
                         ["ts", "kind", "status", *first, "tps", "decode_tps", *second])


if __name__ == "__main__":
    main()
