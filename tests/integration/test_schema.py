"""Everything that describes documents agrees with the schema (libbus/doc/schema.def)."""
import os
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
