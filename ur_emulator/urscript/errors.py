"""What can be wrong with a program."""


class ScriptError(Exception):
    """A program that cannot be read, or that fails while it runs; the message names the line where it is known."""
