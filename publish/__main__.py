"""`python -m publish`: the command `publish`."""

from publish.cli import main

main()
