import Foundation
import Testing

/// Loads that meet each other, death or a full disk.
@Suite(.serialized) struct ImageLoadTests {
    /// Runs a shell script in a mount namespace and a folder of its own, on a tmpfs; it has `load STORE IMAGE`.
    private func script(_ text: String) throws -> String {
        let folder = Perigee.shared.directory + "/load-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let load = "load() { \(Perigee.binary) --store $1 image load \(Perigee.images)/$2.oci.tar; }\n"
        let begin = load + "mount -t tmpfs none \(folder); cd \(folder)\n"
        let outcome = Perigee.execute(["unshare", "-m", "/bin/sh", "-c", begin + text])
        #expect(outcome.errors.isEmpty, "\(outcome.errors)")
        return outcome.output
    }

    /// Loads into a file system that has too little of something; `$1` is a mount option that limits it. Prints what was
    /// wrong, and at how many limits it failed.
    private let sweep = """
        mkdir s; failures=0
        attempt() {
          mount -t tmpfs -o $1 none s; load $PWD/s demo-host >out 2>err; status=$?
          if [ $status != 0 ]; then
            failures=$((failures+1))
            [ $status = 1 ] || echo "$1: exit status $status"
            grep -q 'ENOSPC (no space left on device)' err && grep -q 'hint: the store.s file system is full' err ||
              echo "$1: $(cat err)"
            for part in tmp images layers blobs/sha256; do
              [ -z "$(ls s/$part 2>/dev/null)" ] || echo "$1: left in $part: $(ls s/$part)"
            done
            mount -o remount,size=64m,nr_inodes=10000 s && load $PWD/s demo-host >out 2>err || echo "$1, later: $(cat err)"
          fi
          umount s
        }
        """

    @Test("an archive from a pipe, or of a name that is none, needs one if it brings none")
    func unnamed() throws {
        let output = try script(
            """
            archive=\(Perigee.images)/demo-host.oci.tar; ln -s $archive 'My Image.tar'
            "\(Perigee.binary)" --store s image load - <$archive 2>&1
            "\(Perigee.binary)" --store s image load 'My Image.tar' 2>&1
            "\(Perigee.binary)" --store s image load --name piped - <$archive | cut -d' ' -f1-2
            """)
        let wrong = "the image brings no name\n  hint: give it one with --name\n"
        #expect(
            output == "perigee: the standard input: \(wrong)perigee: My Image.tar: \(wrong)loaded piped:latest\n")
    }

    @Test("a disk that is full at any write leaves a store that loads the image once there is space")
    func fullDisk() throws {
        let output = try script(
            """
            \(sweep)
            size=4; while [ $size -lt 6000 ]; do attempt size=${size}k; size=$((size + 4 + size / 8)); done
            inodes=2; while [ $inodes -lt 500 ]; do attempt nr_inodes=$inodes; inodes=$((inodes + 1 + inodes / 8)); done
            [ $failures -gt 40 ] && echo enough
            """)
        #expect(output == "enough\n")
    }

    @Test("a load that was killed at any time leaves nothing that the next does not clean")
    func killed() throws {
        let output = try script(
            """
            load $PWD/whole layers >/dev/null
            for wait in 0.001 0.003 0.005 0.007 0.009 0.011 0.013 0.016 0.02 0.025 0.03 0.04 0.06 0.1; do
              # In a shell of its own, whose word on the death is dropped.
              (\(Perigee.binary) --store $PWD/s image load \(Perigee.images)/layers.oci.tar & sleep $wait; kill -KILL $!; wait) >/dev/null 2>&1
              \(Perigee.binary) --store $PWD/s image list >/dev/null || echo "$wait: no list"
              load $PWD/s layers >/dev/null || echo "$wait: no load"
              [ -z "$(ls s/tmp)" ] || echo "$wait: left $(ls s/tmp)"
              (cd s && find layers blobs -printf '%P %y %m %U %G %l\\n' | grep -v json | sort) >this
              (cd whole && find layers blobs -printf '%P %y %m %U %G %l\\n' | grep -v json | sort) >that
              cmp this that || echo "$wait: another tree"
              rm -rf s
            done
            """)
        #expect(output.isEmpty, "\(output)")
    }

    @Test("prune removes what a killed load has left, and nothing that an image needs")
    func pruned() throws {
        let output = try script(
            """
            load $PWD/s demo-host >/dev/null; mkdir -p s/tmp/1-2/layers/half/fs; echo >s/tmp/1-2/layers/half/fs/file
            \(Perigee.binary) --store $PWD/s image prune; ls s/tmp; ls s/layers | grep -c .
            """)
        #expect(output == "removed 0 B\n2\n")
    }

    @Test("two loads of one image at once both succeed, and store it once")
    func together() throws {
        let output = try script(
            """
            load $PWD/s layers >1 & load $PWD/s layers >2 & load $PWD/s layers >3 & wait
            cat 1 2 3 | grep -c '^loaded layers:latest'; ls s/layers | grep -c .; ls s/tmp; ls s/images | grep -c .
            """)
        #expect(output == "3\n7\n1\n")
    }
}
