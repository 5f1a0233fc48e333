"""A program that the Node binding measures behaves as it would alone."""
import unittest

from node_package import NodeTest


class NodeAloneTest(NodeTest):
    def test_alone(self):
        self.run_file("alone")


if __name__ == "__main__":
    unittest.main(verbosity=2)
