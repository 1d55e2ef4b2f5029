import Foundation
import Testing

/// `perigee completion` and `perigee man`, as shells and man(1) read them.
@Suite(.serialized) struct CompletionTests {
    /// The bash function, asked for what could stand at the end of `line`.
    private func bash(_ line: String) throws -> [String] {
        let directory = Perigee.shared.directory + "/completion-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let wrapper = "#!/bin/sh\nexec \(Perigee.shared.command([]).joined(separator: " ")) \"$@\"\n"
        try Data(wrapper.utf8).write(to: URL(fileURLWithPath: directory + "/perigee"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory + "/perigee")
        let script = """
            PATH=\(directory):$PATH; cd /usr; source <(perigee completion bash)
            [[ $(complete -p perigee) == 'complete -F _perigee perigee' ]] || exit 9
            COMP_LINE=$1; COMP_POINT=${#1}; _perigee; printf '%s\\n' "${COMPREPLY[@]}"
            """
        let outcome = Perigee.execute(["bash", "--norc", "-c", script, "bash", line])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        return outcome.output.split(separator: "\n").map(String.init).sorted()
    }

    @Test("bash: verbs, options, what there is, and files")
    func inBash() throws {
        #expect(try bash("perigee cont") == ["container"])
        #expect(try bash("perigee pod st") == ["stats", "status", "stop"])
        #expect(try bash("perigee  pod   run --ima") == ["--image"])
        #expect(try bash("perigee pod run --image ").contains("demo-host"))
        // What bash breaks words at is not repeated.
        #expect(try bash("perigee pod run --image=demo-h") == ["demo-host"])
        #expect(try bash("perigee pod run --image demo-host:") == ["latest"])
        #expect(try bash("perigee --store=/usr/li").contains("/usr/lib"))
        #expect(try bash("perigee spec -b sha") == ["share"])
        #expect(try bash("perigee pod validate /etc/passw").contains("/etc/passwd"))
        #expect(try bash("perigee nosuch ") == [])
        let projects = try TestProjects("completion")
        defer { projects.clean() }
        projects.deploy("thesis")
        projects.tenant.submit("train", "sleep 100")
        #expect(try bash("perigee container attach --tenant completion ") == ["thesis"])
        #expect(try bash("perigee pod logs --tenant completion ") == ["thesis", "train"])
        #expect(
            try bash("perigee --config-file \(projects.configuration) container retire --tenant completion t") == [
                "thesis"
            ])
    }

    @Test("It is quiet, and makes nothing: without a store, without rights, with words that are none")
    func quiet() throws {
        let nowhere = Perigee.shared.directory + "/nowhere"
        for words in [
            ["image", "inspect", ""], ["pod", "logs", ""], ["volume", "rm", ""], ["state", ""],
            ["container", "stop", ""],
            ["--config-file", "/dev/null", "pod", "logs", ""], [], ["\u{1}", "'", "\n"],
        ] {
            let line = [Perigee.binary, "--store", nowhere, "--root", nowhere, "complete", "--"] + words
            for before in [[], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]] {
                let outcome = Perigee.execute(before + line)
                #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(words): \(outcome)")
                #expect(words.isEmpty == !outcome.output.isEmpty, "\(words): \(outcome)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: nowhere))
    }

    @Test("Other shells read their scripts", arguments: ["zsh", "fish"])
    func syntax(shell: String) throws {
        let script = Perigee.shared.run(["completion", shell])
        #expect(script.status == 0 && script.output.contains("complete --"), "\(script)")
        let path = Perigee.shared.directory + "/completion.\(shell)"
        try Data(script.output.utf8).write(to: URL(fileURLWithPath: path))
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/\(shell)") else { return }
        let outcome = Perigee.execute([shell, "-n", path])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
    }

    @Test("A page for each verb, which man(1) formats without a warning")
    func manual() throws {
        let directory = Perigee.shared.directory + "/man1"
        #expect(Perigee.shared.run(["man", "--output", directory]).status == 0)
        let pages = try FileManager.default.contentsOfDirectory(atPath: directory)
        #expect(pages.contains("perigee.1") && pages.contains("perigee-container-deploy.1") && pages.count > 50)
        #expect(!pages.contains("perigee-pod-supervise.1"))
        let one = Perigee.shared.run(["man", "pod-run"])
        #expect(one.output == (try String(contentsOfFile: directory + "/perigee-pod-run.1", encoding: .utf8)))
        #expect(Perigee.shared.run(["man", "nosuch"]).status == 2)
        #expect(Perigee.shared.run(["completion", "tcsh"]).status == 2)
        guard FileManager.default.isExecutableFile(atPath: "/usr/bin/groff") else { return }
        let outcome = Perigee.shell(
            "for page in \(directory)/*; do groff -man -Tascii -ww $page >/dev/null || exit 1; done")
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome)")
        let text = Perigee.shell("groff -man -Tascii -P -cbou -rLL=100n \(directory)/perigee-pod-run.1").output
        #expect(text.contains("perigee [GLOBAL OPTIONS] pod run [OPTIONS] FILE | --image IMAGE"), "\(text)")
        #expect(text.contains("-m, --memory SIZE\n"))
    }
}
