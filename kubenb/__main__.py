"""`python -m kubenb`."""

from kubenb.cli import main

main()
