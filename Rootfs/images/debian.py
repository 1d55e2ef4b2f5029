"""Debian packages for any architecture, without touching the host's own apt.

An `Archive` is apt with a configuration, an index and a download folder of its own, for one architecture. It takes
its mirrors from the host's apt sources, and its proxy and TLS settings from the host's apt configuration. No package
is ever installed: apt only resolves and downloads, and maintainer scripts never run.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

INDEX_LIFETIME = 24 * 3600
"""Seconds after which a package index is fetched anew."""

ROLLING_SUITES = ("stable", "testing", "unstable", "sid")
"""Suite names that stand for a release; believed only where no source names the host's own release."""


class BuildError(Exception):
    """A failure that one line explains to whoever runs the build."""


@dataclass(frozen=True, order=True)
class Package:
    """One version of a package, as apt resolved it."""

    name: str
    version: str
    architecture: str

    @property
    def file_name(self) -> str:
        """The name that apt gives the downloaded file: it quotes what separates the name's parts."""
        def quote(text: str, reserved: str) -> str:
            return "".join(f"%{ord(c):02x}" if c in reserved or c == "%" else c for c in text)
        return f"{quote(self.name, '_:')}_{quote(self.version, '_:')}_{quote(self.architecture, '_:.')}.deb"


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Runs a command for its output; its last line of complaint becomes the error."""
    words = [str(word) for word in command]
    result = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        worst = next((line for line in lines if line.startswith("E:")), lines[-1])
        raise BuildError(f"{Path(words[0]).name} failed with status {result.returncode}: {worst.strip()}")
    return result.stdout


def host_architecture() -> str:
    """The host's architecture in Debian's spelling, which for those that we build equals OCI's (amd64, arm64)."""
    return run("dpkg", "--print-architecture").strip()


def host_release() -> str:
    """The code name of the host's Debian release."""
    try:
        text = Path("/etc/os-release").read_text()
    except OSError as error:
        raise BuildError(f"cannot read /etc/os-release: {error.strerror}") from None
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if fields.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in fields:
        raise BuildError("the recipes need a Debian host, since they use its package mirrors")
    return fields["VERSION_CODENAME"].strip('"')


# --- the host's apt sources ---------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Source:
    """A line or stanza of the host's apt sources, reduced to what another architecture needs."""

    uris: tuple[str, ...]
    suites: tuple[str, ...]
    signed_by: str

    def stanza(self) -> str:
        """This source in deb822 form. The host's own restriction to an architecture is left out on purpose."""
        text = f"Types: deb\nURIs: {' '.join(self.uris)}\nSuites: {' '.join(self.suites)}\nComponents: main\n"
        return text + (f"Signed-By: {self.signed_by}\n" if self.signed_by else "")


def deb822_sources(text: str) -> Iterator[Source]:
    """The binary sources of a `*.sources` file that have a `main` component."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields = {key.lower(): value.strip() for key, value in
                  re.findall(r"^([A-Za-z0-9-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE)}
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split():
            yield Source(tuple(fields.get("uris", "").split()), tuple(fields.get("suites", "").split()),
                         fields.get("signed-by", ""))


def one_line_sources(text: str) -> Iterator[Source]:
    """The binary sources of a `*.list` file that have a `main` component."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if match and "main" in match[4].split():
            signed_by = re.search(r"signed-by=(\S+)", match[1] or "")
            yield Source((match[2],), (match[3],), signed_by[1].replace(",", " ") if signed_by else "")


def host_sources() -> list[Source]:
    """Debian's own sources of the host: its release with updates and security, nothing of third parties."""
    folder = Path("/etc/apt/sources.list.d")
    found: list[Source] = []
    for path in [*sorted(folder.glob("*.sources")), Path("/etc/apt/sources.list"), *sorted(folder.glob("*.list"))]:
        if path.exists():
            found += (deb822_sources if path.suffix == ".sources" else one_line_sources)(path.read_text())
    for releases in ((host_release(),), ROLLING_SUITES):
        wanted = {release + part for release in releases for part in ("", "-updates", "-security", "/updates")}
        chosen = [Source(uris, suites, source.signed_by) for source in found
                  if (uris := tuple(uri for uri in source.uris if not uri.startswith("cdrom:")))
                  and (suites := tuple(suite for suite in source.suites if suite in wanted))]
        if chosen:
            return list(dict.fromkeys(chosen))
    raise BuildError(f"the apt sources of this machine name no mirror of Debian {host_release()} (main)")


# --- apt with a life of its own -----------------------------------------------------------------------------------

