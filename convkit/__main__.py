"""``python -m convkit``."""

from convkit.cli.main import main

if __name__ == "__main__":
    main()
