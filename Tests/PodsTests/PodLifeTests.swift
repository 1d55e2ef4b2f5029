import OCI
import Testing

@testable import Pods

/// The life of a pod's containers against a clock of its own: no container runs, and nobody waits.
@Suite struct PodLifeTests {
    typealias Play = PodPlay

    private static let two = "{restartPolicy: Never, containers: [{name: a, image: i}, {name: b, image: i}]}"

    @Test("Init containers run one after the other, then the others, in order") func order() throws {
        var play = try Play(
            "{restartPolicy: Never, initContainers: [{name: i, image: x}, {name: j, image: x}], containers: [{name: a, image: x}, {name: b, image: x}]}"
        )
        #expect(play.waiting(0) == "ContainerCreating" && play.waiting(2) == "PodInitializing")
        play.happen(.timePassed)
        #expect(play.take() == ["start i"] && play.life.phase.phase == .pending && play.life.phase.reason == "Init:0/2")
        play.end(0, 0)
        #expect(play.take() == ["start j"] && play.life.phase.reason == "Init:1/2")
        play.end(1, 0)
        #expect(play.take() == ["start a", "start b"] && play.life.phase.phase == .running)
        play.end(2, 0)
        #expect(play.life.phase.phase == .running && !play.life.isOver)
        play.end(3, 0)
        #expect(play.life.phase.phase == .succeeded && play.life.isOver && play.life.nextTime == nil)
    }

    /// restartPolicy, what a container ends with, whether it is begun again, and the phase of a pod of one container.
    static let table: [(String, Int32, Bool, PodStatus.Phase)] = [
        ("Always", 0, true, .running), ("Always", 1, true, .running), ("OnFailure", 0, false, .succeeded),
        ("OnFailure", 1, true, .running), ("Never", 0, false, .succeeded), ("Never", 1, false, .failed),
    ]

    @Test("Restart policies and phases, as pod-lifecycle.md has them", arguments: 0..<6) func policies(i: Int) throws {
        let (policy, code, isAgain, phase) = Self.table[i]
        var play = try Play("{restartPolicy: \(policy), containers: [{name: a, image: i}]}")
        play.happen(.timePassed)
        play.end(0, code)
        #expect(play.take() == (isAgain ? ["start a", "start a"] : ["start a"]))
        #expect(play.life.phase.phase == phase && play.life.isOver == !isAgain)
        #expect(play.life.lives[0].restarts == (isAgain ? 1 : 0))
    }

    @Test("Of two containers one fails: the pod fails when the other has ended, and not before") func oneFails() throws
    {
        var play = try Play(Self.two)
        play.happen(.timePassed)
        play.end(0, 3)
        #expect(play.life.phase.phase == .running && !play.life.isOver)
        play.end(1, 0)
        #expect(play.life.phase.phase == .failed && play.life.isOver && play.life.phase.decisive?.exitCode == 3)
    }

    @Test("An init container that fails: the pod's end with Never, again with the others") func initFails() throws {
        let containers = "initContainers: [{name: i, image: x}], containers: [{name: a, image: x}]"
        var never = try Play("{restartPolicy: Never, \(containers)}")
        never.happen(.timePassed)
        never.end(0, 2)
        #expect(never.take() == ["start i"] && never.life.phase.phase == .failed && never.life.isOver)
        #expect(never.life.phase.reason == "Init:Error")
        var always = try Play("{\(containers)}")
        always.happen(.timePassed)
        always.end(0, 2)
        always.end(0, 2)
        #expect(always.take() == ["start i", "start i"] && always.life.phase.phase == .pending)
        #expect(always.life.phase.reason == "Init:CrashLoopBackOff")
        always.pass(10)
        always.end(0, 0)
        #expect(always.take() == ["start i", "start a"])
    }

    @Test("Back-off: at once, 10 s, 20 s, up to 300 s; anew after ten minutes") func backOff() throws {
        var play = try Play("{containers: [{name: a, image: i}]}")
        play.happen(.timePassed)
        for delay: UInt64 in [0, 10, 20, 40, 80, 160, 300, 300] {
            _ = play.take()
            play.end(0, 1)
            if delay > 0 {
                #expect(play.waiting(0) == "CrashLoopBackOff" && play.life.phase.phase == .running)
                play.pass(delay - 1)
                #expect(play.take() == [])
                play.pass(1)
            }
            #expect(play.take() == ["start a"], "\(delay)")
        }
        #expect(play.life.lives[0].restarts == 8)
        play.pass(601)
        play.end(0, 1)
        #expect(play.take() == ["start a"])
    }

