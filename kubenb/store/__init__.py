"""Where data between tasks lies while a pipeline runs on this machine. The code that reads and writes values is in
`kubenb.inside`.
"""
