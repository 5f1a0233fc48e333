"""The protocols of the ring, its handles, the bell and the board hold in every interleaving (spin) and under every
order that the C++ memory model allows (relacy); and each thing that the argument rests on is missed
when it is taken away."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250, **how)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@unittest.skipIf(os.environ.get("ORBUS_SANITIZE"), "models have nothing for a sanitizer to see")
class ModelsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="orbus-model-")
        self.addCleanup(shutil.rmtree, self.folder)

    def spin(self, model, *definitions):
        """Errors and states that an exhaustive search finds."""
        path = os.path.join(HERE, model)
        run("spin", "-a", *(f"-D{name}" for name in definitions), path, cwd=self.folder)
        run("cc", "-O2", "-w", "-o", "pan", "pan.c", cwd=self.folder)
        said = run("./pan", "-m100000", cwd=self.folder)
        self.assertNotIn("max search depth too small", said)
        return (int(re.search(r"errors: (\d+)", said).group(1)),
                int(re.search(r"(\d+) states, stored", said).group(1)))

    def assert_rests_on(self, model, mutants, *definitions):
        errors, states = self.spin(model, *definitions)
        self.assertEqual(errors, 0)
        self.assertGreater(states, 300)
        for mutant in mutants:
            with open(os.path.join(HERE, model), encoding="utf-8") as file:
                self.assertIn(mutant, file.read())
            self.assertGreater(self.spin(model, mutant, *definitions)[0], 0, mutant)
        return states

    def test_a_lane_from_claim_to_claim(self):
        mutants = ("MUTANT_NO_LOCK", "MUTANT_HEAD_FIRST", "MUTANT_NO_ODD", "MUTANT_NO_SECOND_LOOK")
        for slots in (1, 2):
            states = self.assert_rests_on("ring.pml", mutants, f"SLOTS={slots}")
            print(f"ring of {slots}: {states} states")

    def test_the_bell(self):
        states = self.assert_rests_on(
            "bell.pml", ("MUTANT_WAKE_WITHOUT_RING", "MUTANT_NOTED_AFTER_THE_LOOK"))
        print(f"bell: {states} states")

    def test_the_board(self):
        states = self.assert_rests_on(
            "board.pml", ("MUTANT_ONE_SLOT", "MUTANT_HEADER_FIRST", "MUTANT_NO_CHECKSUM"))
        print(f"board: {states} states")

    def test_who_is_inside_a_handle(self):
        states = self.assert_rests_on(
            "handle.pml",
            ("MUTANT_NO_BARRIER", "MUTANT_NO_SECOND_LOOK", "MUTANT_OWNER_INSIDE_TELLS"))
        print(f"handle: {states} states")

    def test_the_slots_memory_orders(self):
        program = os.path.join(self.folder, "slot_order")
        run("c++", "-O2", "-w", os.path.join(HERE, "slot_order.cpp"), "-o", program)
        self.assertEqual(run(program, "0").strip(), "holds")
        for mutant in "1234":
            self.assertEqual(run(program, mutant).strip(), "broken", f"mutant {mutant}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
