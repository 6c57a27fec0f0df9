"""`python -m groundswell`."""

from groundswell.cli.main import main

main()
