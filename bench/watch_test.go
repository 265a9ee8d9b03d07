package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/postrider/postrider/bench/internal/scrape"
)

// sampled are samples of one value at the times 0, 10, 20 and so on.
func sampled(values ...float64) (s samples) {
	for i, v := range values {
		s = append(s, sample{int64(i) * 10, scrape.Metrics{"n": v}})
	}
	return s
}

func TestSamplesAreSummedUpBetweenTwoTimes(t *testing.T) {
	t.Parallel()
	s := sampled(1, 5, 3, 10, 2)
	if got := s.peak("n"); got != 10 {
		t.Errorf("peak %v", got)
	}
	if got := s.mean("n", 10, 30); got != 4 { // 5 and 3
		t.Errorf("mean %v", got)
	}
	if got := s.growth("n", 0, 40); got != 9 { // from 1 to 10
		t.Errorf("growth %v", got)
	}
	if mean, growth := s.mean("n", 100, 200), s.growth("n", 100, 200); mean != 0 || growth != 0 {
		t.Errorf("of nothing the mean is %v and the growth %v", mean, growth)
	}
}

func TestWhatWasCountedIsPlacedEvenlyBetweenTheSamples(t *testing.T) {
	t.Parallel()
	got := sampled(200, 202, 202, 206).times("n")
	if want := []int64{5, 10, 22, 25, 27, 30}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAWatchReadsOnceMoreWhenItIsStopped(t *testing.T) {
	t.Parallel()
	n := 0.0
	stop := watch(t.Context(), time.Hour, func(context.Context) (scrape.Metrics, error) {
		n++
		return scrape.Metrics{"n": n}, nil
	})
	s, err := stop()
	if err != nil || len(s) != 2 || s[1].values["n"] != 2 {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestAWatchThatCannotReadFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	stop := watch(t.Context(), time.Hour, func(context.Context) (scrape.Metrics, error) { return nil, broken })
	if _, err := stop(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestDiskBytesAreThoseOfAllFilesBelow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "engine"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"store.db", "engine/1.log"} {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 10_000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := diskBytes(dir); n < 20_000 || n > 200_000 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
