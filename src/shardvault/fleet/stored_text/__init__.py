"""Judge whether stored text is the definition that it claims to be; no I/O.

A restore runs what a backup holds, often as root. Who wrote the backup, a stolen source key or
a server that lies, must not be able to run anything else with it.
"""
