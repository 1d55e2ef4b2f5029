#!/bin/sh
# bench.sh : how long a whole `perigee run` of /bin/true takes, beside the runtimes that are installed here (crun, runc,
# youki, bwrap; CRUN=PATH and so on for others), each started in turn in one run, so that the machine's mood hits all
# and the median of the ratios to perigee, pair by pair. Wall time of whole processes. Then the same for loading a large
# image, beside umoci, and igzip with tar. Root.
set -eu
cd "$(dirname "$0")/.."
python3 Tests/bench.py "$@"
python3 Tests/bench_images.py
