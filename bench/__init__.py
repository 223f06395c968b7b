"""The numbers to hold, each as a ratio to a floor measured in the same run: `python -m bench` (or `make bench`).

`measure` has the clocks and the `Row`, each other module the rows of one part of the product, `__main__` prints them.
"""
