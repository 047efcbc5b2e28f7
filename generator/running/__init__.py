"""How a sale is run: who simulates which shard, when a tick may begin, where its facts go, what is said of it."""
