import Foundation
import OCI
import Testing

@Suite(.serialized) struct LeakTests {
    @Test("200 launches leave nothing: no mount, cgroup, process, namespace, upper directory or temporary file")
    func launches() throws {
        let own = Perigee(directory: Perigee.shared.directory + "/leak")
        #expect(own.run(["image", "load", "\(Perigee.images)/demo-host.oci.tar"]).status == 0)
        #expect(own.run(["pod", "run", "--image", "demo-host", "true"]).status == 0)
        let launch = own.command(["pod", "run", "--image", "demo-host"]).joined(separator: " ")
        // In a pid namespace of their own only these launches' processes are to be seen.
        let script = """
            traces() {
              set -- /proc/[0-9]* # by the shell itself: a pipeline would count its own members, as many as have begun
              echo "mounts $(grep -vc '@networks\\|@pods' /proc/self/mountinfo) processes $#" \
                "namespaces $(readlink /proc/[0-9]*/ns/net | sort -u | grep -c .)" \
                "uppers $(ls \(own.store)/containers | grep -c .) temporary $(ls \(own.store)/tmp | grep -c .)" \
                "states $(ls \(own.root) | grep -vc '^@') cgroups $(find /sys/fs/cgroup -path '*\(try groupName(own))*' | grep -c .)"
            }
            traces
            i=0; while [ $i -lt 50 ]; do
              \(launch) 'echo x > /tmp/x; exit 5' & \(launch) -- /no/such 2>/dev/null & wait
              \(launch) 'sleep 100 & exit 0'; \(launch) --memory 16m 'true'
              i=$((i+1))
            done
            traces
            """
        let outcome = Perigee.execute(["unshare", "-m", "-p", "-f", "--mount-proc", "/bin/sh", "-c", script])
        let lines = outcome.output.split(separator: "\n")
        #expect(lines.count == 2 && lines.first == lines.last, "\(outcome.output) \(outcome.errors)")
        #expect(lines.last?.hasSuffix("uppers 0 temporary 0 states 0 cgroups 0") == true, "\(outcome.output)")
        let kept = try String(contentsOfFile: own.root + "/@exited", encoding: .utf8).split(separator: "\n")
        // One each, but for the command that does not exist.
        #expect(kept.count == 151)
        for line in kept { #expect(JSON(try JSON(parsing: Array(line.utf8)).value)["id"] != nil) }
    }

    /// The root's own part of its cgroups' names, from a plan.
    private func groupName(_ perigee: Perigee) throws -> String {
        let plan = perigee.run(["pod", "run", "--image", "demo-host", "--explain", "true"]).output
        let path = try #require(plan.split(separator: " ").first { $0.hasPrefix("perigee/") })
        return String(path.prefix { $0 != "." })
    }

    @Test("Ctrl-C ends a pod, and leaves nothing", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Perigee.binary)
        process.arguments = Array(
            Perigee.shared.command([
                "pod", "run", "--image", "demo-host", "trap 'exit 9' TERM; echo up; while :; do sleep 0.1; done",
            ])
            .dropFirst())
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        #expect(try output.fileHandleForReading.read(upToCount: 3) == Data("up\n".utf8))
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(process.terminationStatus == 9)
    }
}
