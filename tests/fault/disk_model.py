"""The states that a disk may be in after power was cut, from a record of what was done to its files.

The record is record_disk.c's. The model is the one that POSIX leaves open, after what ALICE (Pillai
et al., OSDI 2014) found file systems to do, with the sampling around persistence points of CrashMonkey
(Mohan et al., OSDI 2018); it knows nothing of any one file system:

  - Data. What a file held at its last fsync is there. Each write and truncation since then is kept,
    lost or torn, by itself: a part of its bytes, some of its sectors of 512 bytes, or the size without
    the bytes (zeros). After two writes without an fsync the second may be there without the first.
  - Names. A creation, renaming, removal or making of a folder is durable once the folder was fsynced.
    Of those since then any may have happened and any not, as long as each name's own come in their
    order: an operation has happened only if the earlier ones on the same names have. A renaming
    happens whole or not at all. (The states of a journalling file system, which keeps the order, are among these.)
  - Names and data are independent: a file may have its new name without its data.
  - A folder whose own name is not durable is gone with all that is in it.

A "state" is a dictionary from path to bytes. What is not modelled: a disk that lies about fsync, and
bytes that rot after they were written.
"""
import itertools
import random
import re

SECTOR = 512
TEMPORARY = re.compile(r"\..*\.[0-9a-f]{16}\.tmp$")
# The contents of such files make no difference: they are removed, written before they are read, or for people.
INDIFFERENT = re.compile(TEMPORARY.pattern + r"|\.lock$|.*\.set-aside-")
NAMES_MAX = 8      # pending operations of a folder of which every allowed set is built
STATES_MAX = 4000  # states of one moment, before alike ones are put together


class Operation:
    """One line of the record."""

    def __init__(self, words, data):
        self.kind, *self.words = words
        self.data = data
        self.swallowed = False  # of a mutant: the agent was told that it was done

    def copy(self):
        other = Operation([self.kind, *self.words], self.data)
        other.swallowed = self.swallowed
        return other

    def __repr__(self):
        words = " ".join([self.kind, *self.words])
        return words + (f" ({len(self.data)} bytes)" if self.data else "") + \
            (" [swallowed]" if self.swallowed else "")


def read_record(path):
    with open(path, "rb") as file:
        content = file.read()
    operations, at = [], 0
    while at < len(content):
        end = content.index(b"\n", at)
        *words, length = content[at:end].decode().split("\t")
        operations.append(Operation(words, content[end + 1:end + 1 + int(length)]))
        at = end + 1 + int(length)
    return operations


def line_of(*words, data=b""):
    """A record of the test's own, as bytes."""
    return "\t".join([*map(str, words), str(len(data))]).encode() + b"\n" + data


def applied(content, change, keep=None):
    """The content after a write (offset, bytes) or a truncation (length, None). `keep` says of each
    byte of the write, by its place in it, whether it got to the disk."""
    place, data = change
    if data is None:
        return content[:place] + bytes(max(0, place - len(content)))
    content = bytearray(content + bytes(max(0, place + len(data) - len(content))))
    if keep is None:
        content[place:place + len(data)] = data
    else:
        for i, byte in enumerate(data):
            if keep(i):
                content[place + i] = byte
    return bytes(content)


