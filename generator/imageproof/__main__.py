"""`python -m imageproof`."""

from imageproof.cli import main

if __name__ == "__main__":
    main(prog_name="imageproof")
