import Foundation

/// Waits until `condition` holds, and says whether it does. The time is for a machine that is busy, or stands still for a
/// minute: at most three.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(180)
    while true {
        if try condition() { return true }
        if Date() > end { return false }
        Thread.sleep(forTimeInterval: 0.01)
    }
}
