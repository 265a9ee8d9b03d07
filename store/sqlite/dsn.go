package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"strconv"
)

// dsn is the URI of the file with pragmas that every new connection sets, in their order. The path
// may hold any character.
func dsn(path string, pragmas ...string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	query := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return "file:" + (&url.URL{Path: filepath.ToSlash(absolute)}).EscapedPath() + "?" + query.Encode(), nil
}

// connect opens a pool of n connections that are kept.
func connect(path string, n int, pragmas ...string) (*sql.DB, error) {
	name, err := dsn(path, pragmas...)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	return pool, nil
}

// jsonArray is the keys as json_each reads them.
func jsonArray(keys []int64) string {
	b := make([]byte, 0, 2+12*len(keys))
	b = append(b, '[')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, key, 10)
	}
	return string(append(b, ']'))
}
