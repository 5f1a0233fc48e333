"""The Node binding under the Node and the SDKs of today."""
import unittest

from harness import SANITIZER
from node_package import STAGE_CURRENT, NodeTest


@unittest.skipIf(SANITIZER, "the oldest Node that is supported is for sanitizers")
class NodeCurrentTest(NodeTest):
    generation = ("current",)
    folder = STAGE_CURRENT

    def test_producer(self):
        self.run_file("producer")

    def test_fetch(self):
        self.run_file("fetch")

    def test_nesting(self):
        self.run_file("nesting")

    def test_alone(self):
        self.run_file("alone")

    def test_sdks(self):
        self.run_file("sdk")

    def test_types(self):
        self.run_file("types")


if __name__ == "__main__":
    unittest.main(verbosity=2)
