import Testing

@testable import perigee

struct CompleterTests {
    private func complete(_ words: String...) -> [String] {
        Completer(words, GlobalOptions()) { kind, global, tenant in
            switch kind {
            case .image: [("demo:latest", "linux/arm64"), ("demo:2", "")]
            case .pod: [("pod-of-\(tenant ?? "caller")", "in \(global.root)")]
            case .container: [("box", "")]
            case .tenant: [("client1", "")]
            case .volume: [("data", "")]
            case .identifier: [("web", "")]
            default: []
            }
        }.lines
    }

    private func words(_ lines: [String]) -> [String] { lines.map { String($0.split(separator: "\t")[0]) } }

    @Test("Verbs, of one word and of two, and those that the help tells of")
    func verbs() {
        #expect(words(complete("")).contains("pod") && words(complete("")).contains("run"))
        #expect(!words(complete("")).contains("complete"))
        #expect(words(complete("vol")) == ["volume"])
        #expect(words(complete("pod", "st")) == ["status", "stats", "stop"])
        let summary = "check a task file or Pod manifests, and show what they come to"
        #expect(complete("pod", "valid") == ["validate\t" + summary])
        #expect(words(complete("help", "conta")) == ["container"])
        #expect(words(complete("help", "image", "p")) == ["prune"])
        #expect(words(complete("man", "image", "p")) == ["prune"])
        #expect(
            complete("nosuch", "") == [] && complete("pod", "nosuch", "") == []
                && complete("man", "pod", "rm", "") == [])
        #expect(!words(complete("pod", "")).contains("supervise"))
    }

    @Test("Options, before the verb and behind it, and their values")
    func options() {
        #expect(words(complete("--st")) == ["--store"])
        #expect(complete("--store", "") == [":directory"] && complete("--config-file=") == [":file"])
        #expect(words(complete("--log-format", "")) == ["text", "json"])
        #expect(words(complete("pod", "run", "--im")) == ["--image"])
        #expect(words(complete("pod", "run", "--image", "")) == ["demo", "demo:2"])
        #expect(words(complete("pod", "run", "--image", "demo:")) == ["demo:latest", "demo:2"])
        #expect(words(complete("pod", "run", "--image=de")) == ["--image=demo", "--image=demo:2"])
        #expect(words(complete("pod", "run", "--node=g")) == ["--node=gpu"])
        #expect(complete("pod", "run", "--memory", "") == [] && complete("pod", "run", "--memory=") == [])
        #expect(words(complete("container", "list", "--format", "s")) == ["simple"])
        #expect(words(complete("container-list", "--format", "s")) == ["simple"])
        #expect(complete("pod", "unit", "--restart", "on") == ["on-failure"])
        #expect(complete("pod", "run", "--timeline", "") == [":file"])
        #expect(complete("pod", "run", "--timeline=") == [":file"])
    }

    @Test("Operands, by the verb and by their place")
    func operands() {
        #expect(complete("pod", "logs", "-f", "") == ["pod-of-caller\tin /run/perigee"])
        #expect(complete("--root", "/r", "pod", "logs", "--tenant", "c", "") == ["pod-of-c\tin /r"])
        #expect(complete("pod", "logs", "--tenant=d", "p") == ["pod-of-d\tin /run/perigee"])
        #expect(complete("pod", "logs", "a", "") == [])
        #expect(words(complete("pod", "stop", "a", "b", "")) == ["pod-of-caller"])
        #expect(complete("container", "retire", "a", "") == ["box"] && complete("container", "stop", "") == ["box"])
        #expect(complete("pod", "run", "") == [":file"] && complete("pod", "run", "--image", "demo", "x", "") == [])
        #expect(complete("image", "load", "") == [":file"])
        #expect(complete("image", "unpack", "demo", "") == [":directory"])
        #expect(complete("image", "delete", "a", "demo:2") == ["demo:2"])
        #expect(complete("volume", "put", "") == [":file"] && complete("volume", "put", "a", "") == [":file", "data"])
        #expect(complete("volume", "rm", "") == ["data"])
        #expect(complete("state", "") == ["web"] && complete("run", "") == [] && complete("exec", "web", "") == [])
        #expect(complete("pod", "exec", "p", "--", "") == [] && complete("pod", "exec", "p", "--", "-") == [])
        #expect(complete("completion", "z") == ["zsh"])
        #expect(Completer([], GlobalOptions()) { _, _, _ in [] }.lines.count > 10)
    }
}
