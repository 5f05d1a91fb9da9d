"""Do what a user asks for: one file per use case, plans first, runners that decide nothing."""
