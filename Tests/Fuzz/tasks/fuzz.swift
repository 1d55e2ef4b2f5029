// Task files: whatever the bytes are, the reader ends, tells a place for each problem, and what it lets through keeps to the
// rules and can be read again from the manifests.
import OCI

@testable import Pods

/// libFuzzer calls it with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: data, count: size))
    let text = YAMLReader.read(bytes)
    // libyaml has more ends of lines than one.
    let most = size + 1
    for problem in text.problems {
        demand((1...most).contains(problem.position.line), "line \(problem.position.line) of \(size) bytes")
        demand((1...most).contains(problem.position.column), "column \(problem.position.column) of \(size) bytes")
    }
    for document in text.documents { checkScalars(document) }
    do throws(PodsError) {
        checkOperation(try TaskFile.parse(bytes, name: "f", tenant: "client1").operation)
    } catch {
        guard case .invalidTaskFile(_, let problems, _) = error else { fatalError("broke a rule: \(error)") }
        demand(!problems.isEmpty, "refused without a problem")
        demand(zip(problems, problems.dropFirst()).allSatisfy { $0.position <= $1.position }, "not in order")
    }
    return 0
}

/// Each text is the same when it is written and read again.
private func checkScalars(_ value: YAML) {
    switch value.content {
    case .scalar(let text, _):
        if text.utf8.contains(0) { return }
        let again = YAMLReader.read(Array("- \(YAMLWriter.scalar(text))\n".utf8))
        guard case .list(let items)? = again.documents.first?.content, case .scalar(text, _) = items.first?.content
        else {
            fatalError("broke a rule: a text is another when it is read again: \(text)")
        }
    case .list(let items): for item in items { checkScalars(item) }
    case .mapping(let members): for member in members { checkScalars(member.value) }
    }
}

private func checkOperation(_ operation: Operation) {
    demand(!operation.steps.isEmpty, "no step")
    demand(Set(operation.steps.map(\.id)).count == operation.steps.count, "an id stands twice")
    for group in operation.groups {
        demand(!group.steps.isEmpty, "an empty group")
        demand(!group.isMerged || group.steps.allSatisfy { $0.pod != nil }, "a group of others than pods")
    }
    for step in operation.steps {
        demand(
            !step.id.utf8.contains(UInt8(ascii: "/")) && step.id != ".." && step.id.utf8.count <= 200,
            "the id \(step.id)")
        switch step.work {
        case .podRun(let pod):
            demand(pod.hostname.utf8.count <= 63 && Volume.isLabel(pod.hostname), "the host name \(pod.hostname)")
            demand(Volume.isLabel(pod.volume) && ImageReference(pod.image) != nil, "the volume or image")
            let words = pod.command.words(entrypoint: ["x"], command: [])
            demand(words.first?.isEmpty == false, "nothing to execute")
            let texts = words + pod.environment.map(\.value)
            demand(texts.allSatisfy { !$0.utf8.contains(0) }, "a NUL byte went through")
        case .uplink(let uplink):
            let paths = uplink.sources.map(\.path) + [uplink.destination]
            for part in paths.flatMap(\.parts) {
                demand(
                    !part.isEmpty && part != "." && part != ".." && !part.utf8.contains(UInt8(ascii: "/")),
                    "the part \(part)")
            }
        }
    }
    let bundle = TaskBundle(operation)
    let paths = bundle.files.map(\.path) + bundle.copies.map(\.path)
    demand(Set(paths).count == paths.count, "two files of a bundle have one name")
    for file in bundle.files where file.path.hasPrefix("manifests/") {
        let text = YAMLReader.read(Array(file.text.utf8))
        demand(text.problems.isEmpty && !text.documents.isEmpty, "a manifest can't be read")
    }
}
