import Foundation
import Testing

/// `rootfs_size`: what a pod may write outside its volume.
@Suite(.serialized) struct WritableLayerTests {
    private let configuration: String

    init() throws {
        configuration = Perigee.shared.directory + "/rootfs-size-\(UUID().uuidString).json"
        let text = #"{"tenants": {"small": {"rootfs_size": "16m"}, "smaller": {"rootfs_size": "4m"}, "large": {}}}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: configuration)
    }

    private func tenant(_ name: String) -> TestTenant { TestTenant(name, configuration: configuration) }

    /// The loop devices of this test run's store.
    private func devices() -> String {
        Perigee.shell("cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep -F \(Perigee.shared.store)").output
    }

    private static let fill = "dd if=/dev/zero of=/big bs=1M count=64; df -k / | tail -1; echo x > /data/w; exit 7"

    @Test("Who fills it gets ENOSPC, and nobody else; its own exit code, and nothing is left")
    func full() throws {
        let small = tenant("small"), smaller = tenant("smaller"), large = tenant("large")
        small.submit("s", "while [ ! -e /data/go ]; do sleep 0.05; done; " + Self.fill)
        smaller.submit("s", "sleep 0.2; " + Self.fill)
        large.submit("s", Self.fill)
        for (tenant, code) in [(smaller, 7), (large, 7)] {
            #expect(tenant.pod("wait", "s").status == Int32(code))
        }
        #expect(large.pod("logs", "s").errors.contains("64+0 records out"))
        // The other's is full, and this one's is not.
        try small.await("s") { $0.phase == "Running" }
        #expect(devices().split(separator: "\n").count == 1)
        // Its device goes with the container, and not with the supervisor.
        #expect(small.killSupervisor(of: "s"))
        let go = small.perigee.store + "/volumes/small/default/go"
        _ = FileManager.default.createFile(atPath: go, contents: nil)
        #expect(small.pod("wait", "s").status == 7)
        for (tenant, blocks) in [(small, 14_000...16_384), (smaller, 3_000...4_096)] {
            let logs = tenant.pod("logs", "s")
            #expect(logs.errors.contains("dd: error writing '/big': No space left on device\n"), "\(logs)")
            let size = logs.output.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            #expect(size.map(blocks.contains) == true, "\(logs)")
        }
        #expect(try small.status("s").reason == "Error")
        #expect(small.pod("inspect", "s").output.contains("\"writableLayer\": \(16 << 20)"))
        #expect(small.clean() + smaller.clean() + large.clean() == [])
        #expect(devices() == "")
    }

    @Test("--rootfs-size, and a size that is none")
    func option() throws {
        let perigee = Perigee.shared
        let outcome = perigee.pod("--rootfs-size", "8m", Self.fill)
        #expect(outcome.status == 7 && outcome.errors.contains("No space left on device"), "\(outcome)")
        #expect(devices() == "")
        let few = perigee.pod("--rootfs-size", "1048575", "true")
        #expect(few.status == 2)
        #expect(few.errors.hasPrefix("perigee: pod run: --rootfs-size '1048575' is not a size of at least 1m\n"))
    }
}
