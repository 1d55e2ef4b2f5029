#!/bin/sh
# bench.sh [-n ROUNDS] : how long a whole `perigee run` of /bin/true takes, beside `perigee pod run` and the runtimes that
# are installed here (crun, runc, youki, bwrap; CRUN=PATH and so on for others), two at a time and in turn, so that the
# machine's mood hits both alike: minimum, median, 95th percentile, and the ratio pair by pair with its quartiles. Wall time
# of whole processes. Then pods with a supervisor, beside podman; the same with a network and a published port, and iperf3
# through both; and loading a large image, beside umoci, and igzip with tar. Root.
set -eu
cd "$(dirname "$0")/.."
python3 Tests/bench.py "$@"
python3 Tests/bench_pods.py
python3 Tests/bench_network.py
python3 Tests/bench_images.py
