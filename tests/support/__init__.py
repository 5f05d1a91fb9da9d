"""Support the tests, the demo and the benchmarks: servers, fleets, data, load and faults."""
