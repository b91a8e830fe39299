"""The part of Universal Robots' script language that client libraries upload, turned into Python generators."""
