"""Show the main job on private servers: back up at one cut, lose shards, restore, prove.

``python -m demo [--keep] [--rows N]`` tells the story and drives the real command line, whose
every command it prints. The rooms, from the edge inwards:

__main__: options, signals, exit code.
story: the steps, in order; what each prints.
proof: judges what the steps brought to light; pure.
command: runs ``shardvault`` and follows its progress.
place: the folder that holds it all, the fleets in it, and how to reach them afterwards.
screen: headings, facts, commands and progress, within 80 columns.
"""
