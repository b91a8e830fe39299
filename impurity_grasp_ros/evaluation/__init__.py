"""Benchmarks of policies on simulated scenes of fixed seeds: episodes, metrics and a report."""
