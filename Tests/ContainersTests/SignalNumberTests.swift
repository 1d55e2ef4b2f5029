import Testing

@testable import Containers

struct SignalNumberTests {
    @Test(
        "an image's stop signal by name or number",
        arguments: [
            (nil, 15), ("", 15), ("SIGTERM", 15), ("quit", 3), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63),
            ("RTMIN", 34), ("0", nil), ("65", nil), ("SIGMOON", nil), ("RTMIN+31", nil), ("RTMIN+-1", nil),
        ] as [(String?, Int32?)])
    func stopSignal(text: String?, number: Int32?) { #expect(SignalNumber.stop(text) == number) }
}
