// Package storetest is what every implementation of store.Store has to pass. It is written once
// and run by each database's own tests.
package storetest

import (
	"testing"

	"github.com/postrider/postrider/store"
)

// subtest is a sentence about stores and the code that checks it.
type subtest struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// Run runs the suite. open gives each subtest an empty store and closes it at the subtest's end.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	groups := []struct {
		name     string
		subtests []subtest
	}{
		{"accept", acceptTests()},
		{"apply", applyTests()},
		{"event state", eventStateTests()},
		{"wish", wishTests()},
		{"waiting", waitingTests()},
		{"outbox", outboxTests()},
		{"lists", listTests()},
		{"endpoints", endpointTests()},
		{"catalogue", catalogueTests()},
		{"nodes", nodeTests()},
		{"retention", retentionTests()},
		{"concurrency", concurrencyTests()},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range group.subtests {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.run(t, newFixture(t, open(t)))
				})
			}
		})
	}
}
