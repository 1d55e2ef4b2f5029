import Testing

struct CommandStringTests {
    /// The shell executes `cat` in its own place, and the string is the third of its own arguments.
    private func argument(_ text: String) -> String {
        let command = "cat /proc/1/cmdline; : " + text
        let words = Perigee.shared.pod(command).output.split(separator: "\0", omittingEmptySubsequences: false)
        return words.count > 2 ? String(words[2].dropFirst("cat /proc/1/cmdline; : ".count)) : "\(words)"
    }

    @Test(
        "the command string arrives byte for byte",
        arguments: [
            "'single' \"double\"", "$HOME $(date) `x` ${A:-b}", "tab\there", "two\nlines\n", "  blanks  ", "ünï→漢🚀",
            "\\n \\\\ \\'", "#!%&*?[]{}|;<>",
        ])
    func verbatim(text: String) {
        #expect(
            argument("'" + text.replacing("'", with: "'\\''") + "'") == "'" + text.replacing("'", with: "'\\''") + "'")
    }

    @Test("a string of 100 KB arrives whole")
    func long() {
        let text = String(repeating: "0123456789", count: 10_240)
        #expect(Perigee.shared.pod("printf %s \(text) | wc -c").output == "102400\n")
    }
}
