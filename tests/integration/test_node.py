"""The Node binding: what is published and read, threads and processes, types and examples."""
import unittest

from harness import SANITIZER
from node_package import NodeTest


class NodeBindingTest(NodeTest):
    def test_producer(self):
        self.run_file("producer")

    def test_tail(self):
        self.run_file("tail")

    def test_reports(self):
        self.run_file("stats")

    def test_threads(self):
        self.run_file("threads")

    @unittest.skipIf(SANITIZER, "types have nothing for a sanitizer to see")
    def test_types(self):
        self.run_file("types")

    def test_examples(self):
        self.run_file("examples")

    def test_the_readmes_examples(self):
        self.run_file("readme")


if __name__ == "__main__":
    unittest.main(verbosity=2)
