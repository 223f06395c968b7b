"""The read floor: from a notebook's text to a `Pipeline`. It opens files for reading and never runs what it reads."""
