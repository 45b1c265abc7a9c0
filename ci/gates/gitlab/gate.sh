#!/bin/sh
# Runs the gate for the GitLab template.
#
#   gate.sh record    judges everything and keeps the JSON report as the baseline
#   gate.sh compare   takes the target branch's baseline and judges what is new
#
# GitLab gives out artifacts of the branch's newest successful pipeline only, so
# `record` ends well although there are findings: they stand in its reports.
# Findings in a merge request end with tidegate's exit code.
#
# The artifact is read with GATE_GITLAB_TOKEN (a project access token with
# read_api), or else with the job's own token, which GitLab accepts for this in
# its Premium and Ultimate tiers.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# The template names the reports' paths, so they are not a choice here.
export GATE_REPORTS=tidegate-reports
case ${1-} in
record)
	# A comparison has no place in a record: it would leave known findings out.
	export GATE_BASELINE=none
	GATE_FORMATS="${GATE_FORMATS:-json junit sarif code-quality markdown} json"
	export GATE_FORMATS
	status=0
	"$here/../gate" || status=$?
	case $status in
	0 | 2 | 3) echo "recorded as the baseline (tidegate ended with $status)" ;;
	*) exit "$status" ;;
	esac
	exit 0
	;;
compare) ;;
*)
	echo "usage: gate.sh record|compare" >&2
	exit 64
	;;
esac

target=${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-${CI_DEFAULT_BRANCH:?}}
# A branch may have slashes, spaces and more in its name; everything that an
# address could take for its own is encoded.
encoded=$(printf '%s' "$target" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# The token goes in through a file: arguments are seen by every process.
if [ -n "${GATE_GITLAB_TOKEN-}" ]; then
	printf 'header = "PRIVATE-TOKEN: %s"\n' "$GATE_GITLAB_TOKEN" >"$work/curlrc"
else
	printf 'header = "JOB-TOKEN: %s"\n' "${CI_JOB_TOKEN:?}" >"$work/curlrc"
fi
unset GATE_GITLAB_TOKEN
address="${CI_API_V4_URL:?}/projects/${CI_PROJECT_ID:?}/jobs/artifacts/$encoded/raw/$GATE_REPORTS/tidegate.json?job=tidegate-baseline"
code=$(curl --config "$work/curlrc" --silent --show-error --location --retry 3 \
	--output "$work/baseline.json" --write-out '%{http_code}' "$address") || {
	echo "tidegate gate: GitLab could not be reached for the baseline of \`$target\`" >&2
	exit 1
}
case $code in
200) echo "comparing with the newest tidegate-baseline of \`$target\`" ;;
404)
	# Also the answer to a token that may not read the project.
	rm -f "$work/baseline.json"
	echo "GitLab has no tidegate-baseline of \`$target\`, or shows it not to this token" >&2
	;;
*)
	echo "tidegate gate: GitLab answered $code for the baseline of \`$target\`: is GATE_GITLAB_TOKEN set, and valid?" >&2
	exit 1
	;;
esac
export GATE_BASELINE="$work/baseline.json"
export GATE_ONLY_NEW="${GATE_ONLY_NEW:-true}"
status=0
"$here/../gate" || status=$?
exit "$status"
