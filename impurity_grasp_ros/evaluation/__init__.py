"""Fixed-seed benchmarks of policies in simulation: episodes, strict metrics, and a report."""
