"""The product's central promise, searched for exceptions: a pipeline means what its notebook means.

`grammar` holds the phrases, `author` writes notebooks with them, `judge` runs each as a notebook and as a pipeline,
`picture` compares what the two leave, `shrink` makes a counterexample small.
`python -m tests.equivalence -n 20000` for long runs; `cases.md` is the specification by example.
"""
