#!/usr/bin/env python3
"""manifests.py BINARY : the manifests of `pod bundle` against Kubernetes' schemas (PyPI's kubernetes-validate carries them)
and its rules for names, read by another YAML reader, and each text as a kubelet would hand it on. Run by manifests.sh."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import kubernetes_validate
import yaml

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
# What YAML readers and Kubernetes could take for something else.
TEXTS = ["no", "3.10", "007", "", " ", "null", "~", "$(HOME)", "$$(HOME)", "$$", "$", "$(", "a: b", "# c", "- d", "\t", "\n",
         "\u00e9\u2028\u0085\ufeff", "\U0001f680", "\"'\\", "\x01\x7f", "{{ x }}", "x" * 5000, "%y", "@z", "`w`", "1:30", "0x1f", "=", "<<"]


def expanded(text):
    """What a kubelet makes of a text, where only HOME is a variable: kubernetes.io, "Define Dependent Environment Variables"."""
    return re.sub(r"\$(\$|\(HOME\))", lambda found: "$" if found[1] == "$" else "/root", text)


def check(binary, directory, tasks, name):
    source = directory / f"{name}.yaml"
    source.write_text(yaml.safe_dump(tasks, sort_keys=False), encoding="utf-8")
    bundle = directory / name
    subprocess.run([binary, "pod", "bundle", source, "-o", bundle, "--tenant", "client1"], check=True, timeout=60)
    steps = json.loads((bundle / "sequence.json").read_text(encoding="utf-8"))["steps"]
    assert [step["id"] for step in steps] == [task["id"] for task in tasks]
    for step, task in zip(steps, tasks):
        documents = list(yaml.safe_load_all((bundle / step["manifest"]).read_text(encoding="utf-8")))
        manifest = documents[step["document"]]
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        metadata, spec = manifest["metadata"], manifest["spec"]
        for label in (metadata["name"], metadata["namespace"], spec["hostname"],
                      spec["volumes"][0]["persistentVolumeClaim"]["claimName"]):
            assert LABEL.fullmatch(label), label
        assert len(spec["hostname"]) <= 63 and metadata["name"] == step["pod"]
        for value in metadata["labels"].values():
            assert len(value) <= 63 and LABEL_VALUE.fullmatch(value), value
        assert all(isinstance(value, str) for value in metadata["annotations"].values())
        told = {**metadata["annotations"], **metadata["labels"]}
        assert told["task-id"] == task["id"] and told.get("description") == task.get("description")
        container = spec["containers"][0]
        command = task.get("command")
        if isinstance(command, str):
            command = ["/bin/sh", "-c", command]
        assert [expanded(word) for word in container.get("command", [])] == (command or [])
        assert [expanded(word) for word in container.get("args", [])] == task.get("args", [])
        assert [(v["name"], expanded(v["value"])) for v in container.get("env", [])] == \
            [(v["name"], v["value"]) for v in task.get("env", [])]
        assert container["image"] == f"{task['image']['name']}:{task['image']['tag']}"
    return len(steps)


def pod(number, **more):
    return {"id": f"T{number}", "type": "dphi.space.cg2.pod.run", "pod_name": f"p{number}", "volume": "v",
            "image": {"name": "localhost:5000/team/app", "tag": "3.10"}, **more}


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory(prefix="perigee-test-manifests-") as work:
        directory = pathlib.Path(work)
        nasty = [pod(i, command=["x"], args=[text], env=[{"name": "A", "value": text}], description=text or None)
                 for i, text in enumerate(TEXTS)]
        nasty += [pod(len(TEXTS) + i, command=text) for i, text in enumerate(TEXTS) if text]
        for task in nasty:
            if task.get("description") is None:
                task.pop("description", None)
        fields = [
            pod(0), pod(1, args=["x"]), pod(2, max_duration=30, node="Gpu", merge=True),
            pod(3, max_duration=0.001, on_timeout="success", on_failure="continue", init=False, merge=True),
            pod(4, ports=[80, {"container": 53, "host": 53, "protocol": "UDP"}, {"container": 65535, "host": 1}]),
            {**pod(5), "id": "x" * 200}, {**pod(6), "id": "_x_"}, {**pod(7), "pod_name": "p" * 55, "volume": "v" * 55},
        ]
        count = check(binary, directory, nasty, "nasty") + check(binary, directory, fields, "fields")
    print(f"{count} manifests, Kubernetes {kubernetes_validate.latest_version()}")


main()
