internal import Glibc

/// An address of IP, in numbers.
struct NetworkAddress: Hashable, Sendable {
    let isVersion6: Bool
    /// 4 or 16, in the order of the network.
    let bytes: [UInt8]

    /// Wraps inet_pton(3); nil: `text` is no address.
    init?(_ text: String) {
        var room = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &room) == 1 {
            (isVersion6, bytes) = (false, Array(room[..<4]))
        } else if inet_pton(AF_INET6, text, &room) == 1 {
            (isVersion6, bytes) = (true, room)
        } else {
            return nil
        }
    }
}
