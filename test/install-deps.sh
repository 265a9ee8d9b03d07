#!/usr/bin/env bash
# Installs what the wider tests need beyond Go: PostgreSQL's server programs and Node with npm. On
# Debian and its kin, as root, by apt-get; elsewhere it says what is missing and which suites are
# therefore skipped. With POSTRIDER_TEST_REQUIRE_ALL=1 anything missing is a failure.
set -euo pipefail

has_postgres() {
	command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

has_node() {
	command -v node >/dev/null && command -v npm >/dev/null &&
		[ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 18 ]
}

may_install() {
	command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]
}

install() {
	echo "installing: $*"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

wanted=()
if ! has_postgres; then
	wanted+=(postgresql)
fi
if ! has_node; then
	wanted+=(nodejs npm)
fi

if [ ${#wanted[@]} -gt 0 ] && may_install; then
	if [[ " ${wanted[*]} " == *" postgresql "* ]]; then
		# The tests start servers of their own; one that runs by itself is not wanted.
		mkdir -p /etc/postgresql-common
		[ -e /etc/postgresql-common/createcluster.conf ] ||
			echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	fi
	install "${wanted[@]}" || echo "apt-get could not install them"
fi

missing=0
if ! has_postgres; then
	missing=1
	echo "missing: PostgreSQL's server programs (initdb, postgres)."
	echo "  skipped: store/postgres, and the whole-system tests with --database-url"
fi
if ! has_node; then
	missing=1
	echo "missing: Node 18 or newer with npm."
	echo "  skipped: the whole-system test with real GitHub events and the standardwebhooks client"
fi
if [ "$missing" = 1 ] && [ "${POSTRIDER_TEST_REQUIRE_ALL:-}" = 1 ]; then
	echo "POSTRIDER_TEST_REQUIRE_ALL=1: nothing may be skipped" >&2
	exit 1
fi
