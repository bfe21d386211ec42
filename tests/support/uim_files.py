"""Files in the Universal Ink Model: one that Wacom's own package wrote, and a writer of what the tests need beside.

``BY_WACOM``: universal-ink-library 2.1.2, two strokes of six points: x from 0 and from 10 in steps of 1.5, y = 20 + 3
sin(k) and one more, 10 ms a point, the second stroke 2 s after the first, pressure .2 to .8.
"""

import base64
import struct

BY_WACOM = base64.b64decode(
    "UklGRn4EAABVSU5LSEVBRBwAAAADAQAAAwEAAQAAAAADAQABAAAAAAMBAAEAAAAASU5QVCQDAAAKxgMKNgoQ4AUry/A1EpPoJ/yIb6L/8BIQ"
    "SF2MzTaBmSFX2WutPO8lPhoQsKUhj4R8ZqCwrs64ua1DxBISChAaPGTE6H2rSjY04E9/8ay9GhIKEI98ETIUPLO67B5I+QVFbzQiEgoQSF2M"
    "zTaBmSFX2WutPO8lPirPAgoQsKUhj4R8ZqCwrs64ua1DxBK6AgoQOhSnrXvDOnSGneq9hqwIVRI5ChAREjwPWT3LMvVdUDFXMyHcEhp3aWxs"
    "Oi8vaW5wdXQvMy4wL2NoYW5uZWwvWCEAAAAAAADwPzgCEjkKEPuXRy9Ha0s7bFbmLacn6PISGndpbGw6Ly9pbnB1dC8zLjAvY2hhbm5lbC9Z"
    "IQAAAAAAAPA/OAISQwoQjz8qJnFrqMcs7J9SlG51OBIid2lsbDovL2lucHV0LzMuMC9jaGFubmVsL1RpbWVzdGFtcBgBIQAAAAAAAPA/OAMS"
    "RwoQyzjCMw58U3/ITnmmxyZr5xIhd2lsbDovL2lucHV0LzMuMC9jaGFubmVsL1ByZXNzdXJlGAQhAAAAAAAA8D81AACAPzgEKhAaPGTE6H2r"
    "SjY04E9/8ay9MhCPfBEyFDyzuuweSPkFRW80EqoBChCu6qUsmcIORoyGGUbs+pMnEhDgBSvL8DUSk+gn/Ihvov/wIIDQlf+8MSofChAREjwP"
    "WT3LMvVdUDFXMyHcEgsArAKsAqwCrAKsAioeChD7l0cvR2tLO2xW5i2nJ+jyEgqgH/gDKs0DmQR5KhoKEI8/KiZxa6jHLOyfUpRudTgSBgAU"
    "FBQUFCogChDLOMIzDnxTf8hOeabHJmvnEgygH+AS4BLgEuAS4BISqwEKEHuL5VNHriZOiZ5iAKtQJEUSEOAFK8vwNRKT6Cf8iG+i//Ag0N+V"
    "/7wxKiAKEBESPA9ZPcsy9V1QMVczIdwSDNAPrAKsAqwCrAKsAioeChD7l0cvR2tLO2xW5i2nJ+jyEgroIPgDKs0DmQR5KhoKEI8/KiZxa6jH"
    "LOyfUpRudTgSBgAUFBQUFCogChDLOMIzDnxTf8hOeabHJmvnEgygH+AS4BLgEuAS4BJJTktE9wAAAApzChBntnbml9HfQKVibzlejlQ/JQAA"
    "gD8qRAogAAAAAAAAAAAAAMA/AABAQAAAkEAAAMBAAADwQAAA8EASIAAAoEEAAKBB/zG0QbnStUELY6NBNdaNQV/8iEFf/IhBOAFIAXoQruql"
    "LJnCDkaMhhlG7PqTJwpzChAjnN9h30FpTq9rUaKelJ28JQAAgD8qRAogAAAgQQAAIEEAADhBAABQQQAAaEEAAIBBAACMQQAAjEESIAAAqEEA"
    "AKhB/zG8QbnSvUELY6tBNdaVQV/8kEFf/JBBOAFIAXoQe4vlU0euJk6JnmIAq1AkRRUAAIA/IgFiMgMI/gMASU5LUyIAAAASIBISEhAtlkrS"
    "evyKRIE+PszjrBopEgQIARgAEgQIARgB"
)


def varint(value):
    """Return a whole number as Protocol Buffers write it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    """Return a field: bytes with their length, a float in four bytes, a whole number as it is."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def signed(values):
    """Return whole numbers with a sign, packed."""
    return b"".join(varint(2 * value if value >= 0 else -2 * value - 1) for value in values)


def floats(values):
    return struct.pack(f"<{len(values)}f", *values)


def differences(values):
    return [b - a for a, b in zip([0, *values], values, strict=False)]


def packed_stroke(xs, ys, precision, *more):
    """Return a stroke whose coordinates are whole-number differences with a power of ten."""
    spline = field(1, signed(differences(xs))) + field(2, signed(differences(ys)))
    return field(2, 2 * precision) + field(6, spline) + b"".join(more)


def plain_stroke(xs, ys, *more):
    """Return a stroke whose coordinates are floats."""
    return field(5, field(1, floats(xs)) + field(2, floats(ys))) + b"".join(more)


def uim(strokes, *, matrix=b"", sensors=b"", version=(3, 1, 0), packing=0):
    """Return a file of strokes, and of sensors where they are given."""
    ink = b"".join(field(1, stroke) for stroke in strokes) + matrix
    chunks = [(b"INPT", sensors)] if sensors else []
    chunks.append((b"INKD", ink))
    kinds = b"".join(bytes([*version, 1, packing, 0, 0, 0]) for _ in chunks)
    head = bytes([*version, 0]) + kinds
    body = b"UINKHEAD" + struct.pack("<I", len(head)) + head
    for name, data in chunks:
        body += name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body
