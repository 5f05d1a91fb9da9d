# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Walk, hash and reframe row packets; the twin of ``pure``, whose docstrings hold for both."""

from cpython.bytearray cimport (
    PyByteArray_AS_STRING,
    PyByteArray_FromStringAndSize,
    PyByteArray_Resize,
)
from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memmove

cdef extern from *:
    """
    #define XXH_INLINE_ALL
    #include "vendor/xxhash.h"
    """
    ctypedef struct XXH128_hash_t:
        uint64_t low64
        uint64_t high64
    XXH128_hash_t XXH3_128bits(const void* data, size_t size) nogil

MORE = 0
BOUNDARY = 1
END = 2
ERROR = 3

cdef Py_ssize_t HEADER = 4
cdef Py_ssize_t FULL = 0xFFFFFF
cdef Py_ssize_t MAX_COLUMNS = 0xFFFF

cdef enum:
    NO_MEMORY = -1
    FIRST_FAULT = 2  # a fault at byte n is -n - 2


cdef inline Py_ssize_t size_at(const unsigned char* at) noexcept nogil:
    return at[0] | (at[1] << 8) | (at[2] << 16)


cdef inline Py_ssize_t row_end(const unsigned char* data, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t position = begin, size
    while position + HEADER <= end:
        size = size_at(data + position)
        position += HEADER + size
        if position > end:
            return -1
        if size != FULL:
            return position
    return -1


cdef unsigned char* join_payload(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t behind, Py_ssize_t* size
) noexcept nogil:
    """Copy a row of several packets into one malloc'd payload; NULL if memory is short."""
    cdef unsigned char* joined = <unsigned char*> malloc(behind - begin)
    cdef Py_ssize_t position = begin, part, filled = 0
    if joined == NULL:
        return NULL
    while position < behind:
        part = size_at(data + position)
        memcpy(joined + filled, data + position + HEADER, part)
        filled += part
        position += HEADER + part
    size[0] = filled
    return joined


cdef int hash_row(
    const unsigned char* data, Py_ssize_t begin, Py_ssize_t behind,
    XXH128_hash_t* digest, Py_ssize_t* size
) noexcept nogil:
    cdef unsigned char* joined
    cdef Py_ssize_t first = size_at(data + begin)
    if first != FULL:
        size[0] = first
        digest[0] = XXH3_128bits(data + begin + HEADER, first)
        return 0
    joined = join_payload(data, begin, behind, size)
    if joined == NULL:
        return -1
    digest[0] = XXH3_128bits(joined, size[0])
    free(joined)
    return 0


cdef class RowScanner:
    """Find rows in a growing buffer, add up count and hash, and say where chunks end."""

    cdef Py_ssize_t _min, _max
    cdef uint64_t _per_byte, _low, _high
    cdef readonly int status
    cdef readonly Py_ssize_t rows, longest_row

    def __init__(self, Py_ssize_t min_bytes, Py_ssize_t max_bytes):
        self._min = min_bytes
        self._max = max_bytes
        self._per_byte = min((1 << 64) // max(1, (max_bytes - min_bytes) // 3), (1 << 64) - 1)
        self.status = MORE

    @property
    def content_hash(self):
        return (int(self._high) << 64) | int(self._low)

    def scan(self, unsigned char[::1] buffer not None, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t chunk_begin):
        """Walk whole rows from ``begin`` and return the position behind the last one."""
        if not 0 <= chunk_begin <= begin <= end <= buffer.shape[0]:
            raise ValueError("positions outside the buffer")
        if begin == end:
            self.status = MORE
            return begin
        cdef Py_ssize_t position
        with nogil:
            position = self.walk(&buffer[0], begin, end, chunk_begin)
        if position < 0:
            if position == NO_MEMORY:
                raise MemoryError
            raise ValueError(f"empty packet at byte {-position - FIRST_FAULT}")
        return position

    cdef Py_ssize_t walk(self, unsigned char* data, Py_ssize_t begin, Py_ssize_t end, Py_ssize_t chunk_begin) noexcept nogil:
        cdef Py_ssize_t position = begin, size, behind, at, row_bytes, chunk_bytes
        cdef unsigned char marker
        cdef XXH128_hash_t digest
        cdef uint64_t limit
        self.status = 0
        while position + HEADER < end:
            marker = data[position + HEADER]
            size = size_at(data + position)
            if size == 0:
                return -position - FIRST_FAULT
            if marker == 0xFF or (marker == 0xFE and size < 9):
                if position + HEADER + size <= end:
                    self.status = 3 if marker == 0xFF else 2
                return position
            behind = row_end(data, position, end)
            if behind < 0:
                return position
            at = position
            while at < behind:
                data[at + 3] = 0
                at += HEADER + size_at(data + at)
            if hash_row(data, position, behind, &digest, &size) < 0:
                return NO_MEMORY
            self._low += digest.low64
            self._high += digest.high64 + (1 if self._low < digest.low64 else 0)
            self.rows += 1
            if size > self.longest_row:
                self.longest_row = size
            row_bytes = behind - position
            position = behind
            chunk_bytes = position - chunk_begin
            if chunk_bytes >= self._max:
                self.status = 1
                return position
            if chunk_bytes >= self._min:
                limit = self._per_byte * <uint64_t> row_bytes
                if limit // <uint64_t> row_bytes != self._per_byte:
                    limit = <uint64_t> -1
                if digest.low64 < limit:
                    self.status = 1
                    return position
        return position


def hash_rows(const unsigned char[::1] chunk not None):
    """Return the number of rows in a chunk and the sum of their hashes."""
    cdef Py_ssize_t position = 0, end = chunk.shape[0], rows = 0, behind = 0, size = 0
    cdef uint64_t low = 0, high = 0
    cdef int failed = 0
    cdef XXH128_hash_t digest
    if end == 0:
        return 0, 0
    with nogil:
        while position < end:
            behind = row_end(&chunk[0], position, end)
            if behind < 0:
                break
            failed = hash_row(&chunk[0], position, behind, &digest, &size)
            if failed < 0:
                break
            low += digest.low64
            high += digest.high64 + (1 if low < digest.low64 else 0)
            rows += 1
            position = behind
    if failed < 0:
        raise MemoryError
    if behind < 0:
        raise ValueError(f"no whole row at byte {position}")
    return rows, (int(high) << 64) | int(low)


cdef enum:
    TOO_FEW = -1
    BAD_LENGTH = -2
    PASSES_END = -3
    TOO_MANY = -4
    NO_ROW = -5
    SHORT_LENGTHS = -6
    SHORT_VALUES = -7
    NOT_TOGETHER = -8
    SHORT_MEMORY = -9

_JOIN_FAULTS = {
    BAD_LENGTH: "bad length of a value",
    SHORT_LENGTHS: "lengths end too soon",
    SHORT_VALUES: "values end too soon",
    NOT_TOGETHER: "streams do not end together",
}
_FAULTS = {
    TOO_FEW: "row has too few columns",
    BAD_LENGTH: "bad length of a value",
    PASSES_END: "value passes the end of its row",
    TOO_MANY: "row has too many columns",
}


cdef inline Py_ssize_t escape(const unsigned char* value, Py_ssize_t size, unsigned char* out) noexcept nogil:
    cdef Py_ssize_t i, target = 0
    cdef unsigned char byte
    for i in range(size):
        byte = value[i]
        if byte == 92 or byte == 10 or byte == 9 or byte == 0:
            out[target] = 92
            target += 1
            if byte == 10:
                byte = 110
            elif byte == 9:
                byte = 116
            elif byte == 0:
                byte = 48
        out[target] = byte
        target += 1
    return target


cdef Py_ssize_t encode_row(
    const unsigned char* row, Py_ssize_t end, Py_ssize_t columns, unsigned char* out, bint is_text
) noexcept nogil:
    """Write one row and return its size, or a negative fault."""
    cdef Py_ssize_t position = 0, target = 0, i, width, begin
    cdef uint64_t size
    cdef int shift
    cdef unsigned char first
    for i in range(columns):
        if position >= end:
            return TOO_FEW
        if is_text and i > 0:
            out[target] = 9
            target += 1
        first = row[position]
        if first == 0xFB:
            if is_text:
                out[target] = 92
                out[target + 1] = 78
                target += 2
            else:
                out[target] = 1
                target += 1
            position += 1
            continue
        begin = position + 1
        if first < 0xFB:
            size = first
        else:
            width = 2 if first == 0xFC else 3 if first == 0xFD else 8 if first == 0xFE else 0
            if width == 0 or begin + width > end:
                return BAD_LENGTH
            size = 0
            for shift in range(width):
                size |= (<uint64_t> row[begin + shift]) << (8 * shift)
            begin += width
        if size > <uint64_t> (end - begin):
            return PASSES_END
        if is_text:
            target += escape(row + begin, <Py_ssize_t> size, out + target)
        else:
            out[target] = 0
            memcpy(out + target + 1, row + position, begin + <Py_ssize_t> size - position)
            target += 1 + begin + <Py_ssize_t> size - position
        position = begin + <Py_ssize_t> size
    if position != end:
        return TOO_MANY
    if is_text:
        out[target] = 10
        target += 1
    return target


cdef tuple encode(
    const unsigned char[::1] chunk, Py_ssize_t begin, Py_ssize_t columns,
    unsigned char[::1] out, Py_ssize_t out_begin, bint is_text
):
    cdef Py_ssize_t position = begin, end = chunk.shape[0], target = out_begin, rows = 0
    cdef Py_ssize_t behind = 0, size = 0, written = 0, bound, wanted = 0, room = out.shape[0]
    cdef unsigned char* joined
    cdef const unsigned char* row
    if not (0 <= begin <= end and 0 <= out_begin <= room and 0 < columns <= MAX_COLUMNS):
        raise ValueError("positions outside the buffer")
    if begin == end:
        return position, target, rows, 0
    cdef const unsigned char* data = &chunk[0]
    cdef unsigned char* into = &out[0] if room > 0 else NULL
    with nogil:
        while position < end:
            behind = row_end(data, position, end)
            if behind < 0:
                break
            joined = NULL
            size = size_at(data + position)
            row = data + position + HEADER
            if size == FULL:
                joined = join_payload(data, position, behind, &size)
                if joined == NULL:
                    written = -9
                    break
                row = joined
            bound = 2 * size + 2 * columns if is_text else size + columns
            if target + bound > room:
                if rows == 0:
                    wanted = target + bound
                free(joined)
                break
            written = encode_row(row, size, columns, into + target, is_text)
            free(joined)
            if written < 0:
                break
            target += written
            position = behind
            rows += 1
    if behind < 0:
        raise ValueError(f"no whole row at byte {position}")
    if written == -9:
        raise MemoryError
    if written < 0:
        raise ValueError(_FAULTS[written])
    return position, target, rows, wanted


def encode_bulk(
    const unsigned char[::1] chunk not None, Py_ssize_t begin, Py_ssize_t columns,
    unsigned char[::1] out not None, Py_ssize_t out_begin
):
    """Reframe rows as parameters of MariaDB's bulk execute, as many as fit into ``out``."""
    return encode(chunk, begin, columns, out, out_begin, False)


def encode_text(
    const unsigned char[::1] chunk not None, Py_ssize_t begin, Py_ssize_t columns,
    unsigned char[::1] out not None, Py_ssize_t out_begin
):
    """Reframe rows as text for LOAD DATA, as many as fit; see ``encode_bulk``."""
    return encode(chunk, begin, columns, out, out_begin, True)


include "_columns.pxi"
