"""Walk, hash and reframe row packets: the only code that touches every byte of every row.

Two twins with the same names and the same tests: ``_native`` in Cython and ``pure``.
"""
