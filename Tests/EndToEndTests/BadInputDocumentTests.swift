import Testing

struct BadInputDocumentTests {
    /// What is run for each section of the document, in its order.
    static let sections: [(name: String, inputs: [String])] = [
        ("The image of a pod", BadImageTests.cases.map(\.input)),
        ("Mount points", (BadMountPointTests.podCases + BadMountPointTests.bundleCases).map(\.input)),
        ("The command", BadCommandTests.cases.map(\.input)),
        (BadConfigurationTests.section, BadConfigurationTests.cases.map(\.input) + [BadConfigurationTests.tiny]),
        (BadTaskTests.section, BadTaskTests.cases.map(\.input)),
        (
            "The command line, and who calls",
            BadOptionTests.cases.map(\.input) + [InterruptionTests.rivals, StandardStreamTests.fullDisk]
        ),
        (VolumeTests.section, VolumeTests.cases.map(\.input)),
        (LimitsTests.section, LimitsTests.cases.map(\.input)),
    ]

    @Test("the document has a row for each bad input that is run, and no other", arguments: sections)
    func rows(section: String, inputs: [String]) throws {
        #expect(Set(try BadInputDocument.inputs(ofSection: section)) == Set(inputs))
    }
}
