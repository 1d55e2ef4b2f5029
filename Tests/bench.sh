#!/bin/sh
# bench.sh : how long a whole `perigee run` of /bin/true takes, beside the runtimes that are installed here (runc, crun),
# each started in turn in one run, so that the machine's mood hits all alike. Prints minimum, median and 95th percentile,
# and the median of the ratios to perigee, pair by pair. Wall time of whole processes. Then the same for loading a large
# image, beside umoci, and igzip with tar. Root.
set -eu
cd "$(dirname "$0")/.."
python3 Tests/bench.py "$@"
python3 Tests/bench_images.py
