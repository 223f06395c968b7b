"""The read floor: from a notebook's text to a `Pipeline`. It opens files for reading and never runs what it reads.

`cells` and `scripts` read the file; `header` (with `lines` and `words` below it) its options; `settings` and `effective` the
project's defaults; `dataflow` finds who needs what; `pipeline` puts it all together. Next floor: `kubenb.export`.
"""