    @Test("A probe's times and thresholds: liveness ends the container, and it is begun again") func liveness() throws {
        var play = try Play(
            "{containers: [{name: a, image: i, livenessProbe: {exec: {command: [x]}, initialDelaySeconds: 5, periodSeconds: 2, failureThreshold: 2}}]}"
        )
        play.happen(.timePassed)
        #expect(play.life.lives[0].isReady)
        play.pass(4)
        #expect(play.take() == ["start a"])
        play.pass(1)
        #expect(play.take() == ["probe a liveness"])
        play.happen(.probed(0, .liveness, success: false, "no"))
        play.pass(2)
        #expect(play.take() == ["probe a liveness"])
        // No answer within timeoutSeconds.
        play.pass(1)
        #expect(play.take() == ["cancel a liveness", "signal a"])
        #expect(!play.life.lives[0].isReady)
        play.end(0, 143)
        #expect(play.take() == ["start a"] && play.life.lives[0].restarts == 1)
        #expect(play.life.lives[0].last?.message == "its liveness probe failed: no answer within 1 s")
    }

    @Test("Startup comes before readiness and liveness; readiness comes and goes") func readiness() throws {
        let exec = "exec: {command: [x]}, periodSeconds: 1"
        var play = try Play(
            "{containers: [{name: a, image: i, startupProbe: {\(exec)}, readinessProbe: {\(exec), failureThreshold: 2}}]}"
        )
        play.happen(.timePassed)
        #expect(play.take() == ["start a", "probe a startup"] && !play.life.lives[0].isReady)
        play.happen(.probed(0, .startup, success: true, ""))
        #expect(play.life.lives[0].isStarted && !play.life.lives[0].isReady)
        #expect(play.take() == ["probe a readiness"])
        play.happen(.probed(0, .readiness, success: true, ""))
        #expect(play.life.lives[0].isReady)
        for isReady in [true, false] {
            play.pass(1)
            #expect(play.take() == ["probe a readiness"])
            play.happen(.probed(0, .readiness, success: false, ""))
            #expect(play.life.lives[0].isReady == isReady)
        }
        #expect(play.life.lives[0].isRunning)
    }

    @Test("postStart: the next container waits for it, and its failure ends the container") func postStart() throws {
        let hook = "lifecycle: {postStart: {exec: {command: [x]}}}"
        var play = try Play("{restartPolicy: Never, containers: [{name: a, image: i, \(hook)}, {name: b, image: i}]}")
        play.happen(.timePassed)
        #expect(play.take() == ["start a", "postStart a"] && !play.life.lives[0].isReady)
        play.happen(.hookEnded(0, .postStart, success: true, ""))
        #expect(play.take() == ["start b"] && play.life.lives[0].isReady)
        var failing = try Play("{restartPolicy: Never, containers: [{name: a, image: i, \(hook)}]}")
        failing.happen(.timePassed)
        failing.happen(.hookEnded(0, .postStart, success: false, "exit code 1"))
        #expect(failing.take() == ["start a", "postStart a", "signal a"])
        failing.end(0, 143)
        #expect(failing.life.lives[0].termination?.message == "its postStart hook failed: exit code 1")
    }

    @Test("preStop comes before the signal, within the grace; two seconds more where it took all of it") func preStop()
        throws
    {
        let spec =
            "{containers: [{name: a, image: i, lifecycle: {preStop: {exec: {command: [x]}}}}, {name: b, image: i}]}"
        var play = try Play(spec)
        play.happen(.timePassed)
        _ = play.take()
        play.happen(.stop(killAt: play.now + 30 * PodLife.second))
        #expect(play.take() == ["preStop a", "signal b"])
        play.happen(.hookEnded(0, .preStop, success: true, ""))
        #expect(play.take() == ["signal a"])
        play.end(1, 143)
        play.pass(29)
        #expect(play.take() == [] && !play.life.isOver)
        play.pass(1)
        #expect(play.take() == ["kill a"])
        play.end(0, 137)
        #expect(play.life.isOver && play.life.lives[0].restarts == 0)
        var long = try Play(spec)
        long.happen(.timePassed)
        long.happen(.stop(killAt: long.now + 5 * PodLife.second))
        _ = long.take()
        long.pass(5)
        #expect(long.take() == ["cancel preStop a", "signal a", "kill b"])
        long.pass(2)
        #expect(long.take().contains("kill a"))
    }

    @Test("Who leaves no time kills at once") func force() throws {
        var play = try Play("{containers: [{name: a, image: i, lifecycle: {preStop: {sleep: {seconds: 9}}}}]}")
        play.happen(.timePassed)
        play.happen(.stop(killAt: play.now + 30 * PodLife.second))
        _ = play.take()
        play.happen(.stop(killAt: play.now))
        #expect(play.take() == ["cancel preStop a", "kill a"])
    }

