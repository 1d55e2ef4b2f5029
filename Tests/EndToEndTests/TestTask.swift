import Foundation

/// Tasks of task files, as YAML.
enum TestTask {
    /// A pod with the name of its id, its command in a shell, and the volume `v`; `more`: a line of other fields.
    static func pod(_ id: String, _ command: String, _ more: String = "") -> String {
        """
        - id: \(id)
          type: dphi.space.cg2.pod.run
          pod_name: \(id.lowercased())
          image: {name: demo-host, tag: latest}
          command: [/bin/sh]
          args: [-c, \(String(reflecting: command))]
          volume: v
          \(more)

        """
    }

    /// `hello.txt`, a line, to `/data/in`.
    static let uplink = """
        - id: UP
          type: dphi.space.cg2.uplink
          source: [hello.txt]
          destination: /in
          volume: v

        """

    /// A directory of the tenant's own with what is to be uplinked and these steps, and the path of the task file.
    static func file(_ tenant: TestTenant, _ steps: String) throws -> String {
        let directory = Perigee.shared.directory + "/tasks-\(tenant.name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data("hello\n".utf8).write(to: URL(fileURLWithPath: directory + "/hello.txt"))
        let path = directory + "/task.yaml"
        try Data(steps.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }
}
