#!/usr/bin/env bash
# Runs the gate for the action: credentials from the secret, the step's summary,
# outputs. Ends with tidegate's exit code.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [ -n "${INPUT_CLOUDS_YAML-}" ]; then
	folder=$(mktemp -d -p "${RUNNER_TEMP:?}")
	trap 'rm -rf "$folder"' EXIT
	printf '%s\n' "$INPUT_CLOUDS_YAML" >"$folder/clouds.yaml"
	export OS_CLIENT_CONFIG_FILE="$folder/clouds.yaml"
fi
# What the gate starts needs the file, not the variable.
unset INPUT_CLOUDS_YAML

status=0
"$here/../gate" || status=$?

reports=${GATE_REPORTS:-tidegate-reports}
output() {
	[ ! -f "$reports/$2" ] || echo "$1=$reports/$2" >>"$GITHUB_OUTPUT"
}
echo "exit-code=$status" >>"$GITHUB_OUTPUT"
output json tidegate.json
output junit tidegate-junit.xml
output sarif tidegate.sarif
output markdown tidegate.md

if [ -f "$reports/tidegate.md" ]; then
	# The format keeps itself within the limit of a step's summary.
	cat "$reports/tidegate.md" >>"$GITHUB_STEP_SUMMARY"
fi
case $status in
0) ;;
2) echo "::error title=tidegate::findings at or above the threshold" ;;
3) echo "::error title=tidegate::something could not be judged; that is no pass" ;;
*) echo "::error title=tidegate::no result: tidegate ended with $status" ;;
esac
exit "$status"
