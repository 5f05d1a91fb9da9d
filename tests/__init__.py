"""Hold the tests of shardvault and what supports them."""
