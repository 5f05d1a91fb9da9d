# Splits chunks into columns and joins them again; included by _native.pyx.


cdef inline Py_ssize_t read_length(
    const unsigned char* data, Py_ssize_t position, Py_ssize_t end, uint64_t* size
) noexcept nogil:
    """Read a length and return the position behind it, or a negative fault; NULL has size 0."""
    cdef unsigned char first = data[position]
    cdef Py_ssize_t begin = position + 1, width
    cdef int shift
    if first < 0xFB:
        size[0] = first
        return begin
    size[0] = 0
    if first == 0xFB:
        return begin
    width = 2 if first == 0xFC else 3 if first == 0xFD else 8 if first == 0xFE else 0
    if width == 0 or begin + width > end:
        return BAD_LENGTH
    for shift in range(width):
        size[0] |= (<uint64_t> data[begin + shift]) << (8 * shift)
    return begin + width


cdef inline void put(
    unsigned char* into, const unsigned char* value, Py_ssize_t size, Py_ssize_t room
) noexcept nogil:
    """Copy a value; a short one as two whole words where both sides have room for them."""
    if size <= 16 <= room:
        memcpy(into, value, 16)
    else:
        memcpy(into, value, size)


cdef struct Stream:
    Py_ssize_t lengths
    Py_ssize_t values
    Py_ssize_t lengths_end
    Py_ssize_t values_end


cdef inline void put_u32(unsigned char* into, uint64_t value) noexcept nogil:
    into[0] = value & 0xFF
    into[1] = (value >> 8) & 0xFF
    into[2] = (value >> 16) & 0xFF
    into[3] = (value >> 24) & 0xFF


cdef inline uint64_t get_u32(const unsigned char* data) noexcept nogil:
    return data[0] | (data[1] << 8) | (data[2] << 16) | (<uint64_t> data[3] << 24)


cdef int measure_row(
    const unsigned char* row, Py_ssize_t end, Py_ssize_t columns, Stream* streams
) noexcept nogil:
    """Add the sizes of one row's values to the streams; return 0 or a negative fault."""
    cdef Py_ssize_t position = 0, begin, i
    cdef uint64_t size
    for i in range(columns):
        if position >= end:
            return TOO_FEW
        begin = read_length(row, position, end, &size)
        if begin < 0:
            return <int> begin
        if size > <uint64_t> (end - begin):
            return PASSES_END
        streams[i].lengths_end += begin - position
        streams[i].values_end += <Py_ssize_t> size
        position = begin + <Py_ssize_t> size
    return 0 if position == end else TOO_MANY


cdef void split_row(
    const unsigned char* row, Py_ssize_t end, Py_ssize_t columns,
    Stream* streams, unsigned char* out, Py_ssize_t spare
) noexcept nogil:
    """Move one measured row's values into their streams.

    ``spare`` counts the bytes that may be read behind the row.
    """
    cdef Py_ssize_t position = 0, begin, i, room
    cdef uint64_t size = 0
    cdef Stream* stream
    for i in range(columns):
        stream = &streams[i]
        begin = read_length(row, position, end, &size)
        if begin == position + 1:
            out[stream.lengths] = row[position]
        else:
            memcpy(out + stream.lengths, row + position, begin - position)
        stream.lengths += begin - position
        room = min(stream.values_end - stream.values, end + spare - begin)
        put(out + stream.values, row + begin, <Py_ssize_t> size, room)
        stream.values += <Py_ssize_t> size
        position = begin + <Py_ssize_t> size


def columns_bound(Py_ssize_t chunk_bytes, Py_ssize_t columns):
    """Return the most bytes that ``split_columns`` needs for a chunk of that size."""
    return chunk_bytes + 8 + 8 * columns


def split_columns(const unsigned char[::1] chunk not None, Py_ssize_t columns, unsigned char[::1] out not None):
    """Rewrite a chunk column by column and return the size of the result."""
    cdef Py_ssize_t end = chunk.shape[0], rows = 0, total = 0, i
    cdef int fault = 0
    if not 0 < columns <= MAX_COLUMNS or out.shape[0] < columns_bound(end, columns):
        raise ValueError("positions outside the buffer")
    cdef Stream* streams = <Stream*> calloc(columns, sizeof(Stream))
    if streams == NULL:
        raise MemoryError
    cdef const unsigned char* data = &chunk[0] if end > 0 else NULL
    cdef unsigned char* into = &out[0]
    try:
        with nogil:
            fault = measure_rows(data, end, columns, streams, &rows)
            if fault == 0:
                total = place_streams(streams, columns, into, rows)
                fault = split_rows(data, end, columns, streams, into)
    finally:
        free(streams)
    if fault == SHORT_MEMORY:
        raise MemoryError
    if fault == NO_ROW:
        raise ValueError(f"no whole row behind {rows} rows")
    if fault < 0:
        raise ValueError(_FAULTS[fault])
    return total


cdef int measure_rows(
    const unsigned char* data, Py_ssize_t end, Py_ssize_t columns, Stream* streams, Py_ssize_t* rows
) noexcept nogil:
    cdef Py_ssize_t position = 0, behind, size
    cdef unsigned char* joined
    cdef int fault
    while position < end:
        behind = row_end(data, position, end)
        if behind < 0:
            return NO_ROW
        size = size_at(data + position)
        if size == FULL:
            joined = join_payload(data, position, behind, &size)
            if joined == NULL:
                return SHORT_MEMORY
            fault = measure_row(joined, size, columns, streams)
            free(joined)
        else:
            fault = measure_row(data + position + HEADER, size, columns, streams)
        if fault < 0:
            return fault
        rows[0] += 1
        position = behind
    return 0


