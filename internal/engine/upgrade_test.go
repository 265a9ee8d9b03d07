package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// When a new Temporal fails this: compare its schema with the one before, raise schemaVersion, write the migration.
func TestTemporalsSchemaIsTheOneThatFilesOfThisVersionHave(t *testing.T) {
	t.Parallel()
	statements, err := shippedSchema().statements()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(strings.Join(statements, ";\n")))
	if got, want := hex.EncodeToString(sum[:8]), "a7d17ce9db8f558d"; got != want || schemaVersion != 1 {
		t.Errorf("schema %d is now that of %s, was that of %s", schemaVersion, got, want)
	}
}
