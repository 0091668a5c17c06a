"""Models: what fits where, what the engine is told, how long it is waited for."""