class File:
    def __init__(self, content=b""):
        self.durable = content  # as of the last fsync
        self.now = content
        self.pending = []

    def change(self, place, data):
        self.pending.append((place, data))
        self.now = applied(self.now, (place, data))

    def sync(self):
        self.durable, self.pending = self.now, []

    def torn(self, change, chance):
        """Ways in which one change gets to the disk in part."""
        place, data = change
        if data is None:
            return []
        first = SECTOR - place % SECTOR  # where the first boundary of a sector is in the data
        cut = first + (max(len(data) - first, 0) // 2) // SECTOR * SECTOR
        luck = [chance.random() < 0.5 for _ in range(len(data) // SECTOR + 2)]
        return [lambda i: i < cut, lambda i: i >= first, lambda i: i < len(data) - 1,
                lambda i: luck[(place + i) // SECTOR - place // SECTOR], lambda i: False]

    def contents(self, chance):
        """The contents that the file may have, the corners first: all kept, all lost, then one change lost, kept
        or torn by itself, and the contents when only the changes before it got to the disk."""
        found = [self.now, self.durable]
        for i, change in enumerate(self.pending):
            without, upto = self.durable, self.durable
            for j, other in enumerate(self.pending):
                without = without if i == j else applied(without, other)
                upto = applied(upto, other) if j < i else upto
            found += [without, upto, applied(self.durable, change)]
            found += [applied(upto, change, keep) for keep in self.torn(change, chance)]
        return list(dict.fromkeys(found))


class Folder:
    def __init__(self):
        self.durable = {}
        self.now = {}
        self.pending = []  # each a list of (name, what it is then or None)

    def change(self, *effects):
        self.pending.append(effects)
        self.now = self.after(self.now, effects)

    @staticmethod
    def after(names, effects):
        names = dict(names)
        for name, node in effects:
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
        return names

    def sync(self):
        self.durable, self.pending = self.now, []

    def is_allowed(self, chosen):
        """Whether of every name's own operations the first ones are chosen."""
        missing = set()
        for effects, is_chosen in zip(self.pending, chosen):
            names = {name for name, _ in effects}
            if not is_chosen:
                missing |= names
            elif names & missing:
                return False
        return True

    def choices(self, chance):
        count = len(self.pending)
        if count <= NAMES_MAX:
            yield from itertools.product((True, False), repeat=count)
            return
        for i in range(count + 1):
            yield [j < i for j in range(count)]
        for i in range(count):
            yield [j != i for j in range(count)]
        for _ in range(2 ** NAMES_MAX):
            yield [chance.random() < 0.7 for _ in range(count)]

    def namings(self, chance):
        """The names that the folder may have."""
        for chosen in self.choices(chance):
            if self.is_allowed(chosen):
                names = self.durable
                for effects, is_chosen in zip(self.pending, chosen):
                    names = self.after(names, effects) if is_chosen else names
                yield names


class Disk:
    """The files below `root`, as the record makes them, and what is durable of them."""

    def __init__(self, root, seed=1):
        self.root = root
        self.top = Folder()
        self.handles = {}
        self.seed = seed

    def find(self, path):
        """The folder and the name that a path means; the root itself is its own."""
        parts = [p for p in path[len(self.root):].split("/") if p]
        node = self.top
        for part in parts[:-1]:
            node = node.now[part]
        return node, parts[-1] if parts else None

    def node(self, path):
        folder, name = self.find(path)
        return folder.now.get(name) if name else folder

    def put(self, path, content):
        """A file that has been there for long, as have the folders that it is in."""
        folder = self.top
        *above, name = path[len(self.root) + 1:].split("/")
        for part in above:
            if part not in folder.now:
                self.set_durable(folder, part, Folder())
            folder = folder.now[part]
        self.set_durable(folder, name, File(content))

    @staticmethod
    def set_durable(folder, name, node):
        folder.durable = {**folder.durable, name: node}
        folder.now = {**folder.now, name: node}

    def apply(self, operation):
        getattr(self, "do_" + operation.kind)(operation)

    def do_open(self, operation):
        handle, path, flags = operation.words
        node = self.node(path)
        if node is None:
            assert "c" in flags, f"{path} comes from nowhere"
            node = File()
            folder, name = self.find(path)
            folder.change((name, node))
        elif "t" in flags and node.now:
            node.change(0, None)
        self.handles[handle] = node

    def do_write(self, operation):
        handle, offset = operation.words
        self.handles[handle].change(int(offset), operation.data)

    def do_truncate(self, operation):
        handle, length = operation.words
        self.handles[handle].change(int(length), None)

    def do_sync(self, operation):
        if not operation.swallowed:
            self.handles[operation.words[0]].sync()

    def do_rename(self, operation):
        (old, old_name), (new, new_name) = map(self.find, operation.words)
        assert old is new, "a renaming from folder to folder is not modelled"
        old.change((new_name, old.now[old_name]), (old_name, None))

    def do_unlink(self, operation):
        folder, name = self.find(operation.words[0])
        folder.change((name, None))

    def do_mkdir(self, operation):
        folder, name = self.find(operation.words[0])
        folder.change((name, Folder()))

    def now(self):
        """The state that every reader sees while there is power: all kept."""
        return dict(self.walk(self.root, self.top))

    def walk(self, path, folder):
        for name, node in folder.now.items():
            if isinstance(node, Folder):
                yield from self.walk(f"{path}/{name}", node)
            else:
                yield f"{path}/{name}", node.now

    def states(self):
        """The states after a power cut at this moment; in the first, everything is kept."""
        chance = random.Random(self.seed)
        yield from itertools.islice(self.trees(self.root, self.top, chance), STATES_MAX)

    def trees(self, path, folder, chance):
        for names in folder.namings(chance):
            parts = []
            for name, node in names.items():
                where = f"{path}/{name}"
                if isinstance(node, Folder):
                    parts.append(list(self.trees(where, node, chance)))
                elif INDIFFERENT.match(name):
                    parts.append([{where: node.now}])
                else:
                    parts.append([{where: content} for content in node.contents(chance)])
            for chosen in itertools.product(*parts):
                yield {key: value for part in chosen for key, value in part.items()}
