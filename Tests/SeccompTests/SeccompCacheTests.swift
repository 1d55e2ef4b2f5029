import Glibc
import Linux
import OCI
import Testing

@testable import Seccomp

struct SeccompCacheTests {
    /// A directory of the test's own, removed when the test ends.
    struct Scratch: ~Copyable {
        let path: String
        let directory: OwnedDescriptor

        init() throws {
            path = "/tmp/perigee-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
            try Descriptor.workingDirectory.makeDirectory(path, mode: 0o700)
            directory = try Descriptor.workingDirectory.open(path, O_RDONLY | O_DIRECTORY)
        }

        deinit { try? Descriptor.workingDirectory.removeTree(path) }

        func files() throws -> [String] {
            try directory.view.entries().map { name in
                String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }.sorted()
        }
    }

    private func profile(_ errno: Int = 1) throws -> LinuxSeccomp {
        let text = #"""
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": \#(errno),
             "syscalls": [{"names": ["read", "odd"], "action": "SCMP_ACT_ALLOW"}]}
            """#
        return try LinuxSeccomp(JSON(parsing: Array(text.utf8)))
    }

    private func neverAsked() throws(SeccompError) -> LinuxSeccomp {
        Issue.record("the profile was asked for")
        throw .emptyName(place: "")
    }

    @Test("the second time the program comes from the disk, the same and with its warnings")
    func hit() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        let first = try cache.program(for: profile())
        let second = try cache.program(for: SeccompKey(profile()), otherwise: neverAsked)
        #expect(first == second && second.unknownNames == ["odd"])
        let file = try #require(scratch.files().first)
        #expect(try scratch.files().count == 1)
        #expect(try scratch.directory.view.status(of: file).mode & 0o777 == 0o600)
        #expect(try cache.stored(SeccompKey(profile(2))) == nil)
    }

    @Test("a key is of the text and of all that it is resolved for")
    func keys() throws {
        func key(_ text: String, _ capabilities: Set<String>, _ minor: Int) -> SeccompKey {
            SeccompKey(
                templateDigest: text, for: SeccompTemplate.Target(capabilities: capabilities, kernel: (6, minor)))
        }
        let keys = [
            key("a", [], 1), key("b", [], 1), key("a", ["CAP_X"], 1), key("a", ["CAP_XCAP_Y"], 1),
            key("a", ["CAP_X", "CAP_Y"], 1), key("a", [], 2),
        ]
        #expect(Set(keys).count == keys.count)
        #expect(key("a", ["CAP_X", "CAP_Y"], 1) == key("a", ["CAP_Y", "CAP_X"], 1))
    }

    @Test("a text is found wherever it stands, and no other one of its length")
    func texts() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        func key(_ before: String, _ text: String, _ after: String) -> SeccompKey {
            let begin = before.utf8.count
            return SeccompKey(profile: Array((before + text + after).utf8), in: begin..<begin + text.utf8.count)
        }
        let profile = try profile()
        let program = try cache.program(for: key("{", "profile", "}")) { () throws(SeccompError) in profile }
        #expect(cache.stored(key("elsewhere", "profile", "")) == program)
        #expect(key("a", "profile", "b") == key("", "profile", ""))
        for other in ["Profile", "profilf", "profil", "profiles", ""] {
            #expect(cache.stored(key("{", other, "}")) == nil)
        }
    }

    @Test("a file that is torn, altered anywhere or not ours is compiled anew and replaced")
    func damage() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        let key = try SeccompKey(profile())
        let program = try cache.program(for: profile())
        let name = try #require(scratch.files().first)
        let whole = try scratch.directory.view.readFile(name, limit: 1 << 20)
        for length in [0, 1, 24, 56, whole.count / 2, whole.count - 1] {
            try scratch.directory.view.replaceFile(name, with: Array(whole[..<length]))
            #expect(cache.stored(key) == nil, "\(length) bytes")
        }
        for index in whole.indices {
            var altered = whole
            altered[index] ^= 0x10
            try scratch.directory.view.replaceFile(name, with: altered)
            #expect(cache.stored(key) == nil, "byte \(index)")
        }
        try scratch.directory.view.replaceFile(name, with: whole + [0])
        #expect(cache.stored(key) == nil)
        #expect(try cache.program(for: profile()) == program)
        #expect(cache.stored(key) == program)
        #expect(chmod("\(scratch.path)/\(name)", 0o666) == 0)
        #expect(cache.stored(key) == nil)
    }

    @Test("a file under another key's name is not taken")
    func misplaced() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        _ = try cache.program(for: profile(1))
        let name = try #require(scratch.files().first)
        let other = try SeccompKey(profile(2))
        try scratch.directory.view.rename(name, to: other.name + ".bpf", in: scratch.directory.view)
        #expect(cache.stored(other) == nil)
    }

    @Test("a program that the kernel would refuse is refused although its checksum is right")
    func unsound() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        let allow = FilterInstruction(FilterCode.return, SeccompAction.allow.returnValue)
        let unsound: [[FilterInstruction]] = [
            [], [FilterInstruction(FilterCode.load, 64), allow], [FilterInstruction(FilterCode.load, 2), allow],
            [FilterInstruction(FilterCode.jumpIfEqual, 0, jumpTrue: 1), allow],
            [FilterInstruction(FilterCode.jump, .max), allow], [allow, FilterInstruction(FilterCode.load, 0)],
            [FilterInstruction(0xffff, 0), allow], Array(repeating: allow, count: 4097),
        ]
        for (index, instructions) in unsound.enumerated() {
            var bytes: [UInt8] = []
            for instruction in instructions { instruction.append(to: &bytes) }
            let key = try SeccompKey(profile(index + 1))
            try cache.store(SeccompProgram(bytes: bytes, flags: [], unknownNames: []), key)
            #expect(cache.stored(key) == nil, "program \(index)")
        }
    }

    @Test("two writers at once leave one whole file and nothing else")
    func writers() throws {
        let scratch = try Scratch()
        let number = scratch.directory.view.number
        let profile = try profile()
        let program = try SeccompFilter.compile(profile)
        final class Job {
            let cache: SeccompCache
            let program: SeccompProgram
            let key: SeccompKey
            init(_ cache: SeccompCache, _ program: SeccompProgram, _ key: SeccompKey) {
                (self.cache, self.program, self.key) = (cache, program, key)
            }
        }
        let job = Job(SeccompCache(directory: Descriptor(number)), program, SeccompKey(profile))
        var threads = [pthread_t](repeating: 0, count: 2)
        for index in threads.indices {
            pthread_create(
                &threads[index], nil,
                { argument in
                    guard let argument else { return nil }
                    let job = Unmanaged<Job>.fromOpaque(argument).takeUnretainedValue()
                    for _ in 0..<200 {
                        do throws(SystemError) { try job.cache.store(job.program, job.key) } catch {
                            Issue.record("\(error)")
                        }
                        #expect(job.cache.stored(job.key) == job.program)
                    }
                    return nil
                }, Unmanaged.passUnretained(job).toOpaque())
        }
        for thread in threads { pthread_join(thread, nil) }
        withExtendedLifetime(job) {}
        #expect(try scratch.files() == [job.key.name + ".bpf"])
    }

    @Test("the number of files is bounded, the newest stays, and no other file is touched")
    func bounds() throws {
        let scratch = try Scratch()
        let cache = SeccompCache(directory: scratch.directory.view)
        try scratch.directory.view.replaceFile("foreign", with: [1])
        for errno in 1...40 { _ = try cache.program(for: profile(errno)) }
        let files = try scratch.files()
        #expect(files.count == SeccompCache.capacity + 1)
        #expect(files.contains("foreign"))
        #expect(try cache.stored(SeccompKey(profile(40))) != nil)
        #expect(try cache.stored(SeccompKey(profile(1))) == nil)
    }

    @Test("a cache that can't be written still gives the program")
    func unwritable() throws {
        let file = try Descriptor.workingDirectory.open("/proc/self/status", O_RDONLY)
        let program = try SeccompCache(directory: file.view).program(for: profile())
        #expect(program.count > 0)
    }
}
