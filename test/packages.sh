#!/usr/bin/env bash
# Lists the packages of this module by whether they or their tests link parts of the Temporal server, which
# take minutes to build and long to link: `packages.sh fast` those that do not, `packages.sh server` those that do.
set -euo pipefail
cd "$(dirname "$0")/.."

which=${1:?fast or server}

# A package's test binary is listed as "<package>.test"; its Deps are what its tests link.
go list -e -test -f '{{.ImportPath}}{{range .Deps}}{{if eq . "go.temporal.io/server/common/persistence"}} server{{end}}{{end}}' ./... |
	awk -v which="$which" '
		/\[/ { next }                      # a package rebuilt for a test; its .test says it all
		{
			name = $1
			sub(/\.test$/, "", name)
			if (!(name in linked)) order[n++] = name
			linked[name] = linked[name] || $2 == "server"
		}
		END {
			for (i = 0; i < n; i++)
				if ((which == "server") == (linked[order[i]] ? 1 : 0)) print order[i]
		}'
