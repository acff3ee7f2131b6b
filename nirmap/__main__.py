"""`python -m nirmap`: the command line."""

from mapper.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
