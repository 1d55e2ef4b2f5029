import Foundation
import Testing

/// `perigee volume ...`, also where containers write into the volume meanwhile.
@Suite(.serialized) struct VolumeTests {
    static let section = "Volumes"
    static let scene = Scene("volume")
    private var perigee: Perigee { Self.scene.perigee }
    private var files: FileManager { .default }

    private func directory() throws -> String {
        let path = perigee.directory + "/files-\(UUID().uuidString)"
        try files.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    private func read(_ path: String) -> String? {
        files.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A shell in a pod with a volume.
    private func pod(_ volume: String, _ script: String) -> Perigee.Outcome {
        perigee.run(["pod", "run", "--image", "demo-host", "--volume", volume, script])
    }

    @Test("files and directories go in, pods of any user can write them, and they come out again")
    func roundTrip() throws {
        let path = try directory()
        try files.createDirectory(atPath: path + "/tree/sub", withIntermediateDirectories: true)
        try write("one\n", path + "/one")
        try write("#!/bin/sh\necho ran\n", path + "/tree/script")
        try write("deep\n", path + "/tree/sub/deep")
        try files.createSymbolicLink(atPath: path + "/tree/sub/link", withDestinationPath: "../script")
        for (name, mode) in [("/one", 0o600), ("/tree/script", 0o700)] {
            try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path + name)
        }
        let put = perigee.run(["volume", "put", path + "/one", path + "/tree", "round:/in/here"])
        #expect(put.status == 0 && put.output == "put 4 files, 28 B into round\n", "\(put.errors)")
        let script = """
            cd /data/in/here; cat one tree/sub/deep; tree/script; tree/sub/link
            stat -c %a . one tree tree/script | tr '\\n' ' '
            """
        let run = pod("round", script)
        #expect(run.output == "one\ndeep\nran\nran\n777 666 777 777 ", "\(run.errors)")
        try write("two\n", path + "/one")
        #expect(perigee.run(["volume", "put", path + "/one", "round:in/here"]).status == 0)
        let out = path + "/out"
        let got = perigee.run(["volume", "get", "round:in/*/o?e", "round:/in/here/[st]*", out])
        #expect(got.status == 0 && got.output == "got 4 files, 28 B from round\n", "\(got.errors)")
        #expect(read(out + "/one") == "two\n")
        #expect(read(out + "/tree/sub/deep") == "deep\n")
        #expect(try files.destinationOfSymbolicLink(atPath: out + "/tree/sub/link") == "../script")
        let list = perigee.run(["volume", "list", "--json"])
        let volumes = try #require(JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]])
        let round = try #require(volumes.first { $0["name"] as? String == "round" })
        #expect(round["files"] as? Int == 4)
        #expect(round["bytes"] as? Int == 28)
        #expect((round["users"] as? [Int])?.isEmpty == true)
    }

    @Test("a volume is its tenant's")
    func tenants() throws {
        let path = try directory()
        try write("a\n", path + "/file")
        #expect(perigee.run(["volume", "put", "--tenant", "acme", path + "/file", "shared"]).status == 0)
        let other = perigee.run([
            "pod", "run", "--image", "demo-host", "--tenant", "other", "--volume", "shared", "ls /data",
        ])
        #expect(other.status == 0 && other.output == "")
        let own = perigee.run([
            "pod", "run", "--image", "demo-host", "--tenant", "acme", "--volume", "shared", "cat /data/file",
        ])
        #expect(own.output == "a\n")
        #expect(perigee.run(["volume", "list", "--tenant", "acme"]).output.contains("\nshared  2 B   1      -\n"))
    }

    @Test("what a container puts into its volume leads nowhere else, and opens no device")
    func hostile() throws {
        let script = """
            cd /data; mkdir d d/e; echo fine > d/fine
            ln -s \(Self.scene.canary)/secret secret; ln -s ../../../../../../../etc/passwd climb; ln -s d/fine good
            ln -s ../../secret d/e/up; ln -s ../fine d/e/ok; ln -s / d/root; ln -s fine d/self/../../../x 2>/dev/null
            ln -s e/../../.. d/tricky; mkfifo fifo d/fifo; ln -s loop loop
            """
        #expect(pod("hostile", script).status == 0)
        let out = try directory() + "/out"
        let all = perigee.run(["volume", "get", "hostile:*", out])
        #expect(all.status == 1, "\(all.output)")
        let refused = Set(all.errors.split(separator: "\n").map(String.init))
        #expect(
            refused == [
                "perigee: hostile: secret: a symbolic link that leads out of the volume",
                "perigee: hostile: climb: a symbolic link that leads out of the volume",
                "perigee: hostile: loop: a symbolic link that leads out of the volume",
                "perigee: hostile: fifo: a FIFO, and no file or directory",
                "perigee: hostile: d/fifo: a FIFO, and no file or directory",
                "perigee: hostile: d/e/up: a symbolic link that leads out of d",
                "perigee: hostile: d/root: a symbolic link that leads out of d",
                "perigee: hostile: d/tricky: a symbolic link that leads out of d",
            ])
        #expect(read(out + "/good") == "fine\n")
        #expect(read(out + "/d/fine") == "fine\n")
        #expect(read(out + "/d/e/ok") == "fine\n")
        let names = try files.subpathsOfDirectory(atPath: out).sorted()
        #expect(names == ["d", "d/e", "d/e/ok", "d/fine", "good"])
        #expect(perigee.run(["volume", "get", "hostile:secret/*", out]).status == 4)
        let put = perigee.run(["volume", "put", Self.scene.canary + "/passwd", "hostile:climb"])
        #expect(put.status == 2, "\(put.errors)")
    }

