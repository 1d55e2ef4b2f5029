import Foundation
import Testing

@Suite(.serialized) struct DemoTests {
    let perigee = Perigee.shared

    @Test("an arm64 image runs, and what it wrote to /data is there the next time")
    func demo() {
        let first = perigee.pod("--tenant", "demo", "echo hello > /data/msg.txt && uname -m", image: "demo")
        #expect(first.output == "aarch64\n", "\(first.errors)")
        let second = perigee.pod("--tenant", "demo", "cat /data/msg.txt | grep hello", image: "demo")
        #expect(second.output == "hello\n", "\(second.errors)")
        #expect(perigee.pod("--tenant", "other", "cat /data/msg.txt", image: "demo").status == 1)
        #expect(perigee.pod("--tenant", "demo", "--volume", "second", "cat /data/msg.txt", image: "demo").status == 1)
    }

    @Test("the exit code is the command's")
    func exitCodes() {
        #expect(perigee.pod("exit 7").status == 7)
        #expect(perigee.pod("--", "/bin/sh", "-c", "kill -9 $$; exit 3").status == 3)  // pid 1 is safe from itself
        #expect(perigee.pod("nosuchcommand").status == 127)
        let missing = perigee.pod("--", "nosuchcommand")
        #expect(missing.status == 127 && missing.errors.contains("executable file not found in $PATH"))
        let absolute = perigee.pod("--", "/no/such")
        #expect(absolute.status == 127 && absolute.errors.contains("no such file or directory"))
        let denied = perigee.pod("--", "/etc/passwd")
        #expect(denied.status == 126 && denied.errors.contains("permission denied"))
        let noImage = perigee.run(["pod", "run", "--image", "nope", "true"])
        #expect(noImage.status == 125 && noImage.errors.contains("no such image: nope"))
    }

    @Test("what can't be executed is told apart")
    func execErrors() throws {
        let bundle = try TestBundle()
        let bin = bundle.path + "/rootfs/usr/bin"
        try FileManager.default.createDirectory(atPath: bin, withIntermediateDirectories: true)
        func script(_ name: String, _ text: String, mode: Int = 0o755) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(bin)/\(name)"))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(bin)/\(name)")
        }
        try script("crlf", "#!/bin/sh\r\necho hi\r\n")
        try script("noint", "#!/opt/nothing\n")
        try script("text", "hello\n")
        var bytes = Array("\u{7f}ELF".utf8) + [2, 1, 1] + [UInt8](repeating: 0, count: 57)
        bytes[16] = 2
        bytes[18] = 21  // ppc64
        try Data(bytes).write(to: URL(fileURLWithPath: bin + "/foreign"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bin + "/foreign")
        for (name, words) in [
            ("crlf", "carriage return"), ("noint", "interpreter \"/opt/nothing\" is not in the image"),
            ("text", "exec format error"), ("foreign", "the program is for ppc64le"),
        ] {
            var copy = try TestBundle()
            copy.set("process/args", ["/usr/bin/\(name)"])
            try? FileManager.default.removeItem(atPath: copy.path + "/rootfs/usr")
            try FileManager.default.copyItem(atPath: bundle.path + "/rootfs/usr", toPath: copy.path + "/rootfs/usr")
            let outcome = try copy.run()
            #expect(outcome.status == 1 && outcome.errors.contains(words), "\(name): \(outcome.errors)")
        }
    }

    @Test("at the deadline TERM comes first, then KILL, and the exit code is 124")
    func deadline() {
        let start = Date()
        let willing = perigee.pod(
            "--timeout", "1s", "--json", "trap 'echo ended; exit 3' TERM; while :; do sleep 0.1; done")
        #expect(willing.status == 124 && willing.output == "ended\n")
        #expect(willing.errors.contains("\"reason\": \"deadline\""))
        #expect(Date().timeIntervalSince(start) < 10.5)
        let stubborn = perigee.pod("--timeout", "500ms", "trap '' TERM; while :; do sleep 0.1; done")
        #expect(stubborn.status == 124)
        #expect(Date().timeIntervalSince(start) > 10)
    }

    @Test(
        "a usage error is 2, and helps",
        arguments: [
            (["pod", "run", "--image", "demo-host", "several", "words"], "several words"),
            (["pod", "run", "--imgae", "x"], "did you mean '--image'?"),
            (["pod", "run", "--image", "x", "--memory", "lots"], "not a size"),
            (["pod", "run"], "needs a task file, or --image"), (["pod", "xyz"], "there are run"),
            (["pod"], "pod list "),
            (["imgae"], "did you mean 'image'?"),
            (["run"], "needs one operand"), ([], "no verb"),
        ])
    func usage(arguments: [String], words: String) {
        let outcome = perigee.run(arguments)
        #expect(outcome.status == 2 && outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test("environment, list form and the image's own command")
    func forms() {
        #expect(perigee.pod("--env", "A=b c", "-e", "PATH=/bin", "echo $A $PATH").output == "b c /bin\n")
        #expect(perigee.pod("--", "/bin/echo", "$HOME", "`x`").output == "$HOME `x`\n")
        #expect(perigee.pod().status == 0)  // sh with nothing to read
    }

    @Test("images are listed, inspected, unpacked and removed")
    func imageVerbs() throws {
        let own = Perigee(directory: perigee.directory + "/verbs")
        #expect(own.run(["image", "load", "\(Perigee.images)/demo.docker.tar"]).status == 0)
        #expect(own.run(["image", "list"]).output.contains("linux/arm64"))
        #expect(own.run(["image", "inspect", "demo"]).output.contains("\"chainID\""))
        #expect(own.run(["image", "unpack", "demo", own.directory + "/tree"]).status == 0)
        #expect(FileManager.default.fileExists(atPath: own.directory + "/tree/bin/busybox"))
        #expect(own.run(["image", "remove", "demo"]).status == 0)
        #expect(own.run(["image", "remove", "demo"]).status == 4)
        #expect(try FileManager.default.contentsOfDirectory(atPath: own.store + "/layers").isEmpty)
    }
}
