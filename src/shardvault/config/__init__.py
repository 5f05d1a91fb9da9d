"""Read the local file that says how to reach the fleet and the repository."""
