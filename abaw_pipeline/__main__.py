"""``python -m abaw_pipeline`` is the same program as ``abaw``."""

from abaw_pipeline.cli import main

if __name__ == "__main__":
    main()
