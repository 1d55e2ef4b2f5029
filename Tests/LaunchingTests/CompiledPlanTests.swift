import CLaunch
import Testing

@testable import Launching
@testable import Linux
@testable import OCI
@testable import Planning

struct CompiledPlanTests {
    static func compiled() throws -> CompiledPlan {
        var spec = try RuntimeSpec.standard()
        spec.linux.sysctl = [.init(key: "net.core.somaxconn", value: "1")]
        spec.process?.user.additionalGids = [5, 6]
        let plan = try Planner.plan(
            spec,
            on: HostFacts(cgroups: .unified, architecture: .x86_64, lastCapability: 40, capabilities: .max),
            .init(cgroupPath: "perigee/0/x", rootDescription: "", keyring: "k", hasFilter: true, isStrict: false))
        return try CompiledPlan.make(
            plan, firstNumber: plan.firstChildNumber,
            references: .init(
                isDirectory: [true], seccomp: [UInt8](repeating: 6, count: 16), seccompFlags: 0, lastCapability: 40),
            descriptors: [0], control: Descriptor(1), timeline: true)
    }

    @Test("a plan with a terminal and descriptors of the caller's is well formed; too many of them are not")
    func terminal() throws {
        var spec = try RuntimeSpec.standard()
        spec.process?.terminal = true
        spec.process?.consoleSize = .init(rows: 24, columns: 80)
        func verdict(preserved: Int) throws -> String? {
            let plan = try Planner.plan(
                spec, on: HostFacts(cgroups: .unified, architecture: .x86_64, lastCapability: 40, capabilities: .max),
                .init(
                    cgroupPath: nil, rootDescription: "", keyring: nil, hasFilter: false, isStrict: false,
                    preserved: preserved))
            let compiled: CompiledPlan
            do throws(LaunchError) {
                compiled = try CompiledPlan.make(
                    plan, firstNumber: plan.firstChildNumber,
                    references: .init(isDirectory: [true, false], seccomp: [], seccompFlags: 0, lastCapability: 40),
                    descriptors: [0, 1], control: Descriptor(1), timeline: false)
            } catch { return "\(error)" }
            return Self.verdict(try Self.bytes(compiled))
        }
        #expect(try verdict(preserved: 0) == nil)
        #expect(try verdict(preserved: 1024) == nil)
        #expect(try verdict(preserved: 1025)?.contains("a field that points to no such thing") == true)
    }

    @Test("an init that keeps a lock says which descriptor that is; one that is not there is refused")
    func lock() throws {
        var initial = ContainerInit(stopSignal: 15, grace: 1000, deadline: 0)
        func plan() throws -> LaunchPlan {
            try Planner.plan(
                try RuntimeSpec.standard(),
                on: HostFacts(cgroups: .unified, architecture: .x86_64, lastCapability: 40, capabilities: .max),
                .init(
                    cgroupPath: nil, rootDescription: "", keyring: nil, hasFilter: false, isStrict: false,
                    initial: initial))
        }
        #expect(try !plan().descriptors.contains(.lock))
        initial.holdsLock = true
        let plan = try plan()
        let index = try #require(plan.descriptors.firstIndex(of: .lock))
        let end = "; descriptor \(index) is kept until nothing else is left"
        #expect(plan.child.contains { step in step.text(in: plan).hasSuffix(end) })
        func verdict(_ descriptors: [Int32]) throws -> String? {
            let compiled: CompiledPlan
            do throws(LaunchError) {
                compiled = try CompiledPlan.make(
                    plan, firstNumber: plan.firstChildNumber,
                    references: .init(
                        isDirectory: plan.descriptors.map { _ in false }, seccomp: [], seccompFlags: 0,
                        lastCapability: 40),
                    descriptors: descriptors, control: Descriptor(1), timeline: false)
            } catch { return "\(error)" }
            return Self.verdict(try Self.bytes(compiled))
        }
        let all = plan.descriptors.indices.map { Int32($0) }
        #expect(try verdict(all) == nil)
        #expect(try verdict(Array(all[..<index]))?.contains("a field that points to no such thing") == true)
    }

