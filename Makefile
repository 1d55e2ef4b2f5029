# perigee: `make run` builds and runs the main job, `make test` runs everything. Both install what is missing (as root,
# on Debian). The other targets are in `make help`.
SHELL := /bin/sh
BINARY := .build/release/perigee
SWIFT_FLAGS := -c release -Xswiftc -static-executable
PREFIX ?= /usr/local

.PHONY: help build run test test-engines faults fuzz bench install order format format-check packages clean

help:
	@echo "make build         the static executable $(BINARY)"
	@echo "make run           build it, make an arm64 image of Debian packages, run a command in it"
	@echo "make test          format check, build, unit tests, tests with root and real kernels, podman"
	@echo "make test-engines  podman, docker, buildah and containerd on it, ports beside docker's (ENGINES names some); 3 minutes"
	@echo "make faults        kill it at each system call, and fail each, and look what is left; about 50 minutes"
	@echo "make bench         start-up times beside other runtimes that are installed"
	@echo "make fuzz          look for inputs that break a parser, FUZZ_SECONDS each (default 60)"
	@echo "make install       the executable, manual pages and completions below PREFIX (default /usr/local)"
	@echo "make order         list what a launch calls and changes, for the linker to lay it side by side"
	@echo "make format        format the sources"
	@echo "make arm64         build for arm64 with Swift 6.0 (SWIFT_SDK, default aarch64-linux)"

packages:
	@Rootfs/packages.sh

build: packages
	@Rootfs/build.sh $(SWIFT_FLAGS)

run: build
	@Rootfs/demo.sh $(BINARY)

test: build
	@Tests/run.sh

test-engines: build
	@Tests/engines/run.sh $(BINARY) $(ENGINES)

faults: build
	@Rootfs/images/build.py demo-host >/dev/null
	@Tests/faults.py --binary $(BINARY) $(FAULTS)

bench: build
	@Tests/bench.sh

fuzz:
	@Tests/fuzz.sh $(or $(FUZZ_SECONDS),60)

arm64:
	swift build -c release --swift-sdk $(or $(SWIFT_SDK),aarch64-linux) --static-swift-stdlib -Xswiftc -static-executable

install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/perigee
	$(BINARY) man --output $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(BINARY) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/perigee
	$(BINARY) completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_perigee
	$(BINARY) completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/perigee.fish

# The list of functions and variables by which the executable is linked.
order: build
	@Rootfs/order.py $(BINARY) CShims/CStart/launch.order

format:
	swift format --in-place --recursive Sources Tests CShims Package.swift

format-check:
	@swift format lint --strict --recursive Sources Tests CShims Package.swift

clean:
	rm -rf .build
