"""`python -m imagebake`: the command `imagebake`."""

from imagebake.cli import main

if __name__ == "__main__":
    main()
