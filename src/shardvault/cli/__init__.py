"""Turn words on the command line into operations, and what they return into words."""
