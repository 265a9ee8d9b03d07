#!/bin/sh
# Makes Temporal's two databases, or brings them up to the version of this image. Can be run again.
set -eu

for database in temporal visibility; do
	name=temporal
	[ "$database" = temporal ] || name=temporal_visibility
	temporal-sql-tool --db "$name" create
	temporal-sql-tool --db "$name" setup-schema -v 0.0
	temporal-sql-tool --db "$name" update-schema -d "/etc/temporal/schema/postgresql/v12/$database/versioned"
done
