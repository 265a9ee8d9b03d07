package engine

import "context"

// DatabaseLockKey is that of the lock on the database.
const DatabaseLockKey = databaseLockKey

// MigratePostgresTo sets up a database as an older Temporal would have.
func MigratePostgresTo(ctx context.Context, url, mainVersion, visibilityVersion string) error {
	database, err := parseDatabase(url)
	if err != nil {
		return err
	}
	main, visibility := postgresMain(), postgresVisibility()
	main.version, visibility.version = mainVersion, visibilityVersion
	return (&postgres{database: database}).migrate(ctx, main, visibility)
}
