"""Put definitions, rows, keys and code objects into an instance, exactly or not at all."""
