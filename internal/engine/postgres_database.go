package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const connectTimeout = 10 * time.Second

// parseDatabase reads the URL of the database, which says how to connect to it. No error shows its password.
func parseDatabase(url string) (*pgx.ConnConfig, error) {
	database, err := pgx.ParseConfig(url)
	if err != nil {
		reason := errors.Unwrap(err) // without the URL
		if reason == nil {
			reason = errors.New("it cannot be parsed")
		}
		return nil, fmt.Errorf("the database URL is not valid: %w", reason)
	}
	if database.ConnectTimeout == 0 {
		database.ConnectTimeout = connectTimeout
	}
	setDefault(database, "application_name", "postrider-temporal")
	return database, nil
}

// setDefault sets what the URL does not say.
func setDefault(database *pgx.ConnConfig, name, value string) {
	if _, ok := database.RuntimeParams[name]; !ok {
		database.RuntimeParams[name] = value
	}
}

func dialDatabase(ctx context.Context, database *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, database)
	if err != nil {
		return nil, fmt.Errorf("the database cannot be reached: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	return conn, nil
}
