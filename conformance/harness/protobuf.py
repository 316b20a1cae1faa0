"""As much of the protobuf wire format as one test needs, written out so that no schema is shared."""

import struct


def varint(value):
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def nested(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def text(field, value):
    return nested(field, value.encode())


def double(raw):
    return struct.unpack("<d", raw)[0]


def fields(data):
    """Every field of a message: numbers as int, the rest as bytes, in order of arrival."""
    found, at = {}, 0

    def read():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = read()
        if key & 7 == 0:
            value = read()
        else:
            size = {1: 8, 2: None, 5: 4}[key & 7]
            size = read() if size is None else size
            value, at = data[at:at + size], at + size
            assert len(value) == size, "the message ends inside a field"
        found.setdefault(key >> 3, []).append(value)
    return found
