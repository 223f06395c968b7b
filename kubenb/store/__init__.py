"""Where data between tasks lies while a pipeline runs on this machine.

The code that reads and writes values is the pod's own, in `kubenb.inside`: `places` says where it laid them. Next room:
`kubenb.run`.
"""
