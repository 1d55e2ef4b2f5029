import Testing

@testable import Pods

/// Pod manifests: what is read, and what is said of what is wrong.
@Suite struct ManifestTests {
    private func parse(_ text: String, limits: Limits? = Limits()) throws(PodsError) -> ManifestFile {
        try ManifestFile.parse(Array(text.utf8), name: "pod.yaml", rules: .init(tenant: "client1", limits: limits))
    }

    private func problems(_ text: String, limits: Limits? = Limits()) -> [String] {
        do {
            _ = try parse(text, limits: limits)
            return []
        } catch {
            guard case .invalidTaskFile(_, let problems, _) = error else { return ["\(error)"] }
            return problems.map { $0.text(of: "pod.yaml") }
        }
    }

    /// A Pod with one container that has these fields besides, and these of the spec.
    private func pod(_ container: String = "", spec: String = "") -> String {
        func indented(_ text: String, _ count: Int) -> String {
            text.split(separator: "\n").map { String(repeating: " ", count: count) + $0 + "\n" }.joined()
        }
        return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n" + indented(spec, 2)
            + "  containers:\n  - name: main\n    image: demo:1\n" + indented(container, 4)
    }

    @Test("A whole Pod: each field as it stands") func whole() throws {
        let file = try parse(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {mode: fast, app.conf: "a=1\\n"}
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: client1-web
              namespace: client1
              labels: {app: web}
            spec:
              restartPolicy: OnFailure
              activeDeadlineSeconds: 60
              terminationGracePeriodSeconds: 5
              hostAliases:
              - ip: 10.0.0.1
                hostnames: [db, db.internal]
              nodeSelector: {perigee/node: gpu}
              volumes:
              - name: data
                persistentVolumeClaim: {claimName: client1-payload}
              - {name: work, emptyDir: {}}
              - {name: fast, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
              - name: conf
                configMap: {name: settings, defaultMode: 0400, items: [{key: app.conf, path: etc/app.conf}]}
              initContainers:
              - {name: setup, image: demo:1, command: [/bin/true]}
              containers:
              - name: main
                image: demo:1
                command: [/bin/sh, -c]
                args: ["echo $(MODE) $$(MODE) $(NONE)"]
                workingDir: /srv
                env:
                - {name: MODE, valueFrom: {configMapKeyRef: {name: settings, key: mode}}}
                - {name: WHO, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                - {name: APP, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
                - {name: PORT, value: "80"}
                ports:
                - {name: http, containerPort: 8080, hostPort: 80}
                resources:
                  limits: {memory: 64Mi, cpu: 250m}
                  requests: {cpu: "0.1"}
                volumeMounts:
                - {name: data, mountPath: /data, subPath: a/b}
                - {name: conf, mountPath: /etc/app, readOnly: true}
                livenessProbe:
                  httpGet: {path: /live, port: http}
                  periodSeconds: 3
                lifecycle:
                  preStop: {exec: {command: [/bin/stop]}}
                securityContext: {runAsUser: 1000, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}
            """)
        let pod = try #require(file.pods.first)
        #expect(file.pods.count == 1 && file.warnings.isEmpty)
        #expect(pod.name == "web" && pod.hostname == "client1-web" && pod.node == "gpu")
        #expect(pod.restartPolicy == .onFailure && pod.activeDeadline == 60 && pod.terminationGrace == 5)
        #expect(pod.hostAliases == [.init(address: "10.0.0.1", names: ["db", "db.internal"])])
        #expect(
            pod.volumes.map(\.source) == [
                .claim("payload", isReadOnly: false), .empty, .memory(limit: 16 << 20),
                .files([.init(path: "etc/app.conf", content: Array("a=1\n".utf8), mode: 0o400)]),
            ])
        #expect(pod.initContainers.map(\.name) == ["setup"])
        let main = try #require(pod.containers.first)
        #expect(main.environment.map(\.name) == ["MODE", "WHO", "APP", "PORT"])
        #expect(
            main.environment.map(\.value) == [
                .configured("fast"), .field(.name), .configured("web"), .text("80"),
            ])
        #expect(main.resources.memory == 64 << 20 && main.resources.cpus == 250 && main.resources.cpuRequest == 100)
        #expect(main.mounts.map(\.subPath) == ["a/b", ""] && main.mounts.map(\.isReadOnly) == [false, true])
        #expect(main.livenessProbe?.handler == .http(HTTPGet(host: "127.0.0.1", port: 8080, path: "/live")))
        #expect(main.livenessProbe?.period == 3 && main.livenessProbe?.failureThreshold == 3)
        #expect(main.preStop == .exec(["/bin/stop"]))
        #expect(main.security.droppedCapabilities == ["ALL"] && main.security.user == 1000)
        #expect(main.ports == [.init(name: "http", container: 8080, host: 80, transport: .tcp)])
    }

    /// What is wrong in a container, and what is said of it.
    static let wrong: [(String, String)] = [
        ("imagePullPolcy: Never", "unknown field; did you mean 'imagePullPolicy'?"),
        ("command: /bin/sh", "spec.containers[0].command: expected a list, found /bin/sh"),
        ("args: [5]", "spec.containers[0].args[0]: expected a text, found 5; in quotes it is a text"),
        ("env: [{name: A, value: true}]", "env[0].value: expected a text, found true; in quotes it is a text"),
        ("env: [{name: A=B, value: x}]", "is no variable's name"),
        ("ports: [{containerPort: 70000}]", "70000 is not from 1 to 65535"),
        ("ports: [{containerPort: 80, protocol: SCTP}]", "there are TCP, UDP"),
        ("ports: [{containerPort: 80, name: a--b}]", "1 to 15 lower-case letters"),
        ("resources: {limits: {memory: 64Mo}}", "expected an amount such as 500m, 2 or 64Mi, found 64Mo"),
        ("resources: {limits: {nvidia.com/gpu: 1}}", "hint: devices come by the node"),
        ("resources: {limits: {memory: 1Gi}}", "and the tenant's pods may have 536870912"),
        ("resources: {limits: {cpu: 100m}, requests: {cpu: 200m}}", "the request must not be more than the limit"),
        ("tty: true", "true is not supported"),
        ("restartPolicy: Always", "spec.containers[0].restartPolicy: a container has the pod's"),
        ("volumeMounts: [{name: x, mountPath: /x}]", "there is no volume \"x\""),
        ("livenessProbe: {periodSeconds: 3}", "it does nothing; there are exec, httpGet, tcpSocket"),
        ("livenessProbe: {exec: {command: [a]}, tcpSocket: {port: 1}}", "one of exec, tcpSocket is enough"),
        ("livenessProbe: {grpc: {port: 1}}", "livenessProbe.grpc: it is not supported"),
        ("livenessProbe: {tcpSocket: {port: http}}", "no port that is named \"http\""),
        ("livenessProbe: {exec: {command: [a]}, successThreshold: 2}", "it must be 1 but for readiness"),
        ("livenessProbe: {httpGet: {port: 1, scheme: HTTPS}}", "there is HTTP"),
        ("readinessProbe: {httpGet: {port: 1, host: example.org}}", "is no address"),
        ("lifecycle: {preStop: {}}", "it does nothing"),
        ("securityContext: {privileged: true}", "the tenant's pods may not be privileged"),
        ("securityContext: {capabilities: {add: [SYS_ADMIN]}}", "CAP_SYS_ADMIN: the tenant's pods may not"),
        ("securityContext: {capabilities: {add: [NOSUCH]}}", "there is no capability \"NOSUCH\""),
        ("securityContext: {seccompProfile: {type: Unconfined}}", "there is RuntimeDefault"),
        ("envFrom: [{configMapRef: {name: none}}]", "there is no ConfigMap \"none\" in the file"),
        ("env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]", "there is no Secret \"a\" in the file"),
        ("env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.x}}}]", "\"spec.x\" is not supported"),
    ]

    @Test("What is wrong in a container is named with its place", arguments: 0..<30) func container(i: Int) {
        let (text, message) = Self.wrong[i]
        let found = problems(pod(text))
        #expect(found.contains { $0.contains(message) }, "\(text): \(found)")
        // What the containers come to together stands where they begin.
        let line = message.hasPrefix("and the tenant") ? 7 : 9
        #expect(found.allSatisfy { $0.hasPrefix("pod.yaml:\(line):") }, "\(found)")
    }

    /// What is wrong in the spec.
    static let wrongSpecs: [(String, String)] = [
        ("restartPolicy: Sometimes", "no value \"Sometimes\"; there are Always, OnFailure, Never"),
        ("activeDeadlineSeconds: 0", "0 is not from 1 to 2147483647"),
        ("activeDeadlineSeconds: \"5\"", "expected a whole number, found the text \"5\""),
        ("terminationGracePeriodSeconds: 301", "301 is more than 300, the tenant's grace_seconds"),
        ("hostNetwork: true", "the tenant's host_namespaces do not have \"network\""),
        ("shareProcessNamespace: \"true\"", "expected true or false"),
        ("initContainers: [{name: i, image: a, restartPolicy: OnFailure}]", "there is Always, for a sidecar"),
        ("hostPID: true", "true is not supported: the init of each container ends all processes"),
        ("volumes: [{name: a, hostPath: {path: /etc}}]", "the tenant's host_paths do not have \"/etc\""),
        ("volumes: [{name: a, hostPath: {path: /a/../etc}}]", "is not an absolute path without '..'"),
        ("volumes: [{name: a, nfs: {server: x}}]", "spec.volumes[0].nfs: it is not supported: there are configMap"),
        ("volumes: [{name: a, emptyDir: {}, hostPath: {path: /}}]", "it is emptyDir and hostPath; a volume is one"),
        ("volumes: [{name: a}]", "it is nothing; there are configMap"),
        ("volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]", "two volumes are named a"),
        ("volumes: [{name: a, configMap: {name: x}}]", "there is no ConfigMap \"x\""),
        ("ephemeralContainers: [{name: x}]", "spec.ephemeralContainers: it is not supported"),
        ("initContainers: [{name: main, image: a}]", "two containers are named main"),
        ("initContainers: [{name: i, image: a, livenessProbe: {}}]", "an init container has none"),
        ("initContainer: []", "unknown field; did you mean 'initContainers'?"),
        ("hostAliases: [{ip: here, hostnames: [a]}]", "\"here\" is no address"),
        ("os: {name: windows}", "there is linux alone"),
        ("hostUsers: false", "false is not supported"),
    ]

    @Test("What is wrong in the spec is named", arguments: 0..<22) func spec(i: Int) {
        let (text, message) = Self.wrongSpecs[i]
        let found = problems(pod(spec: text))
        #expect(found.contains { $0.contains(message) }, "\(text): \(found)")
    }

    /// Other documents.
    static let wrongDocuments: [(String, String)] = [
        ("apiVersion: v1\nkind: List\nitems: []", "hint: write its items as documents, with --- between them"),
        ("apiVersion: apps/v1\nkind: Deployment\nspec: {}", "hint: spec.template of it is a Pod's"),
        ("apiVersion: v1\nkind: Pod\nspec: {containers: []}", "metadata: it is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}", "spec: it is missing"),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}", "a Pod has at least one container"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: other}\nspec: {}",
            "is not the tenant, which is client1"
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: A_b}\nspec: {}",
            "lower-case letters, digits and '-' are allowed"
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "there is no Pod in it"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {../x: a}", "the key \"../x\""),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nbinaryData: {x: YQ==}", "its values are not decoded"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {k: not base64}", "the value of k is not base64"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {a/b: eA==}", "the key \"a/b\""),
    ]

    @Test("A Secret: base64, texts over it, variables and files; a value that is no text is for files alone")
    func secrets() throws {
        let secret = """
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            type: Opaque
            data: {user: YWxpY2U=, raw: AP8=, both: b2xk}
            stringData: {both: new}
            ---

            """
        func variable(_ key: String) -> String {
            "env: [{name: A, valueFrom: {secretKeyRef: {name: s, key: \(key)}}}]"
        }
        for (key, value) in [("user", "alice"), ("both", "new")] {
            let pod = try parse(secret + pod(variable(key))).pods[0]
            #expect(pod.containers[0].environment.map(\.value) == [.configured(value)])
        }
        let found = problems(secret + pod(variable("raw")))
        #expect(found.count == 1 && found[0].contains("the value of raw is no text; a volume can have it"), "\(found)")
        let volume = "volumes: [{name: v, secret: {secretName: s, defaultMode: 0400, items: [{key: raw, path: a/b}]}}]"
        let pods = try parse(secret + pod(spec: volume)).pods
        #expect(pods[0].volumes[0].source == .secret([.init(path: "a/b", content: [0, 0xff], mode: 0o400)]))
        #expect(
            problems(secret + pod(spec: volume.replacing("key: raw", with: "key: no"))).first?.contains(
                "the Secret has no key \"no\"") == true)
        // Nothing of what it holds is told.
        let wrong = problems(secret.replacing("YWxpY2U=", with: "hunter2") + pod())
        #expect(wrong.count == 1 && !wrong[0].contains("hunter2"), "\(wrong)")
    }

    @Test("Base64") func base64() {
        for (text, bytes): (String, [UInt8]?) in [
            ("", []), ("YQ==", [97]), ("YWI=", [97, 98]), ("YWJj", [97, 98, 99]), ("YW\nJj", [97, 98, 99]),
            ("+/+/", [0xfb, 0xff, 0xbf]), ("YQ", nil), ("YQ=", nil), ("Y===", nil), ("====", nil), ("YQ==YQ==", nil),
            ("Y Q=", nil), ("é", nil),
        ] {
            #expect(Base64.decode(text) == bytes, "\(text)")
        }
    }

    @Test("Other documents, and what is missing", arguments: 0..<12) func document(i: Int) {
        let (text, message) = Self.wrongDocuments[i]
        #expect(problems(text).contains { $0.contains(message) }, "\(problems(text))")
    }

    @Test("What has no meaning on one machine is left out with a warning") func ignored() throws {
        let file = try parse(
            pod("imagePullPolicy: Always", spec: "tolerations: []\ndnsPolicy: Default\nnodeSelector: {zone: a}"))
        #expect(
            file.warnings.map(\.text) == [
                "spec.tolerations: it has no meaning on one machine, and is left out",
                "spec.dnsPolicy: it has no meaning on one machine, and is left out",
                "spec.nodeSelector: zone: a names no node of perigee's, and is left out",
                "spec.containers[0].imagePullPolicy: it has no meaning on one machine, and is left out",
            ])
    }

    @Test("All that is wrong is told at once, in the order of the file") func all() {
        let found = problems(pod("command: x\nargs: y", spec: "restartPolicy: x"))
        #expect(found.count == 3 && found[0].hasPrefix("pod.yaml:6:") && found[2].hasPrefix("pod.yaml:11:"), "\(found)")
    }

    @Test("Two Pods and their host ports; the same one twice is refused") func hostPorts() throws {
        let one = pod("ports: [{containerPort: 80, hostPort: 80}]")
        let other = one.replacing("name: web", with: "name: other")
        #expect(problems(one + "---\n" + other).contains { $0.contains("Duplicate host port 80/tcp") })
        #expect(
            try parse(pod() + "---\n" + pod().replacing("name: web", with: "name: b")).pods.map(\.name) == ["web", "b"])
        #expect(problems(pod() + "---\n" + pod()).contains { $0.contains("two Pods of the file are named web") })
    }

    @Test("Who says no limit has the rest, which must be something") func rest() throws {
        let more = "  - {name: other, image: demo:1}\n"
        let half = "resources: {limits: {memory: 256Mi, cpu: 500m}}"
        #expect(try parse(pod(half) + more).pods.count == 1)
        let all = problems(pod("resources: {limits: {memory: 512Mi, cpu: \"1\"}}") + more)
        #expect(all.count == 2 && all.contains { $0.contains("container other has too little cpu left") }, "\(all)")
    }

    @Test("A task file is none, a manifest in JSON is one") func kinds() throws {
        #expect(!ManifestFile.isManifest(Array("tasks:\n- type: x\n".utf8)))
        let json =
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"m","image":"d"}]}}"#
        #expect(ManifestFile.isManifest(Array(json.utf8)))
        #expect(try parse(json).pods.first?.containers.first?.image == "d")
    }

    @Test("$(VAR) as Kubernetes has it") func references() {
        let values = ["A": "1", "B": "$(A)"]
        for (text, expanded) in [
            ("$(A)", "1"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$(NONE)", "$(NONE)"), ("$(B)", "$(A)"), ("$A", "$A"),
            ("$(A", "$(A"), ("$", "$"), ("a$", "a$"), ("$$", "$"), ("é$(A)é", "é1é"), ("$()", "$()"),
        ] {
            #expect(VariableReferences.expand(text) { values[$0] } == expanded, "\(text)")
        }
    }

    @Test("Amounts") func quantities() {
        for (text, whole, thousandths): (String, Int64?, Int64?) in [
            ("100m", 1, 100), ("1.5", 2, 1500), ("64Mi", 64 << 20, (64 << 20) * 1000), ("1e3", 1000, 1_000_000),
            ("2G", 2_000_000_000, 2_000_000_000_000), (".5", 1, 500), ("1.0005", 2, 1001), ("0", 0, 0),
            ("1Ei", 1 << 60, nil), ("100E", nil, nil), ("1u", 1, 1), ("+1k", 1000, 1_000_000),
        ] {
            let amount = ResourceQuantity(text)
            #expect(amount != nil && amount?.whole == whole && amount?.thousandths == thousandths, "\(text)")
        }
        for text in ["", "-1", "1x", "1.2.3", ".", "m", "1 Mi", "0x10", "1Mi2", "9999999999999999999"] {
            #expect(ResourceQuantity(text) == nil, "\(text)")
        }
    }
}