    @Test("The deadline runs from the first container's start, and init containers count") func deadline() throws {
        var play = try Play(
            "{restartPolicy: Never, activeDeadlineSeconds: 10, initContainers: [{name: i, image: x}], containers: [{name: a, image: x}]}"
        )
        play.pass(100)
        play.happen(.timePassed)
        play.pass(6)
        play.end(0, 0)
        play.pass(3)
        #expect(play.take() == ["start i", "start a"])
        play.pass(1)
        #expect(play.take() == ["overdue"])
        play.happen(.stop(killAt: play.now + 30 * PodLife.second))
        #expect(play.take() == ["signal a"])
    }

    @Test("What can't be created is tried again, and tells why") func notCreated() throws {
        var play = try Play(Self.two)
        _ = play.life.handle(.timePassed, at: play.now)
        let actions = play.life.handle(.notCreated(0, reason: "CreateContainerConfigError", message: "m"), at: play.now)
        #expect(actions == [.start(1)] && play.waiting(0) == "CreateContainerConfigError")
        #expect(play.life.phase.phase == .pending)
        play.happen(.started(1, wall: 0))
        play.pass(10)
        #expect(play.take() == ["start a"])
    }

    @Test("A state that was written is the state that is read, and goes on") func kept() throws {
        var play = try Play("{containers: [{name: a, image: i}]}")
        play.happen(.timePassed)
        play.end(0, 1)
        play.end(0, 7)
        let text = play.life.lives.map { $0.json.text() }
        let read = try play.life.lives.map { try ContainerLife(JSON(parsing: Array($0.json.text().utf8))) }
        #expect(read == play.life.lives, "\(text)")
        var after = play
        after.life = PodLife(play.life.manifest, lives: read, deadline: nil, grace: play.life.grace)
        _ = after.take()
        after.pass(9)
        #expect(after.take() == [])
        after.pass(1)
        #expect(after.take() == ["start a"] && after.life.lives[0].restarts == 2)
    }

    @Test("Conditions as Kubernetes has them") func conditions() throws {
        func texts(_ play: Play) -> [String] {
            play.life.phase.conditions(of: play.life.phase.phase).map { $0.text() }
        }
        var play = try Play(
            "{restartPolicy: Never, initContainers: [{name: i, image: x}], containers: [{name: a, image: x}]}")
        play.happen(.timePassed)
        #expect(
            texts(play)[0]
                == #"{"type":"Initialized","status":"False","reason":"ContainersNotInitialized","message":"containers with incomplete status: [i]"}"#
        )
        #expect(
            texts(play)[1]
                == #"{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"containers with unready status: [a]"}"#
        )
        play.end(0, 0)
        #expect(texts(play)[0] == #"{"type":"Initialized","status":"True"}"#)
        #expect(texts(play)[2] == #"{"type":"ContainersReady","status":"True"}"#)
        play.end(1, 0)
        #expect(texts(play)[1] == #"{"type":"Ready","status":"False","reason":"PodCompleted"}"#)
    }
}

/// What probes send and read, and how limits are shared out.
@Suite struct PodPartsTests {
    @Test("A request, and the status in an answer") func http() {
        var get = HTTPGet(host: "::1", port: 80, path: "/a?b")
        get.headers = [.init(name: "X-A", value: "b c")]
        #expect(
            String(decoding: get.bytes, as: UTF8.self)
                == "GET /a?b HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: perigee-probe\r\nAccept: */*\r\nConnection: close\r\nX-A: b c\r\n\r\n"
        )
        get.headers = [.init(name: "host", value: "web")]
        #expect(!String(decoding: get.bytes, as: UTF8.self).contains("[::1]"))
        for (line, status): (String, Int?) in [
            ("HTTP/1.1 200 OK\r", 200), ("HTTP/1.0 404", 404), ("HTTP/2 200", nil), ("200 OK", nil), ("", nil),
            ("HTTP/1.1 20 OK", nil), ("HTTP/1.1 2000", nil),
        ] {
            #expect(HTTPGet.status(of: Array(line.utf8)[...]) == status, "\(line)")
        }
    }

    @Test("Who says how much has that, and the others have the rest in equal parts") func shares() {
        let shares = LimitShares(512, [100, nil, nil])
        #expect(shares[0] == 100 && shares[1] == 206 && shares[2] == 206)
        #expect(LimitShares(nil, [nil, 5])[0] == nil && LimitShares(nil, [nil, 5])[1] == 5)
        #expect(LimitShares(512, [nil])[0] == 512)
    }

    @Test("A path below another") func below() {
        #expect(
            ManifestReader.isBelow("/a/b", "/a") && ManifestReader.isBelow("/a/", "/a")
                && ManifestReader.isBelow("/a", "/"))
        #expect(!ManifestReader.isBelow("/ab", "/a") && !ManifestReader.isBelow("/", "/a"))
        #expect(ManifestReader.isBelow("/a/./b", "/a/b"))
    }
}
