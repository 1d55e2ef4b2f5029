#!/bin/sh
# leftovers.sh : fails if a test or the product left something on this host.
left=$(
    find /sys/fs/cgroup -maxdepth 4 -type d -name '*perigee*' 2>/dev/null
    grep -E 'perigee-test|/perigee/' /proc/self/mountinfo
    ls -d /tmp/perigee-test-* /dev/shm/perigee-test-* 2>/dev/null
    pgrep -a -f "^perigee-stage "
    # Pods of a test that was cut short: who stays with them, and what the inits of their containers are called.
    pgrep -a -f "^perigee --root [^ ]*perigee-test[^ ]* .*pod supervise "
    find /tmp/perigee-test-* /dev/shm/perigee-test-* -maxdepth 4 -path '*/pods/*' -type d 2>/dev/null
)
[ -z "$left" ] && exit 0
echo "error: left behind:"
echo "$left"
exit 1
