import OCI
import Testing

@testable import Pods

/// Init containers with `restartPolicy: Always`, against a clock of the test's own: what Kubernetes' "Sidecar Containers" says.
@Suite struct SidecarTests {
    private static let probe = "startupProbe: {exec: {command: [x]}, periodSeconds: 1}"
    private static let sidecar = "restartPolicy: Always"

    @Test(
        "The next one begins when it has started, by its probe; it stays, and ends after the others, in reverse order")
    func order() throws {
        var play = try PodPlay(
            "{restartPolicy: Never, initContainers: [{name: s, image: x, \(Self.sidecar), \(Self.probe)}, {name: i, image: x}, {name: t, image: x, \(Self.sidecar)}], containers: [{name: a, image: x}]}"
        )
        play.happen(.timePassed)
        #expect(play.take() == ["start s", "probe s startup"] && play.life.phase.reason == "Init:0/3")
        #expect(play.conditions[0].contains("containers with incomplete status: [s i t]"))
        play.happen(.probed(0, .startup, success: true, ""))
        #expect(play.take() == ["start i"] && play.life.phase.reason == "Init:1/3")
        #expect(play.life.phase.phase == .pending)
        play.end(1, 0)
        // One without a probe has started when it runs.
        #expect(play.take() == ["start t", "start a"] && play.life.phase.phase == .running)
        #expect(play.conditions[0] == #"{"type":"Initialized","status":"True"}"#)
        #expect(play.conditions[1] == #"{"type":"Ready","status":"True"}"#)
        play.end(3, 0)
        #expect(play.take() == ["signal t"] && play.life.phase.phase == .running && !play.life.isOver)
        play.end(2, 143)
        #expect(play.take() == ["signal s"])
        play.end(0, 143)
        #expect(play.life.isOver && play.life.phase.phase == .succeeded && play.life.phase.decisive?.exitCode == 0)
        #expect(play.take() == [])
    }

    @Test("It is begun again whatever the pod's policy is, and its end does not count") func again() throws {
        var play = try PodPlay(
            "{restartPolicy: Never, initContainers: [{name: s, image: x, \(Self.sidecar)}], containers: [{name: a, image: x}]}"
        )
        play.happen(.timePassed)
        #expect(play.take() == ["start s", "start a"])
        for code: Int32 in [0, 1] {
            play.end(0, code)
            play.pass(20)
            #expect(play.take() == ["start s"])
        }
        #expect(play.life.lives[0].restarts == 2 && play.life.phase.phase == .running)
        // While it waits to be begun again the pod runs, and is initialized.
        play.end(0, 1)
        #expect(play.life.phase.phase == .running && play.life.phase.isInitialized)
        #expect(play.conditions[1].contains("containers with unready status: [s]"))
        play.end(1, 3)
        #expect(play.life.isOver && play.life.phase.phase == .failed && play.life.phase.decisive?.exitCode == 3)
        #expect(play.take() == [])
    }

    @Test("A request to end: first the others, then the sidecars; what has not ended in time is killed") func stop()
        throws
    {
        var play = try PodPlay(
            "{initContainers: [{name: s, image: x, \(Self.sidecar)}, {name: t, image: x, \(Self.sidecar)}], containers: [{name: a, image: x}]}"
        )
        play.happen(.timePassed)
        _ = play.take()
        play.happen(.stop(killAt: play.now + 10 * PodLife.second))
        #expect(play.take() == ["signal a"])
        play.pass(4)
        play.end(2, 143)
        #expect(play.take() == ["signal t"])
        play.pass(5)
        #expect(play.take() == [])
        play.pass(1)
        #expect(play.take() == ["kill s", "kill t"])
        play.end(0, 137)
        play.end(1, 137)
        #expect(play.life.isOver && play.take() == [])
        // Who leaves no time.
        play = try PodPlay(
            "{initContainers: [{name: s, image: x, \(Self.sidecar)}], containers: [{name: a, image: x}]}")
        play.happen(.timePassed)
        _ = play.take()
        play.happen(.stop(killAt: play.now))
        #expect(play.take() == ["kill s", "kill a"])
    }

    @Test("An init container fails for good: the sidecars end, and the pod has failed") func initFails() throws {
        var play = try PodPlay(
            "{restartPolicy: Never, initContainers: [{name: s, image: x, \(Self.sidecar)}, {name: i, image: x}], containers: [{name: a, image: x}]}"
        )
        play.happen(.timePassed)
        play.end(1, 2)
        #expect(play.take() == ["start s", "start i", "signal s"] && !play.life.isOver)
        play.end(0, 143)
        #expect(play.life.isOver && play.life.phase.phase == .failed && play.life.phase.reason == "Init:Error")
    }

    @Test("One that ends before the others have begun is begun again first") func early() throws {
        var play = try PodPlay(
            "{initContainers: [{name: s, image: x, \(Self.sidecar), \(Self.probe)}, {name: i, image: x}], containers: [{name: a, image: x}]}"
        )
        play.happen(.timePassed)
        play.end(0, 1)
        #expect(play.take() == ["start s", "probe s startup", "cancel s startup", "start s", "probe s startup"])
        play.end(0, 1)
        #expect(play.life.phase.reason == "Init:CrashLoopBackOff" && play.life.phase.phase == .pending)
        let read = try play.life.lives.map { try ContainerLife(JSON(parsing: Array($0.json.text().utf8))) }
        #expect(read == play.life.lives)
    }
}
