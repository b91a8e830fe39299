"""Translates URScript, as far as client libraries use it, to Python generators."""
