"""Keep encrypted, deduplicated backups in a store; ``store`` is the door."""
