"""What is told of documents elsewhere is what the schema says (libbus/doc/schema.def)."""
import os
import re
import subprocess
import unittest

SOURCE, BUILD = os.environ["ORBUS_SOURCE_DIR"], os.environ["ORBUS_BUILD_DIR"]
TYPES = os.path.join(SOURCE, "bindings", "node", "index.d.ts")
BEGIN, END = "// begin documents", "// end documents"


def schemadoc(form):
    done = subprocess.run([os.path.join(BUILD, "man", "schemadoc"), form], capture_output=True,
                          check=True, text=True)
    return done.stdout


class SchemaTest(unittest.TestCase):
    def test_the_types_of_node_are_those_of_the_schema(self):
        with open(TYPES, encoding="utf-8") as file:
            _, _, rest = file.read().partition(BEGIN)
        stated, end, _ = rest.partition(END)
        self.assertTrue(end, f"{TYPES} has no {BEGIN} and {END}")
        self.maxDiff = None
        self.assertEqual(stated.partition("\n")[2], schemadoc("typescript"),
                         f"renew the lines between {BEGIN} and {END} of bindings/node/index.d.ts: "
                         f"{BUILD}/man/schemadoc typescript")

    def test_windows_and_dimensions_are_the_same_everywhere(self):
        def choices(tool, option):
            shown = subprocess.run([os.path.join(BUILD, "tools", tool), "--help"],
                                   capture_output=True, check=True, text=True).stdout
            return re.search(rf"--{option}.*: (\S+)", shown).group(1).split("|")

        def stated(path, pattern):
            with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
                found = re.search(pattern, file.read())
            self.assertIsNotNone(found, f"{path} has no {pattern}")
            return found.group(1)

        windows = choices("orstat", "window")
        self.assertEqual(windows, ["1m", "5m", "1h", "day", "start"])
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
