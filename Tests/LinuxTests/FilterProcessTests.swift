import Glibc
import Testing

@testable import Linux

struct FilterProcessTests {
    /// All that `program` writes, given `input`, and its exit status.
    private func run(_ program: String, _ arguments: [String], input: String = "/dev/null") throws -> (String, Int32) {
        let file = try Descriptor.workingDirectory.openFollowing(input, O_RDONLY)
        let process = try FilterProcess.start(program, arguments, input: file.view)
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            guard let n = try process.read(into: buffer) else {
                try process.waitForOutput()
                continue
            }
            if n == 0 { break }
            bytes += buffer[..<n]
        }
        return (String(decoding: bytes, as: UTF8.self), try process.wait().status)
    }

    @Test("it turns its input into its output")
    func copies() throws {
        let (output, status) = try run("/bin/cat", [], input: "/etc/passwd")
        #expect(status == 0 && output.hasPrefix("root:"))
        #expect(try run("/no/such", []) == ("", 127))
    }

    @Test("it is nobody, without capabilities, under a filter, and can gain nothing")
    func confined() throws {
        let (status, _) = try run("/bin/cat", ["/proc/self/status"])
        for line in [
            "Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534", "NoNewPrivs:\t1", "Seccomp:\t2",
            "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapInh:\t0000000000000000",
        ] { #expect(status.contains(line + "\n"), "\(line)") }
        #expect(status.contains("Groups:\t \n"))
    }

    @Test("it can't list, write, start a process or reach the network")
    func denied() throws {
        #expect(try run("/bin/ls", ["/proc/self/fd"]).1 != 0)
        let path = "/tmp/perigee-test-\(getpid())-written"
        #expect(try run("/bin/dd", ["of=\(path)", "count=0", "status=none"]).1 != 0)
        #expect(access(path, F_OK) != 0)
        func perl(_ test: String) throws -> String {
            try run("/usr/bin/perl", ["-e", "$| = 1; print 'begun '; \(test) and print 'done'"]).0
        }
        #expect(try perl("1") == "begun done")
        #expect(try perl("defined(fork())") == "begun ")
        #expect(try perl("socket(S, 2, 2, 0)") == "begun ")
    }

    @Test("it ends with the value that stands for it")
    func killed() throws {
        let input = try Descriptor.workingDirectory.openFollowing("/dev/zero", O_RDONLY)
        var process: FilterProcess? = try FilterProcess.start("/bin/cat", [], input: input.view)
        let identifier = try #require(process?.identifier)
        try process?.waitForOutput()
        #expect(kill(identifier, 0) == 0)
        process = nil
        #expect(kill(identifier, 0) == -1)
    }
}