    /// The arena's bytes, copied.
    static func bytes(_ plan: CompiledPlan) throws -> [UInt8] {
        let header = try #require(plan.header)
        return Array(UnsafeRawBufferPointer(start: header, count: Int(header.pointee.size)))
    }

    static func verdict(_ bytes: [UInt8], size: Int? = nil) -> String? {
        var at: UInt32 = 0
        return bytes.withUnsafeBytes {
            launch_validate($0.baseAddress, size ?? $0.count, &at).map { String(cString: $0) }
        }
    }

    @Test("a plan that was compiled is well formed, and a part of it is not")
    func wellFormed() throws {
        let bytes = try Self.bytes(try Self.compiled())
        #expect(Self.verdict(bytes) == nil)
        for size in [0, 8, 100, bytes.count - 1] { #expect(Self.verdict(bytes, size: size) != nil) }
    }

    @Test("whatever bytes change, the validator answers, and never reads outside")
    func mutations() throws {
        let bytes = try Self.bytes(try Self.compiled())
        var refused = 0
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var copy = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                copy[Int.random(in: 0..<copy.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Self.verdict(copy) != nil { refused += 1 }
        }
        #expect(refused > 1000)
    }

    @Test("each field that points somewhere is checked")
    func fields() throws {
        let bytes = try Self.bytes(try Self.compiled())
        let header = bytes.withUnsafeBytes { $0.load(as: launch_header.self) }
        let stride = MemoryLayout<launch_operation>.stride
        for n in 0..<Int(header.operation_count) {
            let at = Int(header.operations) + n * stride
            let kind = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
            guard kind == UInt16(LAUNCH_OP_HOSTNAME.rawValue) || kind == UInt16(LAUNCH_OP_EXEC.rawValue) else {
                continue
            }
            var copy = bytes
            for i in 0..<4 { copy[at + 4 + i] = 0xff }
            #expect(Self.verdict(copy) == "a field that points to no such thing")
        }
        var unknown = bytes
        unknown[Int(header.operations)] = 0xff
        #expect(Self.verdict(unknown) == "an unknown operation")
    }

    /// Where the operations of a kind are in the arena.
    static func places(of kind: launch_kind, in bytes: [UInt8]) -> [Int] {
        let header = bytes.withUnsafeBytes { $0.load(as: launch_header.self) }
        let stride = MemoryLayout<launch_operation>.stride
        return (0..<Int(header.operation_count)).map { Int(header.operations) + $0 * stride }
            .filter { UInt32(bytes[$0]) | UInt32(bytes[$0 + 1]) << 8 == kind.rawValue }
    }

    @Test("a length that is not its string's, and arrays that overlap, are refused")
    func lengths() throws {
        let bytes = try Self.bytes(try Self.compiled())
        for (kind, field) in [(LAUNCH_OP_HOSTNAME, 1), (LAUNCH_OP_SYSCTL, 2)] {
            let at = try #require(Self.places(of: kind, in: bytes).first)
            var copy = bytes
            copy[at + 4 + field * 4] += 1
            #expect(Self.verdict(copy) == "a field that points to no such thing")
        }
        let exec = try #require(Self.places(of: LAUNCH_OP_EXEC, in: bytes).first)
        var same = bytes
        same.replaceSubrange((exec + 8)..<(exec + 12), with: bytes[(exec + 4)..<(exec + 8)])
        #expect(Self.verdict(same) == "arrays that overlap")
    }

    @Test("a plan of more steps than have numbers is refused, and does not trap")
    func tooManySteps() throws {
        var spec = try RuntimeSpec.standard()
        spec.linux.maskedPaths = [String](repeating: "/x", count: 70_000)
        let plan = try Planner.plan(
            spec,
            on: HostFacts(cgroups: .unified, architecture: .x86_64, lastCapability: 40, capabilities: .max),
            .init(cgroupPath: nil, rootDescription: "", keyring: "k", hasFilter: false, isStrict: false))
        #expect(throws: LaunchError.self) {
            _ = try CompiledPlan.make(
                plan, firstNumber: plan.firstChildNumber,
                references: .init(isDirectory: [true], seccomp: [], seccompFlags: 0, lastCapability: 40),
                descriptors: [0], control: Descriptor(1), timeline: false)
        }
    }
}
