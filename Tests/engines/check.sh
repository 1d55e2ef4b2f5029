# check.sh : for the engines' scripts, which define `engine` and have their folder in $work. One line for each check;
# `failed` is 1 if one of them has failed.
failed=0
# what, expected status, expected output (behind ~ a part of it), then the engine's arguments
check() {
    what=$1 status=$2 expected=$3
    shift 3
    said=$(engine "$@" 2>"$work/errors")
    got=$?
    case $expected in
    "~"*) case $said in *"${expected#\~}"*) expected=$said ;; esac ;;
    esac
    if [ $got = "$status" ] && [ "$said" = "$expected" ]; then
        echo "ok    $what"
    else
        failed=1
        echo "FAIL  $what: status $got, expected $status; it said '$said', expected '$expected'"
        cat "$work/errors"
    fi
}
