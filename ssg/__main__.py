"""`python -m ssg`: the command `ssg`."""

from ssg.cli import main

main()
