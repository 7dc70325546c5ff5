"""XXH64, in pure Python, from its public specification.

Source: "xxHash fast digest algorithm", section "XXH64 algorithm description",
https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md

    >>> hex(xxh64(b"abc"))
    '0x44bc2cf5ad770999'
"""

import struct

_MASK = 0xFFFFFFFFFFFFFFFF
_PRIME1 = 0x9E3779B185EBCA87
_PRIME2 = 0xC2B2AE3D27D4EB4F
_PRIME3 = 0x165667B19E3779F9
_PRIME4 = 0x85EBCA77C2B2AE63
_PRIME5 = 0x27D4EB2F165667C5


def _rotate_left(value, bits):
    return ((value << bits) | (value >> (64 - bits))) & _MASK


def _round(accumulator, lane):
    accumulator = (accumulator + lane * _PRIME2) & _MASK
    return (_rotate_left(accumulator, 31) * _PRIME1) & _MASK


def _merge(accumulator, lane_accumulator):
    accumulator ^= _round(0, lane_accumulator)
    return (accumulator * _PRIME1 + _PRIME4) & _MASK


def _stripes(data, seed):
    """Steps 1 to 3 for inputs of 32 bytes or more: the accumulator, and where the tail begins."""
    lanes = [(seed + _PRIME1 + _PRIME2) & _MASK, (seed + _PRIME2) & _MASK, seed,
             (seed - _PRIME1) & _MASK]
    position = 0
    while position + 32 <= len(data):
        for i, lane in enumerate(struct.unpack_from("<4Q", data, position)):
            lanes[i] = _round(lanes[i], lane)
        position += 32
    accumulator = sum(_rotate_left(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & _MASK
    for lane in lanes:
        accumulator = _merge(accumulator, lane)
    return accumulator, position


def _avalanche(accumulator):
    accumulator ^= accumulator >> 33
    accumulator = (accumulator * _PRIME2) & _MASK
    accumulator ^= accumulator >> 29
    accumulator = (accumulator * _PRIME3) & _MASK
    return accumulator ^ (accumulator >> 32)


def xxh64(data, seed=0):
    """The unsigned 64-bit XXH64 of the bytes `data`; `seed` is an unsigned 64-bit number."""
    if len(data) >= 32:
        accumulator, position = _stripes(data, seed)
    else:
        accumulator, position = (seed + _PRIME5) & _MASK, 0
    accumulator = (accumulator + len(data)) & _MASK
    while position + 8 <= len(data):
        lane, = struct.unpack_from("<Q", data, position)
        accumulator ^= _round(0, lane)
        accumulator = (_rotate_left(accumulator, 27) * _PRIME1 + _PRIME4) & _MASK
        position += 8
    if position + 4 <= len(data):
        lane, = struct.unpack_from("<I", data, position)
        accumulator ^= (lane * _PRIME1) & _MASK
        accumulator = (_rotate_left(accumulator, 23) * _PRIME2 + _PRIME3) & _MASK
        position += 4
    for byte in data[position:]:
        accumulator ^= (byte * _PRIME5) & _MASK
        accumulator = (_rotate_left(accumulator, 11) * _PRIME1) & _MASK
    return _avalanche(accumulator)
