// Sidecars: they begin in their turn among the init containers, are begun again whatever the pod's policy is, and end after the
// others, the last first (Kubernetes, "Sidecar Containers"). How they end is nothing to the pod.
extension PodLife {
    /// What the pod is there for has come to its end, or is to.
    var isWindingDown: Bool {
        isStopping || phase.hasFailedInitially || phase.main.allSatisfy { $0.termination != nil }
    }

    /// Ends the last one that runs, where nothing else does; when their time is over, all.
    mutating func endSidecars(_ now: UInt64, _ actions: inout [Action]) {
        guard lives.contains(where: \.isSidecar), isWindingDown else { return }
        let isTimeOver = sidecarsKillAt.map { $0 <= now } ?? false
        if !isTimeOver, lives.contains(where: { $0.isRunning && !$0.isSidecar }) { return }
        let killAt = sidecarsKillAt ?? now &+ grace
        sidecarsKillAt = killAt
        for i in lives.indices.reversed() where lives[i].isSidecar {
            // It would have been begun again.
            if !lives[i].isRunning, let last = lives[i].last, lives[i].termination == nil {
                lives[i].state = .terminated(last)
            }
            guard lives[i].isRunning else { continue }
            if lives[i].killAt == nil { end(i, killAt: killAt, now, &actions) }
            if !isTimeOver { return }
        }
    }
}
