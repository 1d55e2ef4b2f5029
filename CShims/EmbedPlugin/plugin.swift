import Foundation
import PackagePlugin

/// Puts into a target, as Swift constants, what it carries at run time: the stage into Launching, and the default
/// specification and seccomp profile of Rootfs into the rooms that read them. So one file is installed, and a plain
/// `swift build` makes it.
@main struct EmbedPlugin: BuildToolPlugin {
    func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
        let root = context.package.directoryURL
        let output = context.pluginWorkDirectoryURL
        switch target.name {
        case "Launching":
            let stage = root.appending(path: "CShims/Stage")
            let shared = root.appending(path: "CShims/CLaunch/include")
            let script = stage.appending(path: "build.sh")
            let made = output.appending(path: "Stage.generated.swift")
            return [
                .buildCommand(
                    displayName: "Compiling perigee-stage", executable: URL(fileURLWithPath: "/bin/sh"),
                    arguments: [script.path, try context.tool(named: "clang").url.path, made.path],
                    inputFiles: try files(of: stage) + files(of: shared), outputFiles: [made])
            ]
        case "OCI": return [text("default-spec.json", as: "defaultSpecText", root, output)]
        case "Seccomp": return [text("seccomp.json", as: "defaultSeccompText", root, output)]
        default: return []
        }
    }

    private func text(_ name: String, as constant: String, _ root: URL, _ output: URL) -> Command {
        let source = root.appending(path: "Rootfs/\(name)")
        let script = root.appending(path: "CShims/EmbedPlugin/text.sh")
        let made = output.appending(path: "\(constant).generated.swift")
        return .buildCommand(
            displayName: "Embedding \(name)", executable: URL(fileURLWithPath: "/bin/sh"),
            arguments: [script.path, constant, source.path, made.path], inputFiles: [source, script],
            outputFiles: [made])
    }

    private func files(of directory: URL) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }
}
