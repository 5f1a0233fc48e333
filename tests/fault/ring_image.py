"""The ring's bytes from outside: a second implementation of libbus/ring/layout.h, for tests that attack it."""
import mmap
import os
import struct

HEADER = struct.Struct("<8sIIQ16sQQIIIIQQQQ")
LANE_HEADER_BYTES = 128
SLOT_HEADER_BYTES = 16
BELL_OFFSET, RESERVED_OFFSET = 0, 128


class Ring:
    """A ring object, mapped for writing, as anybody with write permission may."""

    def __init__(self, path):
        fd = os.open(path, os.O_RDWR)
        try:
            self.bytes = os.fstat(fd).st_size
            self.map = mmap.mmap(fd, self.bytes)
        finally:
            os.close(fd)
        (self.magic, self.version, _, _, self.bus_id, _, _, self.page_bytes, self.lane_count,
         self.slots, self.slot_bytes, self.lanes_offset, self.lane_stride, self.ring_bytes,
         _) = HEADER.unpack_from(self.map, 0)

    def close(self):
        self.map.close()

    def lane(self, index):
        """Where a lane begins: its head, then its epoch."""
        return self.lanes_offset + index * self.lane_stride

    def slot(self, lane, record):
        """Where a record's slot begins: its sequence, owner and payload."""
        return (self.lane(lane) + LANE_HEADER_BYTES +
                record % self.slots * self.slot_bytes)

    def put(self, offset, value):
        struct.pack_into("<Q", self.map, offset, value & (2 ** 64 - 1))

    def get(self, offset):
        return struct.unpack_from("<Q", self.map, offset)[0]

    def reserve(self, lane):
        """Claims to readers that the lane is in use."""
        word = self.page_bytes + RESERVED_OFFSET + lane // 64 * 8
        self.put(word, self.get(word) | 1 << lane % 64)

    def publish(self, lane, payload, epoch=1, length=None):
        """Publishes any bytes as the lane's next record, without owning it."""
        self.reserve(lane)
        record = self.get(self.lane(lane))
        at = self.slot(lane, record)
        self.put(at, 2 * record + 1)
        self.put(at + 8, epoch << 32 | (len(payload) if length is None else length))
        self.map[at + SLOT_HEADER_BYTES:at + SLOT_HEADER_BYTES + len(payload)] = payload
        self.put(at, 2 * record + 2)
        self.put(self.lane(lane), record + 1)
