"""Say which tables make up a fleet and which of them an operation works on."""
