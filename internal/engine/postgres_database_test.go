package engine

import (
	"fmt"
	"strings"
	"testing"

	"go.temporal.io/server/common/config"
)

func TestTemporalsConnectionsAreMadeOfTheWholeURLAndItsConfigurationHoldsNoPassword(t *testing.T) {
	t.Parallel()
	database, err := parseDatabase("postgres://role:se-cret@db.example/rows?sslmode=verify-full&application_name=mine&connect_timeout=3")
	if err != nil {
		t.Fatal(err)
	}
	if database.TLSConfig == nil || database.TLSConfig.ServerName != "db.example" || database.TLSConfig.InsecureSkipVerify {
		t.Errorf("TLS: %+v", database.TLSConfig)
	}
	if database.RuntimeParams["application_name"] != "mine" || database.ConnectTimeout.Seconds() != 3 {
		t.Errorf("got %v, %v", database.RuntimeParams, database.ConnectTimeout)
	}
	p := (&postgres{database: database}).persistence()
	all := config.Config{Persistence: p}
	for _, said := range []string{all.String(), fmt.Sprintf("%+v", p.DataStores[mainStore].SQL)} {
		if strings.Contains(said, "se-cret") {
			t.Errorf("the password is in %s", said)
		}
	}
}

func TestAURLThatIsNoneIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://role:se-cret@db.example:port/rows", "postgres://role:se-cret@db.example/rows?sslmode=perhaps", "postgres://role:se-%zz@h/"} {
		_, err := parseDatabase(url)
		if err == nil || strings.Contains(err.Error(), "se-") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v", url, err)
		}
	}
}
