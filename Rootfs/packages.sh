#!/bin/sh
# packages.sh : installs the Debian packages that building and testing need, where some are missing.
set -eu
need="libseccomp-dev libarchive-dev libzstd-dev libssl-dev zlib1g-dev libyaml-dev pkg-config python3 python3-venv zstd \
qemu-user-static strace nftables iperf3 libcap2-bin skopeo umoci podman catatonit containernetworking-plugins
runc isal attr"
missing=
for package in $need; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "packages.sh: missing Debian packages; as root: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing Debian packages:$missing"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
