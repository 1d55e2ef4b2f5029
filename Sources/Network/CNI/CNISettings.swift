/// Where a host has what networks are made of by others' programs, the Container Network Interface: cni.dev, SPEC 1.1.
package struct CNISettings: Hashable, Sendable {
    /// The directory of the networks' configurations.
    package var directory = "/etc/cni/net.d"
    /// Where the plugins are; the first that has one.
    package var programs = ["/usr/lib/cni", "/opt/cni/bin"]
    /// The network's name; nil: that of the first file.
    package var network: String?
    /// Seconds that a plugin has.
    package var patience: Int32 = 60

    package init() {}
}
