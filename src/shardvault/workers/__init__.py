"""Run tasks: which session works on which task, how many at once."""
