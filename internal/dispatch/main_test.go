package dispatch_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue {
		_ = p.Value.Set("8") // the tests wait for disks and timers, hardly ever for a processor
	}
	goleak.VerifyTestMain(m)
}