cdef Py_ssize_t place_streams(
    Stream* streams, Py_ssize_t columns, unsigned char* into, Py_ssize_t rows
) noexcept nogil:
    """Write the head, turn the sizes into places, and return the size of the whole."""
    cdef Py_ssize_t begin = 8 + 8 * columns, i
    put_u32(into, rows)
    put_u32(into + 4, columns)
    for i in range(columns):
        put_u32(into + 8 + 8 * i, streams[i].lengths_end)
        put_u32(into + 12 + 8 * i, streams[i].values_end)
        streams[i].lengths = begin
        streams[i].lengths_end += begin
        streams[i].values = streams[i].lengths_end
        streams[i].values_end += streams[i].values
        begin = streams[i].values_end
    return begin


cdef int split_rows(
    const unsigned char* data, Py_ssize_t end, Py_ssize_t columns, Stream* streams, unsigned char* into
) noexcept nogil:
    cdef Py_ssize_t position = 0, behind, size
    cdef unsigned char* joined
    while position < end:
        behind = row_end(data, position, end)
        size = size_at(data + position)
        if size == FULL:
            joined = join_payload(data, position, behind, &size)
            if joined == NULL:
                return SHORT_MEMORY
            split_row(joined, size, columns, streams, into, 0)
            free(joined)
        else:
            split_row(data + position + HEADER, size, columns, streams, into, end - behind)
        position = behind
    return 0


def join_columns(const unsigned char[::1] split not None):
    """Rewrite the result of ``split_columns`` as the chunk it was made of."""
    cdef Py_ssize_t end = split.shape[0], columns, rows, i, begin, bound, written = 0
    if end < 16:
        raise ValueError("bad head of a split chunk")
    cdef const unsigned char* data = &split[0]
    rows = <Py_ssize_t> get_u32(data)
    columns = <Py_ssize_t> get_u32(data + 4)
    begin = 8 + 8 * columns
    if not 0 < columns <= MAX_COLUMNS or end < begin:
        raise ValueError("bad head of a split chunk")
    # Every row has at least one length byte for each column: a false count stays small.
    if rows > (end - begin) // columns:
        raise ValueError("lengths end too soon")
    cdef Stream* streams = <Stream*> calloc(columns, sizeof(Stream))
    if streams == NULL:
        raise MemoryError
    chunk = None
    cdef unsigned char* into
    try:
        for i in range(columns):
            streams[i].lengths = begin
            streams[i].lengths_end = begin + <Py_ssize_t> get_u32(data + 8 + 8 * i)
            streams[i].values = streams[i].lengths_end
            streams[i].values_end = streams[i].values + <Py_ssize_t> get_u32(data + 12 + 8 * i)
            begin = streams[i].values_end
        if begin != end:
            raise ValueError("bad sizes in a split chunk")
        bound = (end - 8 - 8 * columns) + HEADER * (rows + (end // FULL) + 1)
        chunk = PyByteArray_FromStringAndSize(NULL, bound)
        into = <unsigned char*> PyByteArray_AS_STRING(chunk)
        with nogil:
            written = join_rows(data, end, columns, rows, streams, into, bound)
    finally:
        free(streams)
    if written < 0:
        raise ValueError(_JOIN_FAULTS[written])
    PyByteArray_Resize(chunk, written)
    return chunk


cdef Py_ssize_t join_rows(
    const unsigned char* data, Py_ssize_t end, Py_ssize_t columns, Py_ssize_t rows,
    Stream* streams, unsigned char* into, Py_ssize_t bound
) noexcept nogil:
    """Write all rows and return their size, or a negative fault."""
    cdef Py_ssize_t row, i, target = 0, begin, room, size_bytes
    cdef uint64_t size = 0
    cdef Stream* stream
    for row in range(rows):
        begin = target
        target += HEADER
        for i in range(columns):
            stream = &streams[i]
            if stream.lengths >= stream.lengths_end:
                return SHORT_LENGTHS
            size_bytes = read_length(data, stream.lengths, stream.lengths_end, &size)
            if size_bytes < 0:
                return BAD_LENGTH
            size_bytes -= stream.lengths
            if size > <uint64_t> (stream.values_end - stream.values):
                return SHORT_VALUES
            memcpy(into + target, data + stream.lengths, size_bytes)
            target += size_bytes
            stream.lengths += size_bytes
            room = min(bound - target, end - stream.values)
            put(into + target, data + stream.values, <Py_ssize_t> size, room)
            target += <Py_ssize_t> size
            stream.values += <Py_ssize_t> size
        target = frame_row(into, begin, target)
    for i in range(columns):
        if streams[i].lengths != streams[i].lengths_end or streams[i].values != streams[i].values_end:
            return NOT_TOGETHER
    return target


cdef Py_ssize_t frame_row(unsigned char* into, Py_ssize_t begin, Py_ssize_t end) noexcept nogil:
    """Write the header of a row, and more where its payload fills a packet; return its end."""
    cdef Py_ssize_t left = end - begin - HEADER
    while left >= FULL:
        put_u32(into + begin, FULL)
        begin += HEADER + FULL
        left -= FULL
        memmove(into + begin + HEADER, into + begin, left)
    put_u32(into + begin, left)
    return begin + HEADER + left
