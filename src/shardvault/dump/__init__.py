"""Read tables out of a snapshot: exact expressions, ranges by key, raw packets to chunks."""
