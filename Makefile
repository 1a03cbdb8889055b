# `make demo` and `make test` are the two commands of README.md; both work on a fresh Debian 12 that has Swift.
# SWIFT_BUILD_FLAGS adds flags to every build.

SHELL := /bin/bash
PACKAGES := pkg-config libsqlite3-dev libcurl4-openssl-dev libyaml-dev libjavascriptcoregtk-4.1-dev
RELEASE := swift build -c release --static-swift-stdlib --product runnel $(SWIFT_BUILD_FLAGS)
WORKER := swift build -c release --static-swift-stdlib --product runnel-code-worker $(SWIFT_BUILD_FLAGS)

# Tests that keep a core or a thread busy for long are run apart from those that wait for an answer in time: two cores
# carry one kind at a time.
TEST_PASSES := rest FlowServerTests EndToEndTests FlowTestingTests PermutationTests CustomCodeTests ProofTests
# Each test of code starts workers: with all of them at once a start took two minutes, which is its limit. It also
# takes 115 s instead of 191.
FEW_AT_ONCE := --experimental-maximum-parallelization-width 8

.PHONY: help demo test build setup lint format bench bench-rooms soak clean

help:
	@echo 'make demo    build the release command and watch an order being paid and refunded, offline'
	@echo 'make test    build and run every test'
	@echo 'make build   build the release command: .build/release/runnel'
	@echo 'make lint    the formatter, as a check'
	@echo 'make bench   measure the engine beside the raw limit of SQLite, in the same run; table and JSON'
	@echo 'make bench-rooms   measure single rooms beside their limit or peer'
	@echo 'make soak    the proofs in their large size, and a million runs (hours)'

# Installs what is missing of Debian's packages, and says what; asks for root through sudo when not root.
setup:
	@missing=(); \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
	done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  echo "==> installing with apt-get: $${missing[*]}"; \
	  as_root=(); [ "$$(id -u)" -eq 0 ] || as_root=(sudo); \
	  "$${as_root[@]}" apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive "$${as_root[@]}" apt-get install -y -qq "$${missing[@]}" >/dev/null; \
	fi
	@command -v swift >/dev/null || { echo 'Swift 6.3 is needed: https://www.swift.org/install/linux/'; exit 2; }

build: setup
	@echo '==> building the release command (the first time takes ten to fifteen minutes on two cores)'
	$(RELEASE)
	$(WORKER)

demo: build
	@echo '==> runnel demo'
	@"$$($(RELEASE) --show-bin-path)/runnel" demo

test: setup
	@echo '==> building the tests (the first time takes ten to twenty minutes on two cores)'
	swift build --build-tests $(SWIFT_BUILD_FLAGS)
	@echo '==> running the tests'
	@failed=; for suites in $(TEST_PASSES); do \
	  case $$suites in \
	    rest) choice="--skip $$(tr ' ' '|' <<< '$(filter-out rest,$(TEST_PASSES))')" ;; \
	    CustomCodeTests) choice="--filter $$suites $(FEW_AT_ONCE)" ;; \
	    *) choice="--filter $$suites" ;; \
	  esac; \
	  echo "==> swift test $$choice"; \
	  swift test --skip-build $$choice $(SWIFT_BUILD_FLAGS) 2>&1 | tee ".build/tests-$$suites.log"; \
	  [ "$${PIPESTATUS[0]}" -eq 0 ] || failed="$$failed $$suites"; \
	done; \
	[ -z "$$failed" ] || { \
	  echo "==> failed:$$failed; what they found, once more:"; \
	  for suites in $$failed; do grep -A3 'recorded an issue' ".build/tests-$$suites.log" | cut -c1-2000; done; \
	  exit 1; \
	}

RELEASE_BIN = $$(swift build -c release --static-swift-stdlib --show-bin-path)

# wrk sends the web hooks; without it they are left out, and the table says so.
bench: setup
	@command -v wrk >/dev/null || $(MAKE) --no-print-directory setup PACKAGES=wrk || true
	swift build -c release --static-swift-stdlib --product FlowBenchmark $(SWIFT_BUILD_FLAGS)
	$(RELEASE)
	$(WORKER)
	@cc -O2 -Wall -Wextra -o .build/replay Benchmarks/RawSQLite/replay.c -lsqlite3
	@"$(RELEASE_BIN)/FlowBenchmark" .build/replay --json .build/bench.json && echo 'as JSON: .build/bench.json'
	@echo '==> code blocks, each figure beside its bound'
	swift build -c release --static-swift-stdlib --product CodeBenchmark $(SWIFT_BUILD_FLAGS)
	@"$(RELEASE_BIN)/CodeBenchmark"

# Each program says what it measures and its limit or peer; PYTHONPATH may name where cel-expr-python and localstripe
# are, RUNNEL_PYTHON the Python that has localstripe.
bench-rooms: setup
	@echo '==> expressions (evaluations a second, one core), then the same text with cel-expr-python'
	swift build -c release --static-swift-stdlib --product ExpressionsBenchmark $(SWIFT_BUILD_FLAGS)
	@"$(RELEASE_BIN)/ExpressionsBenchmark"
	@python3 -c 'import cel_expr_python' 2>/dev/null && python3 Benchmarks/ExpressionsBenchmark/oracle.py \
	  || echo 'cel-expr-python is not here: pip install cel-expr-python'
	@echo '==> the store (see Sources/FlowStores/README.md)'
	swift build -c release --static-swift-stdlib --product StoreBenchmark $(SWIFT_BUILD_FLAGS)
	@"$(RELEASE_BIN)/StoreBenchmark"
	@echo '==> the simulator over HTTP, then the same calls to localstripe'
	swift build -c release --static-swift-stdlib --product SimulatorBenchmark $(SWIFT_BUILD_FLAGS)
	@"$(RELEASE_BIN)/SimulatorBenchmark"
	@echo '==> replays of the shop payment callback (capsules a second, two threads; the limit is 500)'
	swift build -c release --static-swift-stdlib --product ReplayBenchmark $(SWIFT_BUILD_FLAGS)
	@"$(RELEASE_BIN)/ReplayBenchmark"

# RUNNEL_PROOFS=large is read by Tests/ProofTests/ProofSize.swift.
soak: setup
	swift build --build-tests $(SWIFT_BUILD_FLAGS)
	RUNNEL_PROOFS=large swift test --skip-build --filter ProofTests $(SWIFT_BUILD_FLAGS)
	swift build -c release --static-swift-stdlib --product FlowBenchmark $(SWIFT_BUILD_FLAGS)
	@cc -O2 -Wall -Wextra -o .build/replay Benchmarks/RawSQLite/replay.c -lsqlite3
	@"$(RELEASE_BIN)/FlowBenchmark" .build/replay --only soak --runs 1000000

lint:
	swift format lint --strict --recursive Sources Tests Benchmarks/FlowBenchmark Package.swift

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build
