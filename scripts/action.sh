#!/usr/bin/env bash
# Proves a change of rule files: check, fmt --check, test, and a diff against the base revision on
# real records. Every step runs, whatever the ones before it found, so that one run shows all there
# is to do. action.yml sets the variables; set by hand, they do the same on any machine with git:
#
#   RULES         rule files: one file or pattern a line
#   TESTS         directory of golden cases; empty for none
#   MIN_COVERAGE  percent of rules and match arms that the cases must reach; empty for any
#   LOGS          records to compare on: one file or pattern a line; empty for those of the cases
#   BASE          revision to compare with; empty for no diff
#   FAIL_ON_DIFF  true if changed events are a failure
#   ASA2UDM       the program [asa2udm]
#   REPORT        where the Markdown report goes [asa2udm-report.md]
#
# Exit codes: 0 fine, 1 findings, 2 a step could not run.
set -uo pipefail
shopt -s nullglob
shopt -s globstar 2>/dev/null || true # bash before version 4 has none

asa2udm=${ASA2UDM:-asa2udm}
report=${REPORT:-asa2udm-report.md}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
status=0
rows=()

die() {
	echo "asa2udm: $*" >&2
	exit 2
}

# worse remembers the worst exit code of all steps.
worse() {
	local code=$1
	((code > 2)) && code=2
	((code > status)) && status=$code
	return 0
}

# expand puts the files that the patterns in $1 stand for, one pattern a line, into the array files.
expand() {
	files=()
	local pattern matches IFS=
	while IFS= read -r pattern; do
		pattern=${pattern#"${pattern%%[![:space:]]*}"}
		pattern=${pattern%"${pattern##*[![:space:]]}"}
		[[ -z $pattern ]] && continue
		IFS=
		matches=($pattern)
		if [[ ${#matches[@]} -eq 0 || (${#matches[@]} -eq 1 && ! -e ${matches[0]}) ]]; then
			die "no file matches \"$pattern\""
		fi
		files+=("${matches[@]}")
	done <<<"$1"
}

# step runs a command under a name, shows what it says, and keeps it for the report.
step() {
	local name=$1 code
	shift
	group "$name"
	"$@" >"$work/out" 2>&1
	code=$?
	cat "$work/out"
	endgroup
	result "$name" "$code"
	if ((code != 0)); then
		{
			echo
			echo "### $name"
			echo
			# As an indented block nothing in it is read as Markdown.
			head -c 200000 "$work/out" | sed 's/^/    /'
		} >>"$work/details"
	fi
	return "$code"
}

result() {
	local word
	case $2 in
	0) word="ok" ;;
	1) word="**findings**" ;;
	*) word="**could not run**" ;;
	esac
	rows+=("| $1 | $word |")
	worse "$2"
}

group() { [[ -n ${GITHUB_ACTIONS:-} ]] && echo "::group::$1" || echo "== $1"; }
endgroup() { [[ -n ${GITHUB_ACTIONS:-} ]] && echo "::endgroup::" || true; }

# annotate shows the findings of check beside the lines of the pull request.
annotate() {
	[[ -n ${GITHUB_ACTIONS:-} ]] && command -v jq >/dev/null || return 0
	"$asa2udm" check --json "${rules[@]}" 2>/dev/null | jq -r '
		def text: gsub("%"; "%25") | gsub("\r"; "%0D") | gsub("\n"; "%0A");
		def value: text | gsub(":"; "%3A") | gsub(","; "%2C");
		.findings[]
		| (if .severity == "error" then "error" else "warning" end) as $level
		| "::\($level) file=\(.file | value),line=\(.line),col=\(.column)::\(.message + (if .hint then "\n" + .hint else "" end) | text)"'
}

# findBase makes the base revision available and puts it into the variable base.
findBase() {
	base=$1
	git rev-parse -q --verify "$base^{commit}" >/dev/null && return 0
	git rev-parse -q --verify "origin/$base^{commit}" >/dev/null && base=origin/$base && return 0
	# A checkout in CI has one commit only.
	git fetch -q --no-tags --depth=1 origin "$base" 2>/dev/null || return 1
	base=$(git rev-parse FETCH_HEAD)
}

# compare writes what a rule file changes since the base revision. Its name in the repository may
# differ from that seen from here.
compare() {
	local file=$1 path
	path=$(git ls-files --full-name -- "$file")
	if [[ -z $path ]] || ! git cat-file -e "$base:$path" 2>/dev/null; then
		printf '`%s` is new.\n' "$file"
		return 0
	fi
	local flags=(--format markdown)
	[[ ${FAIL_ON_DIFF:-} == true ]] && flags+=(--fail-on-change)
	"$asa2udm" diff "${flags[@]}" "git:$base:$path" "$file" "${logs[@]}"
}

diffAll() {
	local file code=0 last
	if ! findBase "$BASE"; then
		echo "asa2udm: no revision \"$BASE\"; check out with fetch-depth: 0" | tee "$work/out"
		result diff 2
		return
	fi
	group diff
	for file in "${rules[@]}"; do
		compare "$file" >"$work/one" 2>"$work/err"
		last=$?
		cat "$work/err" >&2
		cat "$work/one"
		{
			echo
			cat "$work/one"
			((last > 1)) && sed 's/^/    /' "$work/err"
		} >>"$work/diff"
		((last > code)) && code=$last
	done
	endgroup
	result diff "$code"
}

# writeReport puts the table, what went wrong, and the diff into one Markdown file. GitHub takes a
# summary of at most 1 MiB.
writeReport() {
	{
		echo "## asa2udm"
		echo
		echo "| step | result |"
		echo "|---|---|"
		printf '%s\n' "${rows[@]}"
		[[ -f $work/details ]] && cat "$work/details"
		[[ -f $work/diff ]] && cat "$work/diff"
	} >"$work/report"
	head -c 900000 "$work/report" >"$report" || die "cannot write $report"
	[[ -n ${GITHUB_STEP_SUMMARY:-} ]] && cat "$report" >>"$GITHUB_STEP_SUMMARY"
	[[ -n ${GITHUB_OUTPUT:-} ]] && echo "report=$report" >>"$GITHUB_OUTPUT"
	return 0
}

[[ -n ${RULES:-} ]] || die "RULES names no rule file"
command -v "$asa2udm" >/dev/null || die "no program $asa2udm"
expand "$RULES"
rules=("${files[@]}")
[[ ${#rules[@]} -gt 0 ]] || die "RULES names no rule file"

logs=()
if [[ -n ${LOGS:-} ]]; then
	expand "$LOGS"
	logs=("${files[@]}")
elif [[ -n ${TESTS:-} ]]; then
	while IFS= read -r -d '' file; do logs+=("$file"); done < <(find "$TESTS" -name '*.ndjson' -print0 | LC_ALL=C sort -z)
fi

step check "$asa2udm" check "${rules[@]}" || annotate
step "fmt --check" "$asa2udm" fmt --check --diff "${rules[@]}"
if [[ -n ${TESTS:-} ]]; then
	flags=()
	[[ -n ${MIN_COVERAGE:-} ]] && flags+=(--min-coverage "$MIN_COVERAGE")
	step "test" "$asa2udm" test "${flags[@]}" "$TESTS"
fi
# The first push of a branch comes with a base of zeros.
[[ ${BASE:-} =~ ^0+$ ]] && BASE=
if [[ -n ${BASE:-} && ${#logs[@]} -gt 0 ]]; then
	diffAll
elif [[ -n ${BASE:-} ]]; then
	rows+=("| diff | no records to compare on |")
fi
writeReport
exit "$status"
