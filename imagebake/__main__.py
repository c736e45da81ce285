"""`python -m imagebake`: the command `imagebake`."""

from imagebake.cli import main

main()
