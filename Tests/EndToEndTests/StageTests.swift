import Foundation
import Testing

@testable import Launching

struct StageTests {
    @Test("the stage is freestanding: no undefined symbol, no loader, no library")
    func freestanding() throws {
        let path = Perigee.shared.directory + "/stage"
        let bytes = Stage.withBytes { Data($0) }
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(Perigee.shell("nm -u \(path)").output.isEmpty)
        #expect(Perigee.shell("nm \(path)").output.contains(" T stage_main"))
        let headers = Perigee.shell("readelf -lS \(path)").output
        #expect(!headers.contains("INTERP") && !headers.contains("DYNAMIC") && !headers.contains(".dynsym"))
        #expect(bytes.count < 30_000)
    }

    @Test("the executable is static, and has nothing of Foundation")
    func executable() {
        let headers = Perigee.shell("readelf -l \(Perigee.binary)").output
        #expect(headers.contains("LOAD") && !headers.contains("INTERP"))
        #expect(Perigee.shell("nm \(Perigee.binary) | grep -c '10Foundation'; true").output == "0\n")
    }

    /// What is called beside the plan's steps: before the stage its descriptors are let through (fcntl) and it is
    /// executed; the stage makes itself undumpable, closes what it inherited and maps the plan, and asks at the end whether
    /// the runtime still lives.
    static let frame: Set<String> = [
        "fcntl", "execveat", "prctl", "close_range", "mmap", "umask", "close", "clock_gettime", "recvfrom", "execve",
    ]

    @Test("the stage calls nothing that the plan does not list")
    func calls() throws {
        let trace = Perigee.shared.directory + "/trace"
        let arguments = ["pod", "run", "--image", "demo-host", "--", "/bin/true"]
        let run = Perigee.execute(["strace", "-ff", "-o", trace] + Perigee.shared.command(arguments))
        try #require(run.status == 0, "\(run.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: Perigee.shared.directory)
            .filter { $0.hasPrefix("trace.") }.map { Perigee.shared.directory + "/" + $0 }
        let child = try #require(
            files.first {
                Perigee.shell("grep -c perigee-stage \($0)").output == "1\n"
                    && Perigee.shell("grep -c clone3 \($0)").output == "0\n"
            })
        var seen: Set<String> = []
        for line in try String(contentsOfFile: child, encoding: .utf8).split(separator: "\n") {
            guard let name = line.split(separator: "(").first,
                name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
            else {
                continue
            }
            seen.insert(String(name))
            if name == "execve" { break }
        }
        let explained = Perigee.shared.run(["pod", "run", "--image", "demo-host", "--explain", "--", "/bin/true"])
            .output
        let listed = Set(
            explained.split(separator: "\n").filter { $0.contains(" child ") }.flatMap { line in
                line.split(separator: "[").last?.split(separator: "]").first?.split(separator: " ").map(String.init)
                    ?? []
            })
        #expect(
            seen.subtracting(listed).subtracting(Self.frame).isEmpty,
            "\(seen.subtracting(listed).subtracting(Self.frame))")
        #expect(seen.contains("move_mount") && seen.contains("pivot_root") && seen.contains("seccomp"))
    }
}
