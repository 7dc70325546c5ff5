# Everything that one does with this repository; `make help` lists it. Each target first sees to
# the Debian packages that it needs (.ci/deps), so a machine with git and make is enough.
#
#   make test ARGS="-L unit"     only some tests: ARGS goes to ctest (labels are in tests/)
#   make fuzz FUZZ_SECONDS=600        longer than a minute for each target
#   make build WERROR=ON         warnings are errors
#   make install PREFIX=/usr     DESTDIR is honoured as well

PREFIX       ?= /usr/local
FUZZ_SECONDS ?= 60
WERROR       ?= OFF
ARGS         ?=
JOBS         ?= $(shell nproc 2>/dev/null || echo 2)

# $(call configure,PRESET,FOLDER[,OPTIONS])
configure = cmake -S . -B $(2) -G Ninja -C .cmake/$(1).cmake $(3)
ctest = ctest --output-on-failure --no-tests=error -j $(JOBS) $(ARGS)

.DEFAULT_GOAL := build
.PHONY: help build demo playground test test-hosts \
        bench asan lint tidy fuzz coverage docs install clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

build: ## Build build/replic.so
	@.ci/deps build
	$(call configure,release,build,-DREPLIC_WERROR=$(WERROR))
	cmake --build build --target replic

demo: build ## Show two databases replicating, in the sqlite3 shell
	@.ci/deps demo
	@rm -rf build/demo && mkdir build/demo && ln -s ../replic.so build/demo/replic.so
	cd build/demo && sqlite3 -batch -bail -init /dev/null < ../../sql/demo.sql

playground: build ## Serve a page with three peers of one table, to edit, cut off and reconnect
	@.ci/deps playground
	/usr/bin/python3 docs/hosts/playground/serve.py build/replic.so $(ARGS)

test: ## Run every test that needs no server
	@.ci/deps build test
	$(call configure,release,build,-DREPLIC_WERROR=$(WERROR) -DREPLIC_TESTS=ON)
	cmake --build build
	$(ctest) --test-dir build -LE hosts

test-hosts: ## Run the programs of docs/hosts against real servers, on loopback
	@.ci/deps build test hosts
	$(call configure,release,build,-DREPLIC_WERROR=$(WERROR) -DREPLIC_TESTS=ON)
	cmake --build build --target replic
	$(ctest) --test-dir build -L hosts

asan: ## Run `make test` under the address and undefined-behaviour sanitizers
	@.ci/deps build test
	$(call configure,asan,build/asan)
	cmake --build build/asan
	UBSAN_OPTIONS=print_stacktrace=1 $(ctest) --test-dir build/asan -LE hosts

bench: ## Measure, against prototypes in plain C (see docs/)
	@.ci/deps build bench
	$(call configure,release,build,-DREPLIC_BENCH=ON)
	cmake --build build --target bench
	build/tests/replic_bench $(ARGS)

lint: ## Check format, layers, style and what static analysis finds
	@.ci/deps build lint
	.ci/lint

tidy: ## Run clang-tidy over ext/
	@.ci/deps build lint
	.ci/lint tidy

fuzz: ## Fuzz each target for a minute
	@.ci/deps build fuzz
	$(call configure,fuzz,build/fuzz)
	cmake --build build/fuzz --target fuzz_targets
	tests/fuzz/run.sh build/fuzz $(FUZZ_SECONDS)

coverage: ## Report which lines of ext/ `make test` runs, to build/coverage/html
	@.ci/deps build test coverage
	$(call configure,coverage,build/coverage)
	cmake --build build/coverage
	find build/coverage -name '*.gcda' -delete
	$(ctest) --test-dir build/coverage -LE hosts
	mkdir -p build/coverage/html
	gcovr -r . --object-directory build/coverage -f ext/ --exclude-throw-branches -j $(JOBS) \
	  --html-details build/coverage/html/index.html --txt build/coverage/summary.txt
	@cat build/coverage/summary.txt

docs: build ## Regenerate docs/reference.md from replic_help
	@.ci/deps docs
	/usr/bin/python3 docs/generate.py build/replic.so docs/reference.md

install: build ## Copy the extension to PREFIX/lib/sqlite3, its documentation to PREFIX/share/doc
	DESTDIR=$(DESTDIR) cmake --install build --prefix $(PREFIX) --strip

clean: ## Remove everything that was built
	rm -rf build
