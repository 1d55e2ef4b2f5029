/// A systemd service that carries out a task file, in the foreground of the service: systemd.service(5), systemd.kill(5).
package struct SystemdUnit: Hashable, Sendable {
    /// `Restart=`.
    package enum Restart: String, CaseIterable, Sendable {
        case no
        case onFailure = "on-failure"
        case always
    }

    /// The executable's path, and its options before the verb.
    package var program: [String]
    /// Absolute.
    package var taskFile: String
    /// Options of `pod run`.
    package var options: [String] = []
    package let tenant: String
    /// In the order of the file, each once.
    package let pods: [String]
    package var restart: Restart
    /// From the signal to end until the last process of a pod is killed, in seconds.
    package let grace: UInt64

    /// Where all steps say `on_failure: continue`, a failure is nothing to stay down for.
    package init(_ operation: Operation, program: [String], taskFile: String) {
        self.program = program
        self.taskFile = taskFile
        tenant = operation.tenant
        var names: [String] = []
        for pod in operation.steps.compactMap(\.pod) where !names.contains(pod.name) { names.append(pod.name) }
        pods = names
        restart = operation.steps.allSatisfy { $0.onFailure == .continue } ? .onFailure : .no
        grace = operation.terminationGraceSeconds
    }

    /// Of Kubernetes' manifests, whose pods begin their containers anew by themselves.
    package init(_ manifests: ManifestFile, _ tenant: Tenant, program: [String], taskFile: String) {
        self.program = program
        self.taskFile = taskFile
        self.tenant = tenant.name
        pods = manifests.pods.map(\.name)
        restart = .no
        let own = UInt64(clamping: tenant.limits.terminationGrace)
        grace = manifests.pods.map { $0.terminationGrace ?? own }.max() ?? own
    }

    /// The unit file.
    package var text: String {
        let run = program + ["pod", "run", "--tenant", tenant] + options + [taskFile]
        let stop = program + ["pod", "stop", "--ignore", "--tenant", tenant] + pods
        // What the runtime itself needs behind the grace of its pods.
        let margin: UInt64 = 15
        var lines = [
            "# Made by `perigee pod unit`. It goes to /etc/systemd/system; then: systemctl daemon-reload.",
            "[Unit]",
            "Description=Pods of \(SystemdUnit.description(taskFile)), tenant \(tenant)",
            "Documentation=man:perigee-pod-run(1)",
            "After=local-fs.target",
            "",
            "[Service]",
            "Type=exec",
            "ExecStart=\(SystemdUnit.commandLine(run))",
        ]
        if !pods.isEmpty {
            lines += [
                "# The pods have cgroups of their own, so that they outlive a runtime that is killed: then this ends them.",
                "ExecStopPost=-\(SystemdUnit.commandLine(stop))",
            ]
        }
        lines += [
            "# TERM goes to the runtime alone, which ends its pods, and waits for that.",
            "KillMode=mixed",
            "TimeoutStopSec=\(grace + margin)",
            "# 128 + TERM: it was asked to.",
            "SuccessExitStatus=143",
            "Restart=\(restart.rawValue)",
        ]
        if restart != .no {
            lines += [
                "RestartSec=5", "# An invalid file does not become better by itself.", "RestartPreventExitStatus=2",
            ]
        }
        lines += ["", "[Install]", "WantedBy=multi-user.target"]
        return lines.map { $0 + "\n" }.joined()
    }

    // MARK: systemd's words

    /// systemd.service(5), "Command lines": words that mean themselves. Specifiers (`%`) and variables (`$`) are doubled,
    /// what could end a word or a line stands in quotes, with C's escapes (systemd.syntax(7), "Quoting").
    static func commandLine(_ words: [String]) -> String { words.map(word).joined(separator: " ") }

    private static func word(_ text: String) -> String {
        var out = ""
        var isPlain = !text.isEmpty
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "/", ".", "_", "-", ":", "=", ",", "+", "@":
                out.unicodeScalars.append(scalar)
            case "%": out += "%%"
            case "$": out += "$$"
            case "\"", "\\":
                out += "\\"
                out.unicodeScalars.append(scalar)
                isPlain = false
            case "\n":
                out += "\\n"
                isPlain = false
            case "\t":
                out += "\\t"
                isPlain = false
            default:
                isPlain = false
                if scalar.value < 32 || scalar.value == 127 {
                    out += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return isPlain ? out : "\"\(out)\""
    }

    /// For people: without what could end the line, and without specifiers.
    private static func description(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar == "%" {
                out += "%%"
            } else if scalar.value < 32 || scalar.value == 127 || scalar == "\\" {
                out += "?"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
