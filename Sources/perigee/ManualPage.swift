/// Pages for man(1), made of the same table as the parser and the help: groff_man(7).
enum ManualPage {
    /// The page of the whole, perigee(1).
    static var overview: String {
        var text = head("perigee", "a container runtime for Linux")
        text += ".SH SYNOPSIS\n\\fBperigee\\fR [\\fIGLOBAL OPTIONS\\fR] \\fIVERB\\fR [\\fIOPTIONS\\fR] [...]\n"
        text += ".SH VERBS\n"
        for name in Verb.Name.listed {
            text +=
                ".TP\n\\fB\(escaped(name.rawValue))\\fR\n\(sentence(name.verb.summary))"
                + " See \\fB\(escaped(pageName(name)))\\fR(1).\n"
        }
        text += ".SH GLOBAL OPTIONS\n" + options(GlobalOptions.table)
        text += ".SH EXIT STATUS\n" + paragraphs(Help.exitCodes)
        return text
    }

    /// The page of a verb, perigee-VERB(1).
    static func of(_ verb: Verb) -> String {
        var text = head(pageName(verb.name), verb.summary)
        text += ".SH SYNOPSIS\n\\fBperigee\\fR [\\fIGLOBAL OPTIONS\\fR] \\fB\(escaped(verb.name.rawValue))\\fR"
        if !verb.options.isEmpty { text += " [\\fIOPTIONS\\fR]" }
        text += (verb.operands.isEmpty ? "" : " " + escaped(verb.operands)) + "\n"
        text += ".SH DESCRIPTION\n\(sentence(verb.summary))\n"
        if !verb.notes.isEmpty { text += ".PP\n" + paragraphs(verb.notes) }
        if !verb.options.isEmpty { text += ".SH OPTIONS\n" + options(verb.options) }
        text += ".SH SEE ALSO\n.BR perigee (1)"
        let others = Verb.Name.listed.filter {
            $0 != verb.name && $0.words.count > 1 && $0.words[0] == verb.name.words[0]
        }
        for other in others { text += ",\n.BR \(escaped(pageName(other))) (1)" }
        return text + "\n"
    }

    /// `perigee-pod-run`
    static func pageName(_ name: Verb.Name) -> String {
        "perigee-" + name.words.joined(separator: "-")
    }

    private static func head(_ name: String, _ summary: String) -> String {
        let title = escaped(name.uppercased())
        return """
            .TH "\(title)" "1" "" "perigee \(CommandLineTool.version)" "perigee"
            .nh
            .ad l
            .SH NAME
            \(escaped(name)) \\- \(escaped(summary))

            """
    }

    private static func sentence(_ summary: String) -> String {
        let text = escaped(summary)
        return text.prefix(1).uppercased() + text.dropFirst() + "."
    }

    private static func options(_ table: [Option]) -> String {
        table.map { option in
            var text = ".TP\n" + (option.short.map { "\\fB\(escaped($0))\\fR, " } ?? "")
            text += "\\fB\(escaped(option.name))\\fR"
            if let value = option.value.map(escaped) {
                text += option.isOptional ? "[=\\fI\(value)\\fR]" : " \\fI\(value)\\fR"
            }
            return text + "\n\(line(option.help))\n"
        }.joined()
    }

    /// An empty line is between two of them.
    private static func paragraphs(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? ".PP\n" : line(String($0)) + "\n" }.joined()
    }

    /// What begins a line is no request.
    private static func line(_ text: String) -> String {
        let written = escaped(text)
        return written.hasPrefix(".") || written.hasPrefix("'") ? "\\&" + written : written
    }

    /// Characters that mean something to groff, or that it would set as others.
    private static func escaped(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\(rs"
            case "-": out += "\\-"
            case "'": out += "\\(aq"
            case "`": out += "\\(ga"
            case "^": out += "\\(ha"
            case "~": out += "\\(ti"
            case "\"": out += "\\(dq"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
