internal import Containers

/// The Pods of a file of manifests: submitted together, and followed until all have ended, or left alone.
package struct ManifestRun {
    private let tenant: Tenant
    private let configuration: Configuration
    private let list: PodList
    private let file: ManifestFile
    /// Of each Pod in the order of the file.
    private let records: [PodRecord]

    /// Of the file's Pods, for `tenant`; nothing is accepted yet.
    package static func begin(
        _ file: ManifestFile, _ tenant: Tenant, _ configuration: Configuration, _ list: PodList
    ) throws(PodsError) -> ManifestRun {
        let submission = ContainerIdentifier.random().text
        var records: [PodRecord] = []
        for index in file.pods.indices {
            records.append(
                try PodRecord.accepted(file, index, tenant, configuration, submission: submission))
        }
        return ManifestRun(tenant, configuration, list, file, records)
    }

    private init(
        _ tenant: Tenant, _ configuration: Configuration, _ list: PodList, _ file: ManifestFile, _ records: [PodRecord]
    ) {
        self.tenant = tenant
        self.configuration = configuration
        self.list = list
        self.file = file
        self.records = records
    }

    /// Submits them as ``PodList/submitAndLeave(_:of:_:from:)`` does.
    package func submit() throws(PodsError) -> Never {
        try list.submitAndLeave([records], of: tenant, configuration, from: file)
    }

    /// What became of a pod.
    package typealias End = (hostname: String, status: PodStatus)

    /// Submits them, and stays until all have ended; what happens is told, a line each. With the signal that has ended them
    /// before.
    package func run(tell: @escaping (String) -> Void) throws(PodsError) -> (ends: [End], signal: Int32?) {
        var follower = try PodFollower.make(list, tell: tell)
        try list.submit([records], of: tenant, configuration, from: file)
        for record in records { tell("pod \(record.hostname) is accepted") }
        let statuses = try follower.follow(records) { "pod \($0.hostname)" }
        return (zip(records, statuses).map { ($0.hostname, $1) }, follower.interrupted)
    }
}
