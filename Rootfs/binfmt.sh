#!/bin/sh
# binfmt.sh : lets this machine run arm64 programs through qemu-user, where it can't by itself: registers
# qemu-aarch64-static with binfmt_misc, flag F (the interpreter is opened now, so that no image needs to hold it).
set -eu
case $(uname -m) in aarch64|arm64) exit 0;; esac
tree=/proc/sys/fs/binfmt_misc
entry=$tree/qemu-aarch64
if [ -e $entry ] && grep -q '^flags:.*F' $entry && grep -q '^enabled' $entry; then exit 0; fi
if [ ! -e $tree/register ]; then
    mount -t binfmt_misc binfmt_misc $tree || {
        echo "binfmt.sh: can't mount binfmt_misc on $tree: load the kernel module binfmt_misc, or run on arm64" >&2
        exit 1
    }
    echo "mounted binfmt_misc on $tree (undo: umount $tree)"
fi
if [ -e $entry ]; then echo -1 > $entry; fi
rule=/usr/lib/binfmt.d/qemu-aarch64.conf
[ -r $rule ] || { echo "binfmt.sh: no $rule; apt-get install qemu-user-static" >&2; exit 1; }
tr -d '\n' < $rule > $tree/register
echo "registered qemu-user for arm64 programs (undo: echo -1 > $entry)"
