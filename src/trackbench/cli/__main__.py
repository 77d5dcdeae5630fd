"""Run the command line by ``python -m trackbench.cli``."""

from trackbench.cli import main

main()
