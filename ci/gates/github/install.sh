#!/usr/bin/env bash
# Finds or makes the program for the action, and sets the output `tidegate`.
#
# In this order: INPUT_BINARY; what INPUT_DOWNLOAD_URL gives, if its SHA-256 is
# INPUT_SHA256; tidegate on the PATH; a build of the revision that the action is
# taken from, so that action and program always fit.
set -euo pipefail

fail() {
	echo "::error title=tidegate::$1" >&2
	exit 1
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin="${RUNNER_TEMP:?}/tidegate-bin"

if [ -n "${INPUT_BINARY-}" ]; then
	tidegate=$(command -v "$INPUT_BINARY") || fail "binary: there is no program \`$INPUT_BINARY\`"
elif [ -n "${INPUT_DOWNLOAD_URL-}" ]; then
	[ -n "${INPUT_SHA256-}" ] || fail "download-url needs sha256: what is downloaded is run with the cloud's credentials"
	mkdir -p "$bin"
	tidegate="$bin/tidegate"
	curl --fail --silent --show-error --location --retry 3 --output "$tidegate" "$INPUT_DOWNLOAD_URL" ||
		fail "cannot download \`$INPUT_DOWNLOAD_URL\`"
	if ! echo "$INPUT_SHA256  $tidegate" | sha256sum --check --status; then
		found=$(sha256sum "$tidegate")
		rm -f "$tidegate"
		fail "\`$INPUT_DOWNLOAD_URL\` has the SHA-256 ${found%% *}, not $INPUT_SHA256"
	fi
	chmod +x "$tidegate"
elif tidegate=$(command -v tidegate); then
	:
else
	command -v cargo >/dev/null || fail "tidegate is not installed and there is no cargo to build it: set binary, or download-url with sha256"
	root=$(cd "$here/../../.." && pwd)
	export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$RUNNER_TEMP/tidegate-target}"
	echo "building tidegate from $root; set binary or download-url to spare the time"
	(cd "$root" && cargo build --release --locked --bin tidegate)
	tidegate="$CARGO_TARGET_DIR/release/tidegate"
fi
"$tidegate" --version
echo "tidegate=$tidegate" >>"$GITHUB_OUTPUT"