    @Test("a link that an earlier copy left in the destination is not followed")
    func hostileDestination() throws {
        let path = try directory()
        #expect(
            pod("again", "mkdir -p /data/d/sub; echo new > /data/d/sub/secret; echo new > /data/d/file").status == 0)
        try files.createDirectory(atPath: path + "/out/d", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: path + "/out/d/sub", withDestinationPath: Self.scene.canary)
        try files.createSymbolicLink(atPath: path + "/out/d/file", withDestinationPath: Self.scene.canary + "/secret")
        let before = try Self.scene.fingerprint()
        let got = perigee.run(["volume", "get", "again:d", path + "/out"])
        #expect(got.status == 1 && got.errors.contains("ELOOP"), "\(got.errors)")
        #expect(try Self.scene.fingerprint() == before)
        let file = perigee.run(["volume", "get", "again:d/file", path + "/out/d"])
        #expect(file.status == 0, "\(file.errors)")
        #expect(read(path + "/out/d/file") == "new\n")
        #expect(try Self.scene.fingerprint() == before)
    }

    @Test("a tree deeper than a path can say, and a sparse file of a terabyte, are listed and don't hang")
    func depths() throws {
        #expect(pod("deep", "truncate -s 1024G /data/sparse").status == 0)
        var here = open(perigee.store + "/volumes/default/deep", O_RDONLY | O_DIRECTORY)
        for _ in 0..<1500 {
            #expect(mkdirat(here, "dddd", 0o777) == 0)
            let next = openat(here, "dddd", O_RDONLY | O_DIRECTORY)
            close(here)
            here = next
        }
        close(here)
        let list = perigee.run(["volume", "list"])
        #expect(list.output.contains("deep") && list.output.contains("1.0 TiB+  1+"), "\(list.output)")
        let out = try directory() + "/out"
        let got = perigee.run(["volume", "get", "--max-size", "1m", "deep:sparse", out])
        #expect(got.status == 3, "\(got.errors)")
        #expect(try files.contentsOfDirectory(atPath: out) == [])
        #expect(perigee.run(["volume", "rm", "deep"]).status == 0)
    }

    @Test("a volume that a live pod has stays; two pods and a lock of the container's own are no hindrance")
    func inUse() throws {
        let script = "touch /data/up; exec sleep 30"
        let words = perigee.command(["pod", "run", "--image", "demo-host", "--volume", "busy", script])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.standardInput = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        let mark = perigee.store + "/volumes/default/busy/up"
        #expect(eventually { files.fileExists(atPath: mark) })
        // What `flock /data COMMAND` does in a container.
        let own = open(perigee.store + "/volumes/default/busy", O_RDONLY | O_DIRECTORY)
        defer { close(own) }
        #expect(flock(own, LOCK_EX | LOCK_NB) == 0)
        let removed = perigee.run(["volume", "rm", "busy"])
        #expect(removed.status == 3)
        let text = "perigee: Volume \"busy\" is used by process \(process.processIdentifier)\n"
        #expect(removed.errors.hasPrefix(text), "\(removed.errors)")
        #expect(perigee.run(["volume", "list"]).output.contains("\(process.processIdentifier)\n"))
        #expect(pod("busy", "ls /data").output == "up\n")
        let limits = perigee.run(["limits", "--json"])
        let object = try #require(JSONSerialization.jsonObject(with: Data(limits.output.utf8)) as? [String: Any])
        let rows = try #require(object["limits"] as? [String: [String: Any]])
        #expect(rows["max_pods"]?["use"] as? Int == 1)
        #expect((rows["pids"]?["use"] as? Int ?? 0) >= 1)
        process.terminate()
        process.waitUntilExit()
        #expect(perigee.run(["volume", "rm", "busy"]).status == 0)
        #expect(!files.fileExists(atPath: perigee.store + "/volumes/default/busy"))
    }

    @Test("what killed commands have left goes with the next one; a writer that lives keeps its own")
    func leftovers() throws {
        let path = try directory()
        try write("x\n", path + "/x")
        #expect(perigee.run(["volume", "put", path + "/x", "left"]).status == 0)
        let tenant = perigee.store + "/volumes/default"
        try files.createDirectory(atPath: tenant + "/.gone.4194303.removed/sub", withIntermediateDirectories: true)
        try write("", tenant + "/left/.perigee-new-4194303-1")
        try write("", tenant + "/left/.perigee-new-\(getpid())-1")
        #expect(perigee.run(["volume", "put", path + "/x", "left"]).status == 0)
        #expect(
            try files.contentsOfDirectory(atPath: tenant + "/left").sorted() == [".perigee-new-\(getpid())-1", "x"])
        #expect(!files.fileExists(atPath: tenant + "/.gone.4194303.removed"))
    }

    @Test("removal goes around what is mounted in a volume")
    func mounted() throws {
        let path = try directory()
        try write("x\n", path + "/x")
        #expect(perigee.run(["volume", "put", path + "/x", "mounted:m"]).status == 0)
        let place = perigee.store + "/volumes/default/mounted/m"
        try #require(Perigee.execute(["mount", "--bind", Self.scene.canary, place]).status == 0)
        defer { _ = Perigee.execute(["umount", place]) }
        let before = try Self.scene.fingerprint()
        let removed = perigee.run(["volume", "rm", "mounted"])
        #expect(removed.status == 1 && removed.errors.contains("something is mounted in it"), "\(removed.errors)")
        #expect(try Self.scene.fingerprint() == before)
        #expect(files.fileExists(atPath: place))
    }

    /// A device is made in `HOST`'s neighbourhood, so that the tree there stays as it is.
    private static func device(_ scene: Scene) -> String {
        let path = scene.perigee.directory + "/null"
        _ = Perigee.execute(["mknod", path, "c", "1", "3"])
        return path
    }

    static let cases: [BadInput] = [
        BadInput("a volume that there is not", 4, ["volume", "rm", "nosuch"]),
        BadInput("a file out of a volume that there is not", 4, ["volume", "get", "nosuch:x", "/nosuch"]),
        BadInput("a name that climbs", 2, ["volume", "rm", "../other"]),
        BadInput("a directory in the volume that climbs", 2) { scene in
            .init(words: ["volume", "put", scene.canary + "/secret", "v:../../x"])
        },
        BadInput("a directory in the volume that is a file", 2) { scene in
            _ = scene.perigee.run(["volume", "put", scene.canary + "/secret", "v"])
            return .init(words: ["volume", "put", scene.canary + "/passwd", "v:secret/x"])
        },
        BadInput("a pattern that climbs", 2) { scene in
            .init(words: ["volume", "get", "v:../*", scene.perigee.directory + "/never"])
        },
        BadInput("a pattern that nothing fits", 4) { scene in
            .init(words: ["volume", "get", "v:*.nosuch", scene.perigee.directory + "/never"])
        },
        BadInput("a file that is not in the volume", 4) { scene in
            .init(words: ["volume", "get", "v:nosuch", scene.perigee.directory + "/never"])
        },
        BadInput("a file below what is a file in the volume", 4) { scene in
            .init(words: ["volume", "get", "v:secret/x", scene.perigee.directory + "/never"])
        },
        BadInput("a device to be copied", 2) { scene in
            let device = device(scene)
            return .init(words: ["volume", "put", device, "v"], placeholders: [(device, "DEVICE")])
        },
        BadInput("a directory with a device in it", 2) { scene in
            let path = scene.perigee.directory + "/with-device"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            _ = Perigee.execute(["mknod", path + "/null", "c", "1", "3"])
            return .init(words: ["volume", "put", path, "v"], placeholders: [(path, "DIR")])
        },
        BadInput("a file that there is not", 4, ["volume", "put", "/nosuch", "v"]),
        BadInput("more than --max-size", 3) { scene in
            .init(words: ["volume", "put", "--max-size", "6", scene.canary, "v"])
        },
        BadInput("a volume alone", 2, ["volume", "put", "v"]),
        BadInput("a source without a path in its volume", 2, ["volume", "get", "v", "/tmp"]),
        BadInput("two volumes at once", 2, ["volume", "get", "v:x", "w:x", "/tmp"]),
        BadInput("a symbolic link in a volume's place", 125) { scene in
            let place = scene.perigee.store + "/volumes/default"
            try? FileManager.default.createSymbolicLink(atPath: place + "/linked", withDestinationPath: scene.canary)
            return .init(words: ["pod", "run", "--image", "demo-host", "--volume", "linked", "true"])
        },
        BadInput("a symbolic link in a tenant's place", 125) { scene in
            let place = scene.perigee.store + "/volumes"
            try? FileManager.default.createSymbolicLink(atPath: place + "/linked", withDestinationPath: scene.canary)
            return .init(words: ["pod", "run", "--image", "demo-host", "--tenant", "linked", "true"])
        },
    ]

    @Test("what is wrong with volumes", arguments: cases)
    func refused(_ bad: BadInput) throws { try bad.check(in: Self.scene, section: Self.section) }

    @Test("a killed copy leaves nothing of a file, and one that fails no new volume")
    func halfDone() throws {
        let path = try directory()
        try write("", path + "/long")
        #expect(truncate(path + "/long", 1 << 36) == 0)
        let place = perigee.store + "/volumes/default/half/sub"
        let words = perigee.command(["volume", "put", "--max-size", "1t", path + "/long", "half:sub"])
        let process = Process()
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        try process.run()
        #expect(eventually { files.fileExists(atPath: place) })
        Thread.sleep(forTimeInterval: 0.1)
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        #expect(try files.contentsOfDirectory(atPath: place).isEmpty)
        let small = Perigee(directory: perigee.directory + "/small")
        let put = small.command(["volume", "put", "--max-size", "1t", path + "/long", "new:a/b"]).joined(separator: " ")
        let look = small.command(["volume", "list", "--json"]).joined(separator: " ")
        let outcome = Perigee.execute([
            "unshare", "-m", "sh", "-c",
            "mkdir -p \(small.store) && mount -t tmpfs -o size=4m none \(small.store) && ! \(put) && \(look)",
        ])
        #expect(outcome.status == 0 && outcome.output == "[]\n", "\(outcome)")
        #expect(outcome.errors.contains("long: write(2) the copy: ENOSPC"), "\(outcome)")
    }

    @Test("two of one name are refused, and what is in the way is named as it is in the volume")
    func names() throws {
        let (one, two) = (try directory(), try directory())
        for path in [one, two] { try write(path, path + "/x") }
        let both = perigee.run(["volume", "put", one + "/x", two + "/x", "names"])
        #expect(both.status == 2 && both.errors.contains("two of what is to be put have this name"), "\(both)")
        #expect(perigee.run(["volume", "put", one + "/x", "names"]).status == 0)
        try files.createDirectory(atPath: one + "/d/x", withIntermediateDirectories: true)
        let onto = perigee.run(["volume", "put", one + "/d/x", "names"])
        #expect(onto.errors.contains("path 'x' in a volume: a part of it is no directory"), "\(onto)")
    }

    @Test("a volume's user is told by its pod's name")
    func user() throws {
        let tenant = TestTenant("userof", in: perigee)
        defer { tenant.clean() }
        tenant.submit("p", "--volume", "used", "sleep 1000")
        try tenant.await("p") { $0.phase == "Running" }
        let text = "perigee: Volume \"used\" is used by pod userof-p\n"
        #expect(
            eventually { perigee.run(["volume", "rm", "--tenant", "userof", "used"]).errors.hasPrefix(text) })
        #expect(tenant.clean() == [])
    }
}