class Archive:
    """Debian's packages for one architecture, below `<cache>/apt/<architecture>`."""

    def __init__(self, cache: Path, architecture: str) -> None:
        self.architecture = architecture
        self.folder = cache / "apt" / architecture
        self.downloads = self.folder / "cache" / "archives"
        self._ready = self.folder / "ready"
        self._resolved = self.folder / "resolved.json"

    def resolve(self, *names: str) -> list[Package]:
        """The packages with everything that they depend on, sorted. Quick while the index is fresh."""
        self._keep_fresh()
        index, key = self._ready.stat().st_mtime_ns, " ".join(sorted(names))
        try:
            known = json.loads(self._resolved.read_text())
        except (OSError, ValueError):
            known = {}
        if known.get("index") != index:
            known = {"index": index, "closures": {}}
        if key not in known["closures"]:
            known["closures"][key] = [[p.name, p.version, p.architecture] for p in self._simulate(names)]
            replace(self._resolved, json.dumps(known))
        return [Package(*fields) for fields in known["closures"][key]]

    def fetch(self, *names: str) -> dict[str, Path]:
        """Downloads the packages with everything that they depend on: package name to file."""
        for last_try in (False, True):
            packages = self.resolve(*names)
            files = {package.name: self.downloads / package.file_name for package in packages}
            if all(path.exists() for path in files.values()):
                return files
            try:
                self._apt_get("install", "--download-only", *names)
            except BuildError:
                if last_try:
                    raise
                self.refresh()      # a package that the mirror has since replaced is gone from it (404)
        missing = next(name for name, path in files.items() if not path.exists())
        raise BuildError(f"apt-get downloaded no package {missing} for {self.architecture}")

    def refresh(self) -> None:
        """Fetches the package index now."""
        print(f"images: fetching the package index for {self.architecture}", file=sys.stderr)
        self._configure()
        self._apt_get("update")
        self._ready.touch()

    def _keep_fresh(self) -> None:
        """Refreshes the index when it is too old; an old one is better than none."""
        try:
            if abs(time.time() - self._ready.stat().st_mtime) < INDEX_LIFETIME:
                return
        except FileNotFoundError:
            return self.refresh()
        try:
            self.refresh()
        except BuildError as error:
            print(f"images: going on with the old package index: {error}", file=sys.stderr)

    def _simulate(self, names: tuple[str, ...]) -> list[Package]:
        """Asks apt what installing the packages on an empty system would bring."""
        output = self._apt_get("install", "--simulate", *names)
        found = re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) .*\[(\S+)\]\)", output, re.MULTILINE)
        packages = sorted(Package(name.split(":")[0], version, architecture) for name, version, architecture in found)
        if missing := set(names) - {package.name for package in packages}:
            raise BuildError(f"apt-get resolved no package {min(missing)} for {self.architecture}")
        return packages

    def _apt_get(self, *arguments: str) -> str:
        env = {**os.environ, "APT_CONFIG": str(self.folder / "apt.conf"), "LC_ALL": "C"}
        return run("apt-get", "--quiet", "--yes", "--no-install-recommends", *arguments, env=env)

    def _configure(self) -> None:
        """Writes the configuration that keeps this apt apart from the host's."""
        for folder in ("lists/partial", "cache/archives/partial", "log", "none"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        replace(self.folder / "status", "")                     # nothing is installed, so closures are complete
        replace(self.folder / "debian.sources", "\n".join(source.stanza() for source in host_sources()))
        replace(self.folder / "apt.conf", host_connection() + "".join(f'{key} "{value}";\n' for key, value in (
            ("APT::Architecture", self.architecture),
            ("APT::Architectures::", self.architecture),
            ("APT::Sandbox::User", "root"),                     # the cache may be in a home that _apt can't enter
            ("APT::Update::Error-Mode", "any"),
            ("APT::Keep-Downloaded-Packages", "true"),
            ("Acquire::Languages::", "none"),
            ("Dir::Etc::Main", "/dev/null"),
            ("Dir::Etc::Parts", self.folder / "none"),          # the host's hooks delete from the host's caches
            ("Dir::Etc::SourceList", self.folder / "debian.sources"),
            ("Dir::Etc::SourceParts", self.folder / "none"),
            ("Dir::Etc::Preferences", "/dev/null"),
            ("Dir::Etc::PreferencesParts", self.folder / "none"),
            ("Dir::State", self.folder),
            ("Dir::State::Lists", self.folder / "lists"),
            ("Dir::State::status", self.folder / "status"),
            ("Dir::Cache", self.folder / "cache"),
            ("Dir::Log", self.folder / "log"),
        )))


def host_connection() -> str:
    """How the host's apt reaches its mirrors (proxy, certificates, clock checks), as configuration text."""
    kept = re.compile(r"Acquire::(http|https|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date|Max-FutureTime)\b", re.I)
    return "".join(f"{line}\n" for line in run("apt-config", "dump").splitlines()
                   if kept.match(line) and not line.endswith(' "";'))


def replace(path: Path, text: str) -> None:
    """Writes a file so that it is either the old one or complete."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.rename(path)


def members(package: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """What a package file would put into the file system, in its archive's order."""
    result = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], capture_output=True)
    if result.returncode:
        package.unlink(missing_ok=True)                         # so that the next build downloads it again
        raise BuildError(f"{package.name} is not a package, it was deleted: build again to download it")
    with tarfile.open(fileobj=io.BytesIO(result.stdout)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            yield member, content.read() if content else b""
