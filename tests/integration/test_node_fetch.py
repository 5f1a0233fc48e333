"""The Node binding's instrumented fetch: by itself, under the SDKs, and by the conformance table."""
import unittest

from node_package import NodeTest


class NodeFetchTest(NodeTest):
    def test_fetch(self):
        self.run_file("fetch")

    def test_sdks(self):
        self.run_file("sdk")

    def test_nesting(self):
        self.run_file("nesting")

    def test_conformance(self):
        self.run_file("conformance")


if __name__ == "__main__":
    unittest.main(verbosity=2)
