"""`python -m faceswap_cli.doctor`: the process in which checks are made that may break it; see `isolation`."""

import sys

from faceswap_cli.doctor.isolation import serve_checks

if __name__ == "__main__":
    serve_checks(sys.argv[1])
