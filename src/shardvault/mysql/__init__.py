"""Talk to one MySQL or MariaDB instance: sessions, raw packets, errors."""
