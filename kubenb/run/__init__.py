"""Running tasks: on this machine as processes (`local`), in the kernel (`here`), and the records of both.

In: a `Pipeline`. Out: `Run` values and `Event`s while it goes. The same manifest that a DAG carries is what starts
here.
"""
