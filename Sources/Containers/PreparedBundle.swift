package import Linux
internal import OCI

/// A container of a bundle, ready to be launched, with what is held for it. Dropped, nothing is left of it.
package struct PreparedBundle: ~Copyable {
    package let launch: ContainerRun
    /// The root file system; nil once it was handed over.
    package var mount: OwnedDescriptor?
    package var state: StateDirectory

    private init(_ launch: ContainerRun, _ mount: consuming OwnedDescriptor, _ state: consuming StateDirectory) {
        self.launch = launch
        self.mount = consume mount
        self.state = state
    }

    /// Makes the state directory of `request`, which is of `bundle`, begins what takes longest, and plans the launch.
    package static func prepare(
        _ request: ContainerRun.Request, of bundle: Bundle, in root: borrowing RuntimeRoot,
        phases measured: LaunchPhases
    ) throws(ContainersError) -> PreparedBundle {
        var phases = measured
        // First what tells of all else, so that it can be removed if this process is killed.
        var state = try StateDirectory.make(request.identifier, try request.record(in: root), in: root)
        phases.end("state directory")
        state.begin(bundle.spec.linux.namespaces, &phases)
        let mount = try bundle.openRoot()
        phases.end("open root file system")
        let launch = try ContainerRun(request, root: root, phases: phases)
        return PreparedBundle(launch, mount, state)
    }
}

extension ContainerRun.Request {
    /// To run `bundle` as it says.
    package init(
        _ identifier: ContainerIdentifier, _ bundle: Bundle, _ handover: Handover, timeline: Bool = false,
        isParked: Bool = false
    ) {
        self.init(
            identifier: identifier, spec: bundle.spec, specPath: bundle.configurationPath,
            rootDescription: "directory \(bundle.rootPath)",
            filter: bundle.filter, isStrict: false, stopsOnSignal: false,
            timeline: timeline, isParked: isParked, handover: handover, bundle: bundle.path)
    }
}
