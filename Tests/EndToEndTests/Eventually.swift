import Foundation

/// Waits until `condition` holds, and says whether it does. The time is for a machine that is busy: at most a minute.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(60)
    while true {
        if try condition() { return true }
        if Date() > end { return false }
        Thread.sleep(forTimeInterval: 0.01)
    }
}
